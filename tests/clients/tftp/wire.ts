/** The TFTP client with a server that a test plays itself, packet by packet, over sockets in memory. */
import { assertEquals } from "@std/assert";
import { TftpClient, type TftpSettings } from "../../../clients/tftp/client.ts";
import { DatagramEndpoint } from "../../../tools/net/datagram.ts";
import { Trace } from "../../../tools/program/trace.ts";
import type { Source } from "../../../tools/protocol/tftp_blocks.ts";
import { describePacket } from "../../../tools/protocol/tftp_describe.ts";

/** Where the server of the tests is, and from which port it answers. */
export const SERVER = "192.0.2.1";
export const SERVICE = 69;
export const TID = 4000;

/** A packet the client sent. */
export interface Sent {
  words: string;
  to: Deno.NetAddr;
}

/** A UDP socket of the client's in memory. */
class MemorySocket implements Deno.DatagramConn {
  readonly addr: Deno.NetAddr = { transport: "udp", hostname: "0.0.0.0", port: 40000 };
  readonly sent: Sent[] = [];
  closed = false;
  /** Nothing can leave any more. */
  isCut = false;
  /** What leaves has to wait for this. */
  held: Promise<void> | undefined;
  #arrived: [data: Uint8Array, from: Deno.NetAddr][] = [];
  #waiting: PromiseWithResolvers<void> | undefined;
  #wake = (): void => {};

  /** A datagram arrives. */
  arrive(data: Uint8Array, from: Deno.NetAddr): void {
    this.#arrived.push([data, from]);
    this.#waiting?.resolve();
  }

  /** The next packet that was sent, waiting for it. */
  async next(): Promise<Sent> {
    for (;;) {
      const sent = this.sent.shift();
      if (sent) return sent;
      if (this.closed) throw new Error("the client has closed its socket");
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async receive(buffer = new Uint8Array(0)): Promise<[Uint8Array<ArrayBuffer>, Deno.Addr]> {
    for (;;) {
      if (this.closed) throw new Deno.errors.Interrupted("closed");
      const arrival = this.#arrived.shift();
      if (arrival) {
        const [data, from] = arrival;
        const part = data.subarray(0, buffer.length);
        buffer.set(part);
        return [buffer.subarray(0, part.length) as Uint8Array<ArrayBuffer>, from];
      }
      this.#waiting = Promise.withResolvers();
      await this.#waiting.promise;
    }
  }

  async send(data: Uint8Array, to: Deno.Addr): Promise<number> {
    if (this.closed) throw new Deno.errors.BadResource("closed");
    if (this.isCut) throw new Error("no route");
    this.sent.push({ words: describePacket(data), to: to as Deno.NetAddr });
    this.#wake();
    await this.held;
    return data.length;
  }

  close(): void {
    if (this.closed) throw new Deno.errors.BadResource("closed");
    this.closed = true;
    this.#waiting?.resolve();
    this.#wake();
  }

  joinMulticastV4(): never {
    throw new Error("no multicast here");
  }

  joinMulticastV6(): never {
    throw new Error("no multicast here");
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<[Uint8Array<ArrayBuffer>, Deno.Addr]> {
    for (;;) yield await this.receive(new Uint8Array(65536));
  }
}

/** A client, and the server's end of its sockets. `await using` ends both. */
export class Wire implements AsyncDisposable {
  private constructor(
    readonly client: TftpClient,
    readonly settings: TftpSettings,
    /** The last one is that of the transfer under way. */
    readonly sockets: readonly MemorySocket[],
  ) {}

  /** A client of the server at SERVER; by default it asks for nothing but the size. */
  static async open(
    changes: Partial<TftpSettings> = {},
    host = SERVER,
    addresses = [host],
  ): Promise<Wire> {
    const settings: TftpSettings = {
      mode: "octet",
      blksize: 512,
      windowsize: 1,
      tsize: false,
      rexmt: undefined,
      timeout: 25_000,
      ...changes,
    };
    const sockets: MemorySocket[] = [];
    const client = await TftpClient.connect({
      host,
      port: SERVICE,
      settings,
      trace: new Trace(false),
      resolve: () => Promise.resolve(addresses),
      bind: (_, longest) => {
        const socket = new MemorySocket();
        sockets.push(socket);
        return new DatagramEndpoint(socket, longest);
      },
    });
    return new Wire(client, settings, sockets);
  }

  get #socket(): MemorySocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("the client has no socket");
    return socket;
  }

  /** From now on nothing can leave. */
  cut(): void {
    this.#socket.isCut = true;
  }

  /** From now on what leaves has to wait for `held`. */
  hold(held: Promise<void>): void {
    this.#socket.held = held;
  }

  /** Waits for the next packet of the client's, which must be `words`, to the port `to`. */
  async takes(words: string, to = TID): Promise<void> {
    const sent = await this.#socket.next();
    assertEquals([sent.words, sent.to.port], [words, to]);
  }

  /** The server says `packet`, from the port `from` of `hostname`. */
  says(packet: Uint8Array, from = TID, hostname = SERVER): void {
    this.#socket.arrive(packet, { transport: "udp", hostname, port: from });
  }

  /** The packets that were sent and not taken yet. */
  get left(): string[] {
    return this.sockets.flatMap(({ sent }) => sent.map(({ words }) => words));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.close();
    assertEquals(this.left, []);
    assertEquals(this.sockets.every(({ closed }) => closed), true);
  }
}

/** The bytes of `text`, as a file to send. */
export function sourceOf(text: string): Source {
  let rest = new TextEncoder().encode(text);
  return {
    read(buffer): number {
      const part = rest.subarray(0, buffer.length);
      buffer.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
  };
}

/** A file that is received in memory. */
export class TextSink {
  text = "";
  ended = false;

  write(data: Uint8Array): void {
    this.text += new TextDecoder().decode(data);
  }

  end(): void {
    this.ended = true;
  }
}
