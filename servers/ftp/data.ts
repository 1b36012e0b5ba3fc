/** Data connections: the client makes them (passive) or has us make them (active). */
import { Deadline, isOverSoon } from "../../tools/net/deadline.ts";
import { closeQuietly, isClosed, isGone } from "../../tools/net/errors.ts";
import { unmapped } from "../../tools/protocol/address.ts";
import type { DataAddress } from "../../tools/protocol/ftp_address.ts";
import type { PortRange } from "../../tools/protocol/units.ts";
import type { DataConn, DataListener, DataNetwork } from "./settings.ts";

/** How the next data connection is made. It serves for one. */
export interface DataWay {
  /** Makes it within `timeout` milliseconds, or throws. */
  open(timeout: number): Promise<DataConn>;
  /** Gives it up. */
  close(): void;
}

/** The client connects to us. */
export class PassiveWay implements DataWay {
  readonly #listener: DataListener;
  readonly #peer: string;
  readonly #onStranger: (address: string) => void;

  /** Takes a connection from the address `peer` alone. */
  constructor(
    listener: DataListener,
    peer: string,
    onStranger: (address: string) => void,
  ) {
    this.#listener = listener;
    this.#peer = peer;
    this.#onStranger = onStranger;
  }

  async open(timeout: number): Promise<DataConn> {
    try {
      const taking = this.#take();
      // Most clients have connected before they asked for data: no timer then.
      if (await isOverSoon(taking)) return await taking;
      using _deadline = new Deadline(timeout, () => this.close());
      return await taking;
    } finally {
      this.close();
    }
  }

  close(): void {
    closeQuietly(this.#listener);
  }

  /** The client's connection. */
  async #take(): Promise<DataConn> {
    for (;;) {
      const conn = await this.#accept();
      if (!conn) continue;
      const address = unmapped(conn.remoteAddr.hostname);
      if (address === this.#peer) return conn;
      // Whoever guesses the port first gets nothing (RFC 2577 section 3), and the client still can come.
      closeQuietly(conn);
      this.#onStranger(address);
    }
  }

  /** The next connection; undefined when it was gone before we had it: nobody knows whose it was. */
  async #accept(): Promise<DataConn | undefined> {
    try {
      return await this.#listener.accept();
    } catch (error) {
      if (isGone(error) && !isClosed(error)) return undefined;
      throw error;
    }
  }
}

/** We connect to the client. */
export class ActiveWay implements DataWay {
  readonly #network: DataNetwork;
  readonly #address: DataAddress;
  readonly #over = new AbortController();

  constructor(network: DataNetwork, address: DataAddress) {
    this.#network = network;
    this.#address = address;
  }

  async open(timeout: number): Promise<DataConn> {
    using _deadline = new Deadline(timeout, () => this.close());
    const { host, port } = this.#address;
    return await this.#network.dial(host, port, this.#over.signal);
  }

  close(): void {
    this.#over.abort(new Deno.errors.Interrupted("given up"));
  }
}

/**
 * Listens on a free port of `range`; `random` gives numbers from 0 up to 1. The
 * port is ours to choose: the system's choice for port 0 passes over all ports
 * that closed connections still hold, and finds none on a busy server.
 */
export function listenInRange(
  network: DataNetwork,
  host: string,
  { first, last }: PortRange,
  random: () => number,
): { listener: DataListener; port: number } {
  const size = last - first + 1;
  const start = Math.floor(random() * size);
  for (let i = 0; i < size; i++) {
    const port = first + (start + i) % size;
    try {
      return { listener: network.listen(host, port), port };
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Deno.errors.AddrInUse("all ports for passive mode are taken");
}

/** Whether an IPv4 address is of a network that is not seen from outside (RFC 1918, RFC 3927), or our own machine. */
export function isInternal(address: string): boolean {
  return /^(?:10|127|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01]))\./.test(address);
}
