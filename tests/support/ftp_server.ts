/** Our FTP server in process, with a folder of its own, and a client that says what a test tells it to. */
import { assertEquals } from "@std/assert";
import { type FtpOptions, start } from "../../servers/ftp.ts";
import { listenInRange } from "../../servers/ftp/data.ts";
import { PASSIVE_PORTS, TIMEOUTS } from "../../servers/ftp/settings.ts";
import { ByteReader } from "../../tools/net/reader.ts";
import type { Server } from "../../tools/net/server.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import { writeAll } from "../../tools/net/writer.ts";
import { Log, type LogForm } from "../../tools/program/log.ts";
import { parseExtendedPassive } from "../../tools/protocol/ftp_address.ts";
import { ReplyParser } from "../../tools/protocol/ftp_reply.ts";
import type { PortRange } from "../../tools/protocol/units.ts";
import type { Right } from "../../tools/protocol/users.ts";
import { testWith } from "./permissions.ts";
import { bytes, readText } from "./stream.ts";

/** A log that a test can read, and wait for. */
export class TestLog {
  text = "";
  #wake = (): void => {};
  readonly log: Log;

  constructor(form: LogForm = "text") {
    this.log = new Log({
      name: "ftpd",
      form,
      quiet: false,
      write: (data) => {
        this.text += new TextDecoder().decode(data);
        this.#wake();
        return Promise.resolve(data.length);
      },
    });
  }

  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.text)) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

export const EVERYTHING: ReadonlySet<Right> = new Set<Right>(["r", "w", "d"]);

/** The options of a server on a port of the system's choice, which lets anonymous do everything. */
export function ftpOptions(root: string, log: Log): FtpOptions {
  return {
    hosts: ["127.0.0.1"],
    port: 0,
    folder: root,
    anonymous: EVERYTHING,
    users: [],
    passivePorts: PASSIVE_PORTS,
    timeouts: TIMEOUTS,
    maxPerUser: Infinity,
    maxRate: Infinity,
    maxFileSize: Infinity,
    keepPartial: false,
    maxConnections: 1000,
    maxPerAddress: 1000,
    log,
  };
}

/** A server that runs, with `hello` (6 bytes), `.hidden` and `sub/deep` in its folder. */
export interface Served {
  server: Server;
  port: number;
  root: string;
  /** The folder around the served one. */
  outside: string;
  log: TestLog;
  /** A client that is connected, and logged in as anonymous. */
  login(): Promise<FtpControl>;
  /** A client that is connected. */
  connect(): Promise<FtpControl>;
  /** The names in the served folder, hidden ones too. */
  names(): string[];
}

type Given = Partial<FtpOptions> & { form?: LogForm };

/** A test against a server; `options` may depend on its folder. */
export function ftpTest(
  name: string,
  fn: (served: Served) => Promise<void>,
  options?: Given | ((root: string) => Given),
): void {
  testWith(
    ["net", "read", "write", "sys"],
    `ftpd: ${name}`,
    () => withFtpServer(fn, options),
  );
}

/** Runs `fn` against a server. */
export async function withFtpServer(
  fn: (served: Served) => Promise<void>,
  options?: Given | ((root: string) => Given),
): Promise<void> {
  const outside = await Deno.makeTempDir();
  const root = `${outside}/served`;
  await Deno.mkdir(`${root}/sub`, { recursive: true });
  await Deno.writeTextFile(`${root}/hello`, "hello\n");
  await Deno.writeTextFile(`${root}/.hidden`, "");
  await Deno.writeTextFile(`${root}/sub/deep`, "deep");
  const given = typeof options === "function" ? options(root) : options;
  const log = new TestLog(given?.form);
  const server = start({ ...ftpOptions(root, log.log), ...given });
  const port = server.addrs[0]?.port ?? 0;
  const controls: FtpControl[] = [];
  const connect = async (): Promise<FtpControl> => {
    const hostname = server.addrs[0]?.hostname ?? "";
    const control = new FtpControl(await Deno.connect({ hostname, port }));
    controls.push(control);
    assertEquals((await control.reply()).slice(0, 4), "220 ");
    return control;
  };
  const login = async (): Promise<FtpControl> => {
    const control = await connect();
    assertEquals(await control.codes("USER ftp", "PASS me@"), [331, 230]);
    return control;
  };
  const names = (): string[] => [...Deno.readDirSync(root)].map(({ name }) => name).sort();
  try {
    await fn({ server, port, root, outside, log, login, connect, names });
  } finally {
    controls.forEach((control) => control.close());
    await server.shutdown();
    await server.finished;
    await Deno.remove(outside, { recursive: true });
  }
}

/** A range of one port: a free one that the system gives to no client (those begin at 32768). */
export function onlyPort(): PortRange {
  const { listener, port } = listenInRange(
    {
      listen: (hostname, port) => Deno.listen({ hostname, port }),
      dial: () => Promise.reject(new Error("not here")),
    },
    "127.0.0.1",
    { first: 20_000, last: 30_000 },
    Math.random,
  );
  listener.close();
  return { first: port, last: port };
}

/** The client's end of a control connection. */
export class FtpControl {
  readonly #stream: ByteStream & Partial<Pick<Deno.TcpConn, "remoteAddr">>;
  readonly #reader: ByteReader;
  readonly #parser = new ReplyParser((line) => new TextDecoder().decode(line));

  constructor(stream: ByteStream & Partial<Pick<Deno.TcpConn, "remoteAddr">>) {
    this.#stream = stream;
    this.#reader = new ByteReader(stream);
  }

  /** Sends bytes as they are. */
  async raw(data: Uint8Array | string): Promise<void> {
    await writeAll(this.#stream, bytes(data));
  }

  /** The next reply, its lines joined by `\n`; empty at the end. */
  async reply(): Promise<string> {
    for (;;) {
      const line = await this.#reader.readLine({ longest: 100_000, end: "crlf" });
      if (line === null) return "";
      const reply = this.#parser.add(line);
      if (reply) return reply.lines.join("\n");
    }
  }

  /** Sends a command and returns its reply. */
  async ask(line: string): Promise<string> {
    await this.raw(`${line}\r\n`);
    return await this.reply();
  }

  /** The codes of the replies to some commands, sent one after the other. */
  async codes(...lines: string[]): Promise<number[]> {
    const codes: number[] = [];
    for (const line of lines) codes.push(Number((await this.ask(line)).slice(0, 3)));
    return codes;
  }

  /** Makes a data connection by EPSV. */
  async data(): Promise<Deno.TcpConn> {
    const port = parseExtendedPassive(await this.ask("EPSV"));
    return await Deno.connect({ hostname: this.#stream.remoteAddr?.hostname ?? "127.0.0.1", port });
  }

  /** What comes over a data connection for `line`; the reply stands in its place when there is no 150. */
  async fetch(line: string): Promise<string> {
    using data = await this.data();
    const first = await this.ask(line);
    if (!first.startsWith("150 ")) return first;
    const text = await readText(data);
    const last = await this.reply();
    return last.startsWith("226 ") ? text : last;
  }

  /** Sends `content` by `line`; returns the last reply. */
  async store(line: string, content: Uint8Array | string): Promise<string> {
    using data = await this.data();
    const first = await this.ask(line);
    if (!first.startsWith("150 ")) return first;
    await writeAll(data, bytes(content));
    await data.closeWrite();
    return await this.reply();
  }

  /** Ends our half of the connection. */
  async end(): Promise<void> {
    await this.#stream.closeWrite();
  }

  close(): void {
    try {
      this.#stream.close();
    } catch {
      // Closed by the test already.
    }
  }
}
