/** An FTP server in memory that follows a script, and the network to reach it by. */
import { FtpClient, type FtpConn, type FtpOptions } from "../../clients/ftp/client.ts";
import { tlsServer, type TlsStream } from "../../tools/net/tls.ts";
import { isGone } from "../../tools/net/errors.ts";
import { ByteReader } from "../../tools/net/reader.ts";
import { Trace } from "../../tools/program/trace.ts";
import { Secret } from "../../tools/protocol/secret.ts";
import { latin1 } from "../../tools/protocol/text.ts";
import { writeAll } from "../../tools/net/writer.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import { SERVER } from "./identities.ts";
import { bytes, streamPair, type TestStream } from "./stream.ts";

/** What the server does at a command: says this line, or what the function returns, if anything. */
export type Act = string | ((argument: string, server: FtpServer) => Answer | Promise<Answer>);
type Answer = string | void;

/** Does `act`, for acts made of others. */
export async function perform(act: Act, argument: string, server: FtpServer): Promise<Answer> {
  return typeof act === "string" ? act : await act(argument, server);
}

/** What the server does at each command, by verb; a list is used up one by one. */
export type Script = Record<string, Act | Act[]>;

/** How the server is reached. */
export interface ScriptOptions {
  welcome?: Act;
  /** The most bytes that one read or write of the control connection moves. */
  most?: number;
  /** The server's address. */
  address?: string;
}

const USUAL: Script = {
  USER: "331 password",
  PASS: "230 welcome",
  FEAT: "500 what",
  TYPE: "200 ok",
  EPSV: (_, server) => `229 Entering Extended Passive Mode (|||${server.listen()}|)`,
  EPRT: "200 ok",
  NOOP: "200 ok",
  AUTH: async (_, server) => {
    await server.say("234 go on");
    await server.secure();
  },
  PBSZ: "200 PBSZ=0",
  PROT: "200 private",
  QUIT: "221 bye",
};

/** A server for one session. */
export class FtpServer {
  /** The commands it got, without the login of `connect`. */
  commands: string[] = [];
  /** The addresses that the client dialled for data. */
  readonly dialled: string[] = [];
  /** The server's end of the control connection. */
  control: TestStream = streamPair()[1];
  /** TLS on it, and on the data connections from then on. */
  #tls: TlsStream | undefined;
  readonly #script: Script;
  readonly #options: ScriptOptions;
  readonly #failures: unknown[] = [];
  #task = Promise.resolve();
  #ports = 40_000;
  #listener: ((conn: FtpConn) => void) | undefined;
  #data = Promise.withResolvers<TestStream>();

  constructor(script: Script = {}, options: ScriptOptions = {}) {
    this.#script = { ...USUAL, ...script };
    this.#options = options;
  }

  get address(): string {
    return this.#options.address ?? "192.0.2.1";
  }

  /** Opens a port for a data connection. */
  listen(): number {
    this.#data = Promise.withResolvers();
    return ++this.#ports;
  }

  /** The server's end of the data connection, once the client has connected, or by connecting to it from `from`. */
  async data(from = this.address): Promise<TestStream> {
    if (this.#listener === undefined) return await this.#data.promise;
    const [client, server] = streamPair();
    this.#listener(this.#conn(client, from, 20));
    return server;
  }

  /** Says something without being asked. */
  async say(line: string): Promise<void> {
    await writeAll(this.#tls ?? this.control, bytes(`${line}\r\n`));
  }

  /** Puts TLS on the control connection. */
  async secure(): Promise<void> {
    this.#tls = await tlsServer(this.control, SERVER);
  }

  /** The data connection with TLS on it. */
  async secureData(): Promise<TlsStream> {
    return await tlsServer(await this.data(), SERVER);
  }

  /** The network in which this server is the only other host. */
  get network(): Pick<FtpOptions, "dial" | "listen"> {
    return {
      // deno-lint-ignore require-await
      dial: async (host, port): Promise<FtpConn> => {
        if (port === 21) return this.#start();
        this.dialled.push(`${host}:${port}`);
        if (host !== this.address || port !== this.#ports) {
          throw new Deno.errors.ConnectionRefused("refused");
        }
        const [client, server] = streamPair();
        this.#data.resolve(server);
        return this.#conn(client, host, port);
      },
      listen: (hostname) => {
        const waiting: FtpConn[] = [];
        let wake = waker();
        this.#listener = (conn) => {
          waiting.push(conn);
          wake.resolve();
        };
        return {
          addr: { transport: "tcp", hostname, port: 50_000 },
          async accept(): Promise<FtpConn> {
            for (;;) {
              await wake.promise;
              const conn = waiting.shift();
              if (conn) return conn;
              wake = waker();
            }
          },
          close: (): void => wake.reject(new Deno.errors.BadResource("closed")),
        };
      },
    };
  }

  /** Waits for the end of the session. Throws what an act of the script threw. */
  async finished(): Promise<void> {
    await this.#task;
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  #conn(stream: TestStream, host: string, port: number): FtpConn {
    return Object.assign(
      stream,
      {
        localAddr: {
          transport: "tcp",
          hostname: host.includes(":") ? "2001:db8::2" : "192.0.2.2",
          port: 50_001,
        },
        remoteAddr: { transport: "tcp", hostname: host, port },
      } as const,
    );
  }

  #start(): FtpConn {
    const [client, server] = streamPair({ most: this.#options.most ?? Infinity });
    this.control = server;
    this.#task = this.#serve().catch((error) => {
      if (!isGone(error)) this.#failures.push(error);
      server.close();
    });
    return this.#conn(client, this.address, 21);
  }

  async #serve(): Promise<void> {
    await this.#perform(this.#options.welcome ?? "220 ready", "");
    // A new reader may take over the stream, as TLS does: none holds more than its line.
    for (;;) {
      const line = await new ByteReader(oneByOne(this.#tls ?? this.control)).readLine({
        longest: 9999,
        end: "lf",
      });
      if (line === null) return (this.#tls ?? this.control).close();
      const [, verb = "", argument = ""] = /^(\S*) ?(.*)$/s.exec(latin1(line)) ?? [];
      this.commands.push(latin1(line));
      const act = this.#script[verb] ?? "502 no such command";
      const next = Array.isArray(act) ? act.shift() ?? "502 that was all" : act;
      await this.#perform(next, argument);
    }
  }

  async #perform(act: Act, argument: string): Promise<void> {
    const answer = await perform(act, argument, this);
    if (typeof answer === "string") await this.say(answer);
  }
}

function waker(): PromiseWithResolvers<void> {
  const wake = Promise.withResolvers<void>();
  wake.promise.catch(() => {}); // A listener may be closed while nobody waits.
  return wake;
}

function oneByOne(stream: ByteStream): Pick<ByteStream, "read"> {
  return { read: (buffer) => stream.read(buffer.subarray(0, 1)) };
}

/** Sends `text` on the data connection and ends it in good order. */
export function sends(
  text: string | Uint8Array,
  { first = "150 here it comes", last = "226 done" } = {},
): Act {
  return async (_, server) => {
    await server.say(first);
    const data = await server.data();
    await writeAll(data, bytes(text));
    await data.closeWrite();
    return last;
  };
}

/** A session with a server that follows `script`, not logged in. */
export async function connect(
  server: FtpServer,
  options: Partial<FtpOptions> = {},
): Promise<FtpClient> {
  return await FtpClient.connect({
    ...server.network,
    host: server.address,
    port: 21,
    tls: "none",
    insecure: false,
    encoding: "utf-8",
    timeout: 30_000,
    passive: true,
    trustPassiveHost: false,
    trace: new Trace(false),
    ...options,
  });
}

/** A session with a server that follows `script`, logged in. */
export async function session(
  script: Script = {},
  { passive = true, tls = "none", ...options }:
    & ScriptOptions
    & Partial<Pick<FtpOptions, "passive" | "tls">> = {},
): Promise<{ client: FtpClient; server: FtpServer }> {
  const server = new FtpServer(script, options);
  const client = await connect(server, { passive, tls, insecure: true });
  await client.login({ user: "guest", password: new Secret("secret") });
  server.commands = [];
  return { client, server };
}
