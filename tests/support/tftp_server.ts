/** A TFTP server in process with a folder of its own, and a client that sends any packet. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";
import { start, type TftpOptions } from "../../servers/tftp.ts";
import type { Server } from "../../tools/net/server.ts";
import { Log } from "../../tools/program/log.ts";
import {
  encodeAck,
  encodeRequest,
  parsePacket,
  type TftpPacket,
} from "../../tools/protocol/tftp_packet.ts";
import type { PortRange } from "../../tools/protocol/units.ts";

/** A log that a test can wait for. */
export class TestLog {
  #text = "";
  #waiting: (() => void)[] = [];
  readonly log = new Log({
    name: "tftpd",
    form: "text",
    quiet: false,
    write: (bytes) => {
      this.#text += new TextDecoder().decode(bytes);
      this.#waiting.splice(0).forEach((wake) => wake());
      return Promise.resolve(bytes.length);
    },
  });

  /** Waits for a line with `pattern`. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#text);
      if (found) return found;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Waits until it has said `words` so many times. */
  async saysTimes(words: string, times: number): Promise<void> {
    while (this.#text.split(words).length <= times) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** What it said until now. */
  get text(): string {
    return this.#text;
  }
}

/** What a test is given. */
export interface Running {
  server: Server;
  port: number;
  folder: string;
  log: TestLog;
  /** A client at an address of its own port. */
  client(hostname?: string): RawClient;
  /** The names in the folder, also of what is hidden. */
  names(): Promise<string[]>;
  /** What a file of the folder holds. */
  read(name: string): Promise<string>;
}

/** Runs `test` with a server that serves `files`, read-only unless `options` say otherwise. */
export async function withTftpd(
  options: Partial<TftpOptions>,
  files: Record<string, string | Uint8Array>,
  test: (running: Running) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const log = new TestLog();
  const clients: RawClient[] = [];
  try {
    for (const [name, data] of Object.entries(files)) {
      await Deno.mkdir(join(folder, name, ".."), { recursive: true });
      if (typeof data === "string") await Deno.writeTextFile(join(folder, name), data);
      else await Deno.writeFile(join(folder, name), data);
    }
    const server = start({
      hosts: ["127.0.0.1"],
      port: 0,
      folder,
      writing: "no",
      maxFileSize: Infinity,
      perClient: false,
      names: { lowerCase: false, map: [] },
      maxWindow: 64,
      singlePort: false,
      allow: [],
      idleTimeout: 30_000,
      maxConnections: 1000,
      maxPerAddress: 1000,
      log: log.log,
      ...options,
    });
    const port = server.addrs[0]?.port ?? 0;
    try {
      await test({
        server,
        port,
        folder,
        log,
        client(hostname = "127.0.0.1"): RawClient {
          const client = new RawClient(port, hostname);
          clients.push(client);
          return client;
        },
        names: () => Array.fromAsync(Deno.readDir(folder), ({ name }) => name),
        read: (name) => Deno.readTextFile(join(folder, name)),
      });
    } finally {
      await Promise.all([server.shutdown(), ...clients.map((client) => client.goodbye())]);
    }
  } finally {
    clients.forEach((client) => client.close());
    await Deno.remove(folder, { recursive: true });
  }
}

/** A UDP socket that speaks TFTP as a test tells it. */
export class RawClient {
  readonly #socket: Deno.DatagramConn;
  readonly #server: Deno.NetAddr;
  #tid: Deno.NetAddr | undefined;

  /** A socket at `hostname`, for the server at its port `port`. */
  constructor(port: number, hostname: string) {
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
    this.#server = { transport: "udp", hostname, port };
  }

  /** The client's own port. */
  get port(): number {
    return (this.#socket.addr as Deno.NetAddr).port;
  }

  /** The server's port of the packet that came last. */
  get tid(): number {
    return this.#tid?.port ?? 0;
  }

  /** Sends bytes to the port that listens. */
  async ask(packet: Uint8Array): Promise<void> {
    await this.#socket.send(packet, this.#server);
  }

  /** Sends a request. */
  async request(
    kind: "RRQ" | "WRQ",
    name: string,
    options: Record<string, string> = {},
    mode = "octet",
  ): Promise<void> {
    await this.ask(encodeRequest(kind, name, mode, new Map(Object.entries(options))));
  }

  /** Sends bytes to where the packet that came last was from, or to `port`. */
  async send(packet: Uint8Array, port = this.tid): Promise<void> {
    await this.#socket.send(packet, { ...this.#server, port });
  }

  /** The next packet. */
  async receive(): Promise<TftpPacket> {
    const [data, from] = await this.#socket.receive(new Uint8Array(65536));
    this.#tid = from as Deno.NetAddr;
    // A firewall, or a boot ROM, would not let it in from another address.
    assertEquals(this.#tid.hostname, this.#server.hostname);
    return parsePacket(data.slice());
  }

  /** The next packet in one line: `ERROR 1 File not found`, `DATA 1 abc`, `OACK blksize=8`. */
  async line(): Promise<string> {
    return packetLine(await this.receive());
  }

  /** Fetches what the request asks for, in lock-step. Throws when that is refused. */
  async fetch(
    name: string,
    options: Record<string, string> = {},
    mode = "octet",
  ): Promise<Uint8Array> {
    await this.request("RRQ", name, options, mode);
    const data: number[] = [];
    for (let blksize = 512;;) {
      const packet = await this.receive();
      if (packet.kind === "OACK") {
        blksize = Number(packet.options.get("blksize") ?? 512);
        await this.send(encodeAck(0));
      } else if (packet.kind === "DATA") {
        data.push(...packet.data);
        await this.send(encodeAck(packet.block));
        if (packet.data.length < blksize) return Uint8Array.from(data);
      } else {
        throw new Error(packetLine(packet));
      }
    }
  }

  /** The answer to a request in one line; the transfer is broken off. */
  async answer(
    kind: "RRQ" | "WRQ",
    name: string,
    options: Record<string, string> = {},
    mode = "octet",
  ): Promise<string> {
    await this.request(kind, name, options, mode);
    const line = await this.line();
    await this.goodbye();
    return line;
  }

  /** Breaks the transfer off, so that the server waits for nothing. */
  async goodbye(): Promise<void> {
    if (this.#tid) {
      await this.send(Uint8Array.of(0, 5, 0, 0, 98, 121, 101, 0)).catch(() => {});
    }
  }

  close(): void {
    try {
      this.#socket.close();
    } catch {
      // A test has closed it.
    }
  }
}

/** So many ports in a row, which were free a moment ago. */
export function freePorts(number: number): PortRange {
  const transport = "udp", hostname = "127.0.0.1";
  for (;;) {
    const sockets = [Deno.listenDatagram({ transport, hostname, port: 0 })];
    const { port: first } = sockets[0]?.addr as Deno.NetAddr;
    const last = first + number - 1;
    try {
      for (let port = first + 1; port <= last; port++) {
        sockets.push(Deno.listenDatagram({ transport, hostname, port }));
      }
      return { first, last };
    } catch {
      // One is taken, or beyond the last there is: try others.
    } finally {
      sockets.forEach((socket) => socket.close());
    }
  }
}

/** A packet in one line. */
export function packetLine(packet: TftpPacket): string {
  switch (packet.kind) {
    case "DATA":
      return `DATA ${packet.block} ${new TextDecoder().decode(packet.data)}`;
    case "ACK":
      return `ACK ${packet.block}`;
    case "ERROR":
      return `ERROR ${packet.code} ${packet.message}`;
    case "OACK":
      return `OACK ${[...packet.options].map((pair) => pair.join("=")).join(" ")}`;
    default:
      return `${packet.kind} ${packet.name}`;
  }
}
