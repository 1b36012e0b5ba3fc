/** The control connection: commands go out, replies come in, one at a time. */
import { Deadline } from "../../tools/net/deadline.ts";
import { closeQuietly } from "../../tools/net/errors.ts";
import { ByteReader } from "../../tools/net/reader.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import type { TlsStream } from "../../tools/net/tls.ts";
import { writeAll } from "../../tools/net/writer.ts";
import { EXIT, Failure } from "../../tools/program/failure.ts";
import type { Trace } from "../../tools/program/trace.ts";
import { unmapped, zoneOf } from "../../tools/protocol/address.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import type { Charset } from "../../tools/protocol/ftp_charset.ts";
import { formatCommand, maskCommand } from "../../tools/protocol/ftp_command.ts";
import { type Reply, ReplyParser } from "../../tools/protocol/ftp_reply.ts";
import { FtpError } from "./errors.ts";
import type { FtpConn } from "./network.ts";

/** Puts TLS on a connection of the session. */
export type Protect = (stream: ByteStream) => Promise<TlsStream>;

/** What a control connection needs to know. */
export interface ControlOptions {
  /** The server, as it was named to `dial`. */
  host: string;
  /** The longest silence in milliseconds. */
  timeout: number;
  charset: Charset;
  trace: Trace;
}

/** A control connection. Any failure closes it, and so does the reply 421. */
export class Control {
  /** The addresses of both ends, IPv4 in plain form. */
  readonly peer: string;
  readonly local: string;
  /** The zone of link-local addresses with its `%`, which no socket of Deno tells; else empty. */
  readonly zone: string;
  readonly #options: ControlOptions;
  #stream: ByteStream;
  #reader: ByteReader;
  #parser: ReplyParser;
  #tls: TlsStream | undefined;
  #closed: Error | undefined;
  #posted: string[] = [];
  #isEarly = false;
  /** So many replies that nobody waits for come first. */
  #unheard = 0;

  constructor(conn: FtpConn, options: ControlOptions) {
    this.peer = unmapped(conn.remoteAddr.hostname);
    this.local = unmapped(conn.localAddr.hostname);
    this.zone = zoneOf(options.host);
    this.#options = options;
    this.#stream = conn;
    this.#reader = new ByteReader(conn);
    this.#parser = new ReplyParser(options.charset.decode);
  }

  /** Why it is closed; undefined while it is open. */
  get closed(): Error | undefined {
    return this.#closed;
  }

  /** The TLS that protects it, if any. */
  get tls(): TlsStream | undefined {
    return this.#tls;
  }

  /** Puts TLS on it by `upgrade`. Throws ProtocolError when something came before, unprotected. */
  async protect(upgrade: Protect): Promise<void> {
    await this.#closingOnFailure(async () => {
      if (this.#reader.buffered > 0) {
        throw new ProtocolError("the server sent something between its answer and TLS");
      }
      using _deadline = this.watch();
      this.#stream = this.#tls = await upgrade(this.#stream);
      this.#reader = new ByteReader(this.#tls);
      this.#options.trace.note(`${this.#tls.version} on the control connection`);
    });
  }

  /** Sends a command. Throws RangeError, and sends nothing, when it holds a line end or NUL, or is not in the character set. */
  async send(verb: string, argument?: string): Promise<void> {
    const lines = [...this.#posted, formatCommand(verb, argument)];
    const data = this.#options.charset.encode(lines.map((line) => `${line}\r\n`).join(""));
    this.#unheard += this.#posted.length + (this.claim() ? 1 : 0);
    this.#posted = [];
    await this.#closingOnFailure(async () => {
      for (const line of lines) this.#options.trace.sent(maskCommand(line));
      using _deadline = this.watch();
      await writeAll(this.#stream, data);
    });
  }

  /** Leaves a command to go out with the next one. What the server says to it nobody hears. Throws RangeError as `send` does. */
  post(verb: string, argument: string): void {
    const line = formatCommand(verb, argument);
    this.#options.charset.encode(line);
    this.#posted.push(line);
  }

  /** Sends a command before its time. Its answer is for whom `claim` says so. */
  async sendEarly(verb: string): Promise<void> {
    await this.send(verb);
    this.#isEarly = true;
  }

  /** Whether the next reply is that to what was sent early, and the caller's to read. Something that was sent since then has made it worthless. */
  claim(): boolean {
    const isEarly = this.#isEarly;
    this.#isEarly = false;
    return isEarly;
  }

  /** Reads a reply within the time for it. Throws what the connection failed with. */
  async read(): Promise<Reply> {
    using _deadline = this.watch();
    return await this.next();
  }

  /** Reads a reply; the caller watches the time. */
  async next(): Promise<Reply> {
    for (;;) {
      const reply = await this.#closingOnFailure(() => this.#readReply());
      if (reply.code === 421) this.close(new FtpError(reply));
      else if (this.#unheard > 0) {
        if (reply.code >= 200) this.#unheard--;
        continue;
      }
      return reply;
    }
  }

  /** Sends a command and reads its reply, after those of 1yz. Throws FtpError for 4yz and 5yz. */
  async ask(verb: string, argument?: string): Promise<Reply> {
    await this.send(verb, argument);
    return await this.answer();
  }

  /** Reads the reply that ends a command, after those of 1yz. Throws FtpError for 4yz and 5yz. */
  async answer(): Promise<Reply> {
    let reply = await this.read();
    while (reply.code < 200) reply = await this.read();
    if (reply.code >= 400) throw new FtpError(reply);
    return reply;
  }

  /** Closes the connection when nothing has extended the deadline for the time of a silence. */
  watch(): Deadline {
    return new Deadline(
      this.#options.timeout,
      () => this.close(new Deno.errors.TimedOut("no answer in time")),
    );
  }

  /** Closes it, for a reason that later calls are told. */
  close(reason: Error): void {
    if (this.#closed) return;
    this.#closed = reason;
    closeQuietly(this.#stream);
  }

  async #readReply(): Promise<Reply> {
    for (;;) {
      const line = await this.#reader.readLine({ longest: this.#parser.room, end: "lf" });
      if (line === null) throw new Failure(EXIT.unreachable, "the server closed the connection");
      const reply = this.#parser.add(line);
      if (reply === undefined) continue;
      for (const text of reply.lines) this.#options.trace.received(text);
      return reply;
    }
  }

  async #closingOnFailure<T>(work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw this.#closed;
    try {
      return await work();
    } catch (error) {
      // When it was closed under the work, that reason is the one that counts.
      this.close(error as Error);
      throw this.#closed ?? error;
    }
  }
}
