/** The relay of one connection: two directions, each with its own end. */
import { isGone } from "../../tools/net/errors.ts";
import type { Tap } from "../../tools/net/recorder.ts";
import type { Direction } from "../../tools/protocol/synthetic_tcp.ts";
import { type BufferPool, bufferPools, ReadBuffer } from "./buffers.ts";
import { Cut, type Side } from "./side.ts";

/** Who sees what passes, without changing it: the screen, a recording. */
export type Watcher = Tap;

/** How a connection is relayed. */
export interface RelayOptions {
  client: Side;
  server: Side;
  watchers: Watcher[];
  /** Whether both sides are sockets as they are, which say the end by being closed. */
  plain: boolean;
  /** Closes both connections, whatever is under way. */
  breakOff(): void;
}

const POOLS = bufferPools();
const OPPOSITE = { up: "down", down: "up" } as const;

/** One relayed connection. */
export class Relay {
  readonly #options: RelayOptions;
  readonly #pools: BufferPool[];
  /** Whether the side that sends this way has reset the connection. */
  readonly #reset: Record<Direction, boolean> = { up: false, down: false };
  /** Bytes that came from the client, and from the server. */
  readonly passed: Record<Direction, number> = { up: 0, down: 0 };
  /** When bytes last came, or went on, in milliseconds since 1970. */
  lastActive = Date.now();
  #ended = 0;

  /** `pools` are those that all connections share, unless a test looks into them. */
  constructor(options: RelayOptions, pools: BufferPool[] = POOLS) {
    this.#options = options;
    this.#pools = pools;
  }

  /**
   * Relays until both directions have ended, or one of them broke and both
   * connections are closed; in the first case whoever connected closes them. A
   * side that takes nothing more ends one direction only: what it said before is
   * still delivered.
   */
  async run(): Promise<void> {
    const { client, server } = this.#options;
    try {
      await Promise.all([this.#pump("up", client, server), this.#pump("down", server, client)]);
    } finally {
      this.#tell("end", "up");
      this.#tell("end", "down");
    }
  }

  async #pump(direction: Direction, from: Side, to: Side): Promise<void> {
    const { watchers, plain, breakOff } = this.#options;
    // Whoever watches is to see messages whole, so for them no buffer is of the smallest.
    const buffer = new ReadBuffer(this.#pools, watchers.length > 0 ? 1 : 0);
    try {
      for (;;) {
        for (const watcher of watchers) await watcher.ready();
        const length = await from.read(buffer.bytes);
        if (length === null) break;
        this.lastActive = Date.now();
        this.passed[direction] += length;
        const data = buffer.bytes.subarray(0, length);
        for (const watcher of watchers) watcher.data(direction, data);
        if (!await this.#write(direction, to, data)) return;
        buffer.adapt(length);
      }
      if (this.#reset[direction]) throw new Deno.errors.ConnectionReset();
      this.#tell("end", direction);
      // The second end is said as well, and for less, by the close that follows.
      if (++this.#ended < 2 || !plain) await to.closeWrite();
    } catch (error) {
      const cut = error instanceof Cut;
      if (cut || error instanceof Deno.errors.ConnectionReset) this.#tell("reset", direction);
      // What broke here is to break there too: of one half left open nobody would see the end.
      breakOff();
      if (!cut && !isGone(error)) throw error;
    } finally {
      buffer.release();
    }
  }

  /** Writes all of `data`; false when `to` takes no more. */
  async #write(direction: Direction, to: Side, data: Uint8Array): Promise<boolean> {
    try {
      for (let rest = data; rest.length > 0;) {
        rest = rest.subarray(await to.write(rest));
        this.lastActive = Date.now();
      }
      return true;
    } catch (error) {
      // After a reset that was reported here, reading gives the last words and a plain end.
      if (error instanceof Deno.errors.ConnectionReset) this.#reset[OPPOSITE[direction]] = true;
      else if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
      return false;
    }
  }

  #tell(what: "end" | "reset", direction: Direction): void {
    for (const watcher of this.#options.watchers) watcher[what](direction);
  }
}
