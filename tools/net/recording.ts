/** One recording under way: the queue in front of a file, or of a viewer. */
import { Deadline } from "./deadline.ts";
import { closeQuietly } from "./errors.ts";
import type { ByteStream } from "./stream.ts";
import { writeAll } from "./writer.ts";

/** Where a recording goes. */
export type Sink = Pick<ByteStream, "write" | "close">;

/** How a recording is kept. */
export interface RecordingOptions {
  /** `ready` waits while more bytes than this are queued. */
  comfortable: number;
  /** The most bytes that are queued; what does not fit is left out. */
  most: number;
  /** How long `finish` waits for the queue, in milliseconds; as long as it takes if not given. */
  grace?: number;
  /** Something is left out, for the first time. */
  onGap(): void;
  /** Writing failed, and the recording is over. */
  onFailure(error: unknown): void;
}

/** Blocks on their way to one place, in order. What is queued while a write is under way goes out with the next. */
export class Recording {
  readonly #sink: Sink;
  readonly #options: RecordingOptions;
  readonly #over = Promise.withResolvers<void>();
  #queue: Uint8Array[] = [];
  #queued = 0;
  #busy = false;
  #ended = false;
  #gap = false;
  #drained = Promise.resolve();

  constructor(sink: Sink, options: RecordingOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  /** Resolves when nothing more is written, and the sink is closed. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Queues whole blocks, which must not be changed afterwards. When it is over they go nowhere. */
  send(blocks: Uint8Array): void {
    if (this.#ended) return;
    if (this.#queued + blocks.length > this.#options.most) {
      if (!this.#gap) this.#options.onGap();
      this.#gap = true;
      return;
    }
    this.#queued += blocks.length;
    const last = this.#queue.at(-1);
    if (last && liesBefore(last, blocks)) {
      // Side by side in memory: one write, and no copy.
      const length = last.length + blocks.length;
      this.#queue[this.#queue.length - 1] = new Uint8Array(last.buffer, last.byteOffset, length);
    } else {
      this.#queue.push(blocks);
    }
    if (!this.#busy) this.#drained = this.#drain();
  }

  /** What to wait for before more is sent, if the queue is long. */
  ready(): Promise<void> | undefined {
    return this.#queued > this.#options.comfortable ? this.#drained : undefined;
  }

  /** Writes what is queued, within the grace period, and closes the sink. */
  async finish(): Promise<void> {
    const { grace } = this.#options;
    using _deadline = grace === undefined
      ? null
      : new Deadline(grace, () => closeQuietly(this.#sink));
    await this.#drained;
    this.#end();
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
        await writeAll(this.#sink, next);
        this.#queued -= next.length;
      }
    } catch (error) {
      this.#queue = [];
      this.#queued = 0;
      this.#options.onFailure(error);
      this.#end();
    } finally {
      this.#busy = false;
    }
  }

  #end(): void {
    this.#ended = true;
    closeQuietly(this.#sink);
    this.#over.resolve();
  }
}

function liesBefore(first: Uint8Array, second: Uint8Array): boolean {
  return first.buffer === second.buffer &&
    first.byteOffset + first.length === second.byteOffset;
}
