/** Connections and datagram endpoints whose traffic a recorder sees. */
import { type Datagram, DatagramEndpoint } from "./datagram.ts";
import type { Recorder, Tap } from "./recorder.ts";
import type { ByteStream } from "./stream.ts";

/** Which end of the conversation a program is. */
export type Side = "client" | "server";

const WAYS = {
  client: { incoming: "down", outgoing: "up" },
  server: { incoming: "up", outgoing: "down" },
} as const;

/** `stream`, the connection of which we are `side`, recorded by `tap`. Reading waits while the disk is behind. */
export function recordedStream(stream: ByteStream, tap: Tap, side: Side): ByteStream {
  const { incoming, outgoing } = WAYS[side];
  const unlessReset = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (error instanceof Deno.errors.ConnectionReset) tap.reset(incoming);
      throw error;
    }
  };
  return {
    async read(buffer): Promise<number | null> {
      await tap.ready();
      const length = await unlessReset(stream.read(buffer));
      if (length === null) tap.end(incoming);
      else tap.data(incoming, buffer.subarray(0, length));
      return length;
    },
    async write(data): Promise<number> {
      const length = await unlessReset(stream.write(data));
      tap.data(outgoing, data.subarray(0, length));
      return length;
    },
    async closeWrite(): Promise<void> {
      await stream.closeWrite();
      tap.end(outgoing);
    },
    close(): void {
      stream.close();
      tap.end(outgoing);
      // The peer's end comes after ours, and nobody is there to see it.
      tap.end(incoming);
    },
  };
}

/** A datagram endpoint of which we are `side`, recorded by `recorder`. */
export class RecordedEndpoint extends DatagramEndpoint {
  readonly #recorder: Recorder;
  readonly #side: Side;

  /** `longest` is the longest datagram the protocol knows, in bytes. */
  constructor(socket: Deno.DatagramConn, longest: number, recorder: Recorder, side: Side) {
    super(socket, longest);
    this.#recorder = recorder;
    this.#side = side;
  }

  override async receive(): Promise<Datagram | null> {
    const datagram = await super.receive();
    if (datagram) this.#record("incoming", datagram.peer, datagram.data);
    return datagram;
  }

  override async send(data: Uint8Array, peer: Deno.NetAddr): Promise<boolean> {
    const sent = await super.send(data, peer);
    if (sent) this.#record("outgoing", peer, data);
    return sent;
  }

  #record(way: "incoming" | "outgoing", peer: Deno.NetAddr, data: Uint8Array): void {
    const ends = this.#side === "client"
      ? { client: this.addr, server: peer }
      : { client: peer, server: this.addr };
    this.#recorder.datagram(WAYS[this.#side][way], ends, data);
  }
}
