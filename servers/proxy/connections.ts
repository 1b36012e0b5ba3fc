/** The connections that a proxy relays, and their time limits. */
import { Session, type SessionOptions } from "./session.ts";

// Time limits are kept within an eighth, but nobody looks more often than this, in milliseconds.
const SHORTEST_SWEEP = 250;

/** Relays the connections of one proxy. */
export class ConnectionRelay {
  readonly #options: SessionOptions;
  readonly #sessions = new Set<Session>();
  readonly #sweep: ReturnType<typeof setInterval>;
  #number = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    const shortest = Math.min(options.timeout, options.idleTimeout);
    // One timer for all: two for each connection would be a good part of what a short one costs.
    this.#sweep = setInterval(() => {
      const now = Date.now();
      for (const session of this.#sessions) session.checkTime(now);
    }, Math.max(SHORTEST_SWEEP, shortest / 8));
  }

  /** Relays one connection until it is over. `peer` is the client's address; whoever accepted it closes it. */
  async serve(conn: Deno.TcpConn, peer: Deno.NetAddr): Promise<void> {
    const session = new Session(this.#options, ++this.#number, conn, peer);
    this.#sessions.add(session);
    await session.run();
    this.#sessions.delete(session);
  }

  /** Breaks off all connections, also those that are not yet set up. */
  breakOff(): void {
    for (const session of this.#sessions) session.breakOff("stopped");
  }

  /** Lets go of what is not a connection. */
  close(): void {
    clearInterval(this.#sweep);
  }
}
