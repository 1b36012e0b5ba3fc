/** The loops that move the bytes of a file. Never pipeTo: that costs two thirds of the speed. */
import { delay } from "@std/async/delay";
import type { ByteStream } from "../../tools/net/stream.ts";
import { writeAll } from "../../tools/net/writer.ts";

/** Where measured rates stop growing. */
const LARGEST_BUFFER = 1024 * 1024;
/** So many transfers at once have buffers of that size, 128 MiB in all; more of them have smaller ones. */
const MOST_LARGE = 64;
const SMALLER_BUFFER = 128 * 1024;
/** A file that has grown since its size was seen comes in pieces no smaller than this. */
const SMALLEST_BUFFER = 4096;
/** Uploads begin with this much; it doubles as long as reads fill it. */
const FIRST_BUFFER = 32 * 1024;
// A connection that is always ready would keep the others waiting: they come after so many bytes.
const TURN = 4 * 1024 * 1024;

/** Keeps a transfer to a rate in bytes a second, and lets the others have their turn. Says how much moved. */
export class Pace {
  readonly #rate: number;
  readonly #start = performance.now();
  #sinceTurn = 0;
  /** Bytes so far. */
  bytes = 0;

  constructor(rate: number) {
    this.#rate = rate;
  }

  /**
   * The largest piece to move at once, eight a second at a low rate: neither end
   * thinks that it has stalled, and whoever waits learns soon that it is given up.
   */
  get piece(): number {
    return Math.min(LARGEST_BUFFER, Math.ceil(this.#rate / 8));
  }

  /** So many bytes moved; nothing, or what to wait for before the next. */
  moved(length: number): Promise<void> | undefined {
    this.bytes += length;
    this.#sinceTurn += length;
    const early = this.bytes / this.#rate * 1000 - (performance.now() - this.#start);
    if (early > 1) return delay(early);
    if (this.#sinceTurn < TURN) return undefined;
    this.#sinceTurn = 0;
    return turn();
  }
}

// Loaded when it is needed: an idle server does with 5 MB less without it.
let timers: Promise<typeof import("node:timers")> | undefined;

/** Resolves after one turn of the event loop. */
export async function turn(): Promise<void> {
  const { setImmediate } = await (timers ??= import("node:timers"));
  await new Promise<void>((resolve) => setImmediate(resolve));
}

/** What a file is read from. */
export interface Source {
  read(buffer: Uint8Array): Promise<number | null>;
  readSync(buffer: Uint8Array): number | null;
}

/** What a file is written to. */
export interface Sink {
  writeSync(data: Uint8Array): number;
}

/** How large the buffers of a transfer may be, until it is over. */
class BufferSize implements Disposable {
  static #large = 0;
  readonly #isLarge = BufferSize.#large < MOST_LARGE;

  constructor() {
    if (this.#isLarge) BufferSize.#large++;
  }

  /** For a transfer at `pace`. */
  most(pace: Pace): number {
    return this.#isLarge ? pace.piece : Math.min(SMALLER_BUFFER, pace.piece);
  }

  [Symbol.dispose](): void {
    if (this.#isLarge) BufferSize.#large--;
  }
}

/** Sends what is left of `source`, about `size` bytes, as `encode` makes it. */
export async function send(
  stream: Pick<ByteStream, "write">,
  source: Source,
  size: number,
  pace: Pace,
  encode = (data: Uint8Array): Uint8Array => data,
): Promise<void> {
  using buffers = new BufferSize();
  const piece = Math.min(buffers.most(pace), Math.max(size + 1, SMALLEST_BUFFER));
  let [buffer, other] = [new Uint8Array(piece), new Uint8Array(0)];
  // Synchronously: for a small piece a thread costs more than a disk does.
  for (let length = source.readSync(buffer); length;) {
    const data = encode(buffer.subarray(0, length));
    if (length < piece || piece < SMALLER_BUFFER) {
      await writeAll(stream, data);
      await pace.moved(length);
      length = source.readSync(buffer);
      continue;
    }
    if (other.length === 0) other = new Uint8Array(piece);
    // A thread reads the next piece while this one is on its way: it goes first, for a write begins its work at once.
    const [next, written] = await Promise.allSettled([
      source.read(other),
      writeAll(stream, data),
    ]);
    if (written.status === "rejected") throw written.reason;
    await pace.moved(length);
    if (next.status === "rejected") throw next.reason;
    length = next.value;
    [buffer, other] = [other, buffer];
  }
}

/** Writes what comes from `stream`, as `decode` makes it, into `sink`. */
export async function receive(
  stream: Pick<ByteStream, "read">,
  sink: Sink,
  pace: Pace,
  decode = (data: Uint8Array): Uint8Array => data,
): Promise<void> {
  using buffers = new BufferSize();
  const most = buffers.most(pace);
  let buffer = new Uint8Array(Math.min(most, FIRST_BUFFER));
  for (;;) {
    const length = await stream.read(buffer);
    if (length === null) return;
    writeAllSync(sink, decode(buffer.subarray(0, length)));
    const wait = pace.moved(length);
    if (wait) await wait;
    if (length === buffer.length && length < most) {
      buffer = new Uint8Array(Math.min(most, 2 * length));
    }
  }
}

/** Writes all of `data`. */
export function writeAllSync(sink: Sink, data: Uint8Array): void {
  for (let rest = data; rest.length > 0;) rest = rest.subarray(sink.writeSync(rest));
}
