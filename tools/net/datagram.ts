/** A UDP socket: its own buffer, one receive at a time. */
import { closeQuietly, isClosed, isGone } from "./errors.ts";

/** A datagram as it came. */
export interface Datagram {
  /** Valid until the next `receive`. */
  data: Uint8Array;
  peer: Deno.NetAddr;
  /** It was longer than the endpoint takes, and `data` is only its beginning. */
  cut: boolean;
}

/** The receiving and sending end of one UDP socket. */
export class DatagramEndpoint {
  readonly #socket: Deno.DatagramConn;
  readonly #buffer: Uint8Array<ArrayBuffer>;

  /** `longest` is the longest datagram the protocol knows, in bytes. */
  constructor(socket: Deno.DatagramConn, longest: number) {
    this.#socket = socket;
    // The system cuts in silence; one byte more than the longest shows that it did.
    this.#buffer = new Uint8Array(longest + 1);
  }

  /** The address this socket is bound to. */
  get addr(): Deno.NetAddr {
    return this.#socket.addr as Deno.NetAddr;
  }

  /** The next datagram; null when the endpoint was closed. Two pending receives would swap their datagrams. */
  async receive(): Promise<Datagram | null> {
    for (;;) {
      try {
        const [data, peer] = await this.#socket.receive(this.#buffer);
        const cut = data.length === this.#buffer.length;
        return { data, peer: peer as Deno.NetAddr, cut };
      } catch (error) {
        if (isClosed(error)) return null;
        // Windows tells here that a datagram sent earlier did not arrive.
        if (!isGone(error)) throw error;
      }
    }
  }

  /**
   * Sends `data` as one datagram. A datagram may get lost anywhere, so one that
   * cannot leave (no route, endpoint closed) is lost here: false.
   */
  async send(data: Uint8Array, peer: Deno.NetAddr): Promise<boolean> {
    try {
      await this.#socket.send(data, peer);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      return false;
    }
  }

  /** Closes the socket; a pending receive gives null. */
  close(): void {
    closeQuietly(this.#socket);
  }
}
