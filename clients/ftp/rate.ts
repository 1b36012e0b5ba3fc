/** A limit on the rate of transfers, which several of them may share. */
import { delay } from "@std/async/delay";
import type { Sink, Source } from "./client.ts";

// What moves is cut so that a few pieces go each second: it flows, and Ctrl-C is heeded soon.
const PIECES_PER_SECOND = 8;

/** So many bytes per second, and no more on the average. */
export class RateLimit {
  /** The most bytes that should move at once. */
  readonly piece: number;
  readonly #rate: number;
  readonly #now: () => number;
  readonly #wait: (milliseconds: number) => Promise<void>;
  /** When everything that was moved so far has had its time. */
  #free = 0;

  constructor(
    rate: number,
    now = (): number => performance.now(),
    wait: (milliseconds: number) => Promise<void> = delay,
  ) {
    this.piece = Math.ceil(rate / PIECES_PER_SECOND);
    this.#rate = rate;
    this.#now = now;
    this.#wait = wait;
  }

  /** `sink`, which takes its time: it should get no more than `piece` at once. */
  sink(sink: Sink): Sink {
    return async (data) => {
      await sink(data);
      await this.#pause(data.length);
    };
  }

  /** `source`, which takes its time. */
  source(source: Source): Source {
    return async (buffer) => {
      const length = await source(buffer.subarray(0, this.piece));
      if (length !== null) await this.#pause(length);
      return length;
    };
  }

  async #pause(bytes: number): Promise<void> {
    const now = this.#now();
    this.#free = Math.max(this.#free, now) + bytes / this.#rate * 1000;
    await this.#wait(this.#free - now);
  }
}
