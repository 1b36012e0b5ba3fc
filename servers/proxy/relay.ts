/** The relay of one connection: two directions, each with its own end. */
import { closeQuietly, isGone } from "../../tools/net/errors.ts";
import type { Tap } from "../../tools/net/recorder.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import { writeAll } from "../../tools/net/writer.ts";
import type { Direction } from "../../tools/protocol/synthetic_tcp.ts";
import { Cut, type StreamFaults } from "./stream_faults.ts";

/** Who sees what passes, without changing it: the screen, a recording. */
export type Watcher = Tap;

/** How a connection is relayed. */
export interface RelayOptions {
  client: ByteStream;
  server: ByteStream;
  watchers: Watcher[];
  /** The faults of each direction, if it has any. */
  faults: Record<Direction, StreamFaults | undefined>;
}

// An idle connection waits with this much in each direction.
const SMALLEST_BUFFER = 1024;
// Measured: above this, more memory moves nothing faster.
const LARGEST_BUFFER = 1 << 20;
// The large buffers of all connections together. Beyond it a busy connection keeps a small one.
const BUFFER_BUDGET = 256 << 20;
let budget = BUFFER_BUDGET;

/** One relayed connection. */
export class Relay {
  readonly #options: RelayOptions;
  /** Bytes that came from the client, and from the server. */
  readonly passed: Record<Direction, number> = { up: 0, down: 0 };
  #closed = false;
  /** When the last bytes passed, in milliseconds since 1970. */
  lastActive = Date.now();

  constructor(options: RelayOptions) {
    this.#options = options;
  }

  /**
   * Relays until both directions have ended, or one of them broke: a peer that
   * has closed altogether takes nothing more, and what it sent before is still
   * delivered. Closes both connections.
   */
  async run(): Promise<void> {
    const { client, server, faults } = this.#options;
    try {
      await Promise.all([
        this.#pump("up", client, server, faults.up),
        this.#pump("down", server, client, faults.down),
      ]);
    } finally {
      // The client's connection is closed by whoever accepted it.
      if (!this.#closed) closeQuietly(this.#options.server);
      this.#tell("end", "up");
      this.#tell("end", "down");
    }
  }

  /** Breaks off. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeQuietly(this.#options.client);
    closeQuietly(this.#options.server);
  }

  async #pump(
    direction: Direction,
    from: ByteStream,
    to: ByteStream,
    faults: StreamFaults | undefined,
  ): Promise<void> {
    const { watchers } = this.#options;
    const buffer = new GrowingBuffer();
    try {
      for (;;) {
        for (const watcher of watchers) await watcher.ready();
        const room = faults?.room(buffer.bytes) ?? buffer.bytes;
        const length = await read(from, room, () => this.#tell("reset", direction));
        if (length === null) break;
        this.lastActive = Date.now();
        this.passed[direction] += length;
        const data = buffer.bytes.subarray(0, length);
        for (const watcher of watchers) watcher.data(direction, data);
        if (faults) await faults.send(data);
        else if (!await delivered(to, data)) return;
        buffer.adapt(length);
      }
      this.#tell("end", direction);
      if (faults && !await faults.finish()) return;
      await to.closeWrite();
    } catch (error) {
      if (error instanceof Cut) this.#tell(error.kind === "reset" ? "reset" : "end", direction);
      else if (!isGone(error)) throw error;
      // What was reset here is to be reset there; with a half open there would be nobody to end it.
      this.close();
    } finally {
      buffer.release();
    }
  }

  #tell(what: "end" | "reset", direction: Direction): void {
    for (const watcher of this.#options.watchers) watcher[what](direction);
  }
}

async function read(
  from: ByteStream,
  buffer: Uint8Array,
  onReset: () => void,
): Promise<number | null> {
  try {
    return await from.read(buffer);
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionReset) onReset();
    throw error;
  }
}

/** Writes all of `data`; false when `to` takes no more, whose own last words come by the other direction. */
async function delivered(to: ByteStream, data: Uint8Array): Promise<boolean> {
  try {
    const length = await to.write(data);
    if (length < data.length) await writeAll(to, data.subarray(length));
    return true;
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** A buffer that is small while little passes and large while much does. */
class GrowingBuffer {
  bytes = new Uint8Array(SMALLEST_BUFFER);

  /** Fits the buffer to the last read, which was of `length` bytes. */
  adapt(length: number): void {
    if (length === this.bytes.length) {
      if (length < LARGEST_BUFFER) this.#resize(Math.min(LARGEST_BUFFER, length * 8));
    } else if (length < this.bytes.length / 256 && this.bytes.length > SMALLEST_BUFFER) {
      this.#resize(SMALLEST_BUFFER);
    }
  }

  /** Gives its share of the budget back. */
  release(): void {
    budget += this.bytes.length - SMALLEST_BUFFER;
    this.bytes = new Uint8Array(0);
  }

  #resize(size: number): void {
    if (budget < size - this.bytes.length) return;
    budget -= size - this.bytes.length;
    this.bytes = new Uint8Array(size);
  }
}
