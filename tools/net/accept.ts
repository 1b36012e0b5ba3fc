/**
 * Accepting connections. `for await (const conn of listener)` ends at the first
 * peer that resets before it is accepted, and spins when descriptors run out;
 * this loop does neither.
 */
import { delay } from "@std/async/delay";
import type { Log } from "../program/log.ts";
import { unmapped } from "../protocol/address.ts";
import { closeQuietly, isClosed, isGone } from "./errors.ts";
import { type Caps, ConnectionCount } from "./limits.ts";

/** What a server does with connections. */
export interface AcceptOptions extends Caps {
  log: Log;
  /** Serves one connection, which is closed when this settles. `peer` is the client's address, IPv4 in plain form. */
  serve(conn: Deno.TcpConn, peer: Deno.NetAddr): Promise<void>;
  /** Sent to a client above the caps before it is closed. */
  refusal?: Uint8Array;
}

// Descriptors come back when connections end: look again soon, then less often.
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1000;

/** The accept loops of one server, one for each listener, and the connections they made. */
export class Acceptor {
  readonly #options: AcceptOptions;
  readonly #count: ConnectionCount;
  readonly #listeners: Deno.TcpListener[] = [];
  readonly #loops: Promise<void>[] = [];
  readonly #connections = new Map<Deno.TcpConn, Promise<void>>();
  readonly #stopping = new AbortController();

  constructor(options: AcceptOptions) {
    this.#options = options;
    this.#count = new ConnectionCount(options);
  }

  /** Starts accepting from `listener`, until that is closed. After a shutdown it is closed at once. */
  listen(listener: Deno.TcpListener): void {
    if (this.#stopping.signal.aborted) return closeQuietly(listener);
    this.#listeners.push(listener);
    this.#loops.push(this.#loop(listener));
  }

  /** Resolves when all listeners are closed and all connections are over. */
  async finished(): Promise<void> {
    await Promise.all(this.#loops);
    await Promise.all(this.#connections.values());
  }

  /** Stops accepting, gives the connections `grace` milliseconds to end, and closes the rest. */
  async shutdown(grace: number): Promise<void> {
    this.#stopping.abort();
    for (const listener of this.#listeners) closeQuietly(listener);
    const timer = setTimeout(() => {
      for (const conn of this.#connections.keys()) closeQuietly(conn);
    }, grace);
    await this.finished();
    clearTimeout(timer);
  }

  async #loop(listener: Deno.TcpListener): Promise<void> {
    let pause = FIRST_PAUSE;
    while (!this.#stopping.signal.aborted) {
      try {
        const conn = await listener.accept();
        pause = FIRST_PAUSE;
        this.#admit(conn);
      } catch (error) {
        if (isClosed(error)) return; // The listener, by us.
        if (isGone(error)) continue; // The peer was gone before it was accepted.
        this.#options.log.event("cannot accept", {
          reason: (error as { code?: string }).code ?? String(error),
        });
        await delay(pause, { signal: this.#stopping.signal }).catch(() => {});
        pause = Math.min(LONGEST_PAUSE, pause * 2);
      }
    }
  }

  #admit(conn: Deno.TcpConn): void {
    const { transport, hostname, port } = conn.remoteAddr;
    const peer = { transport, hostname: unmapped(hostname), port };
    const { log, refusal } = this.#options;
    if (!this.#count.enter(peer.hostname)) {
      log.event("refused", {
        peer: peer.hostname,
        reason: "too many connections",
      });
      return void refuse(conn, refusal);
    }
    const task = this.#serve(conn, peer).finally(() => {
      this.#count.leave(peer.hostname);
      this.#connections.delete(conn);
    });
    this.#connections.set(conn, task);
  }

  async #serve(conn: Deno.TcpConn, peer: Deno.NetAddr): Promise<void> {
    try {
      // Nagle's algorithm holds a small write back for 40 ms when two come in a row.
      conn.setNoDelay();
      await this.#options.serve(conn, peer);
    } catch (error) {
      if (!isGone(error)) {
        this.#options.log.event("failed", {
          peer: peer.hostname,
          reason: String(error),
        });
      }
    } finally {
      conn[Symbol.dispose](); // Who serves may have closed it, and an error for that would cost more than the close.
    }
  }
}

/** One write to a fresh connection never waits for the peer, so refusals cannot pile up. */
async function refuse(conn: Deno.TcpConn, refusal: Uint8Array | undefined): Promise<void> {
  try {
    if (refusal) await conn.write(refusal);
  } catch {
    // The client has gone already.
  } finally {
    closeQuietly(conn);
  }
}
