/** Writing to a connection: all of it, in order, by one writer. */
import { concat } from "../protocol/bytes.ts";
import type { ByteStream } from "./stream.ts";

/** Writes all of `data`. Only for a connection with a single writing task: two would interleave. */
export async function writeAll(
  stream: Pick<ByteStream, "write">,
  data: Uint8Array,
): Promise<void> {
  let rest = data;
  while (rest.length > 0) rest = rest.subarray(await stream.write(rest));
}

/**
 * The one writer of a connection to which many tasks send. What is sent while a
 * write is under way is joined into the next one. The sender does not wait; it
 * looks at `queued` to learn whether the peer keeps up.
 */
export class Writer {
  readonly #stream: Pick<ByteStream, "write">;
  #queue: Uint8Array[] = [];
  #queued = 0;
  #busy = false;
  #drained = Promise.resolve();
  #failure: { error: unknown } | undefined;

  constructor(stream: Pick<ByteStream, "write">) {
    this.#stream = stream;
  }

  /** Bytes that were sent and are not yet with the system. */
  get queued(): number {
    return this.#queued;
  }

  /** Puts `data` in the queue; it must not be changed afterwards. After a failure it goes nowhere. */
  send(data: Uint8Array): void {
    if (this.#failure !== undefined || data.length === 0) return;
    this.#queue.push(data);
    this.#queued += data.length;
    if (!this.#busy) this.#drained = this.#drain();
  }

  /** Resolves when everything sent so far is with the system. Throws what the connection failed with. */
  async flush(): Promise<void> {
    await this.#drained;
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#queue.length > 0) {
        let batch = concat(this.#queue);
        this.#queue = [];
        while (batch.length > 0) {
          const written = await this.#stream.write(batch);
          batch = batch.subarray(written);
          this.#queued -= written;
        }
      }
    } catch (error) {
      this.#failure = { error };
      this.#queue = [];
      this.#queued = 0;
    } finally {
      this.#busy = false;
    }
  }
}
