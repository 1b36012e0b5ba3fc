/** One client's session: its control connection, what it has said so far, and the transfer it has under way. */
import { FileError } from "../../tools/files/errors.ts";
import { Deadline, isOverSoon, Patience } from "../../tools/net/deadline.ts";
import { closeQuietly, isGone } from "../../tools/net/errors.ts";
import { closeGently, LINGER } from "../../tools/net/linger.ts";
import { ByteReader } from "../../tools/net/reader.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import type { TlsStream } from "../../tools/net/tls.ts";
import { Writer } from "../../tools/net/writer.ts";
import { Failure } from "../../tools/program/failure.ts";
import type { Fields } from "../../tools/program/log.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import { FACTS } from "../../tools/protocol/ftp_facts.ts";
import { formatReply } from "../../tools/protocol/ftp_reply.ts";
import { resolvePath } from "../../tools/protocol/served_path.ts";
import { FOREIGN, type FtpServerCommand, NOT_SERVED } from "./command.ts";
import type { DataWay } from "./data.ts";
import type { LoggedIn } from "./login.ts";
import { FILE_REPLIES, type FtpReply, Refusal, REPLIES } from "./replies.ts";
import { COMMAND_BUFFER, readRequest, type Request } from "./request.ts";
import type { FtpService } from "./service.ts";
import { type Job, Transfer } from "./transfer.ts";
import { withUrgentData } from "./urgent.ts";

/** So many commands may come while a transfer runs; then no more are read until its end. */
export const MOST_WAITING = 100;

/** The two ends of a control connection, IPv4 addresses in plain form. */
export interface Ends {
  peer: string;
  /** With its zone if it needs one, and that is known. */
  local: string;
}

const encoder = new TextEncoder();

/** A command, as the table has it. */
export type SessionCommand = FtpServerCommand<FtpSession>;

/** The algorithms of HASH, by the names of IANA; the first is the one in use until OPTS HASH names another. */
export const HASHES = ["SHA-256", "SHA-512", "SHA-1", "MD5"] as const;

/** A session. The commands read and change what is public here. */
export class FtpSession {
  user: LoggedIn | undefined;
  /** What USER said. */
  name: string | undefined;
  failures = 0;
  /** The current folder. */
  folder = "/";
  type: "A" | "I" = "A"; // RFC 959 section 5.1.
  /** What REST said, for the next transfer. */
  offset = 0;
  renameFrom: string | undefined;
  /** What OPTS MLST said. */
  facts: readonly typeof FACTS[number][] = FACTS;
  /** What OPTS HASH said. */
  hash: typeof HASHES[number] = HASHES[0];
  /** How the next data connection is made. */
  way: DataWay | undefined;
  /** EPSV ALL was said. */
  extendedOnly = false;
  /** PROT P was said. */
  protectData = false;
  tls: TlsStream | undefined;
  transfer: Transfer | undefined;

  readonly #commands: ReadonlyMap<string, SessionCommand>;
  #stream: ByteStream;
  #reader: ByteReader;
  #writer: Writer;
  #reading: Promise<Request | null> | undefined;
  #waiting: Request[] = [];
  #ended = false;
  /** There was, or will be, something for ABOR to end. */
  #transfers = false;
  #stopping = false;
  /** The last words, and the end of our half. */
  #farewell: Promise<void> | undefined;
  readonly #patience = new Patience();
  /** Made when it is asked for: most sessions end without. */
  #over: AbortController | undefined;
  #start = performance.now();

  constructor(
    stream: ByteStream,
    readonly ends: Ends,
    readonly service: FtpService,
    commands: ReadonlyMap<string, SessionCommand>,
  ) {
    this.#commands = commands;
    this.#stream = stream;
    this.#reader = new ByteReader(
      withUrgentData(
        stream,
        () => this.#transfers ||= this.way !== undefined || this.transfer !== undefined,
      ),
      COMMAND_BUFFER,
    );
    this.#writer = new Writer(stream);
  }

  /** Aborts when the session ends, and when the client is gone while it waits for a reply. */
  get over(): AbortSignal {
    const over = this.#over ??= new AbortController();
    const abort = (): void => over.abort();
    if (this.#ended) abort();
    (this.#reading ??= readRequest(this.#reader)).then((request) => request ?? abort(), abort);
    return over.signal;
  }

  /** Serves the client until it leaves, or has to. */
  async run(): Promise<void> {
    try {
      if (this.service.tls?.implicit) await this.startTls();
      await this.send({ code: 220, text: "labsock FTP server ready." });
      for (;;) {
        const request = await this.#next();
        if (request === null || this.#ended) break;
        await this.#execute(request);
        if (this.#ended) break;
      }
    } catch (error) {
      if (error instanceof ProtocolError) {
        await this.send({ code: 500, text: `Cannot go on: ${error.message}.` }).catch(() => {});
      } else if (error instanceof Failure) this.log("failed", { reason: error.message });
      else if (!isGone(error)) throw error;
    } finally {
      this.#ended = true;
      this.#over?.abort();
      this.transfer?.abort(this.#stopping ? REPLIES.stopping : REPLIES.gone);
      await this.transfer?.over;
      this.way?.close();
      if (this.user) this.service.sessions.leave(this.user.name);
      this.#patience[Symbol.dispose]();
      await closeGently(this.#stream, this.#farewell);
    }
  }

  /** The server stops: says so, after the transfer that is under way. */
  stop(): void {
    this.#stopping = true;
    if (!this.transfer) this.dismiss(REPLIES.stopping);
  }

  /** Ends the session with `reply`. */
  dismiss(reply: FtpReply): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#over?.abort();
    // Whoever waits for a command waits for the client to leave now.
    if (this.#reading) this.#patience.begin(LINGER, () => closeQuietly(this.#stream));
    this.#farewell = this.send(reply).then(() => this.#stream.closeWrite()).catch(() => {});
  }

  /** Sends a reply, in one piece: firewalls read it packet by packet. */
  async send({ code, text }: FtpReply): Promise<void> {
    this.#writer.send(encoder.encode(formatReply(code, text)));
    const sent = this.#writer.flush();
    if (await isOverSoon(sent)) return await sent;
    using _deadline = new Deadline(
      this.service.timeouts.idle,
      () => closeQuietly(this.#stream),
    );
    await sent;
  }

  /** Whether something came after the command that is being served. */
  get hasMore(): boolean {
    return this.#reader.buffered > 0 || this.#reading !== undefined;
  }

  /** Puts TLS on the control connection. Throws Failure. */
  async startTls(): Promise<void> {
    const tls = await this.protect(this.#stream);
    this.tls = this.#stream = tls;
    this.#reader = new ByteReader(tls, COMMAND_BUFFER);
    this.#writer = new Writer(tls);
  }

  /** Puts TLS on a connection of this session. Throws Failure. */
  async protect(stream: ByteStream): Promise<TlsStream> {
    const { tls, timeouts } = this.service;
    if (!tls) throw new TypeError("this server has no TLS");
    const { tlsServer } = await import("../../tools/net/tls.ts");
    using _deadline = new Deadline(timeouts.accept, () => closeQuietly(stream));
    return await tlsServer(stream, tls.identity());
  }

  /** The user. Only for commands that need one. */
  get login(): LoggedIn {
    if (!this.user) throw new Refusal(REPLIES.loginFirst.code, REPLIES.loginFirst.text);
    return this.user;
  }

  /**
   * Back to the beginning, for REIN: all is forgotten but failed logins and TLS, which RFC 4217 section 11
   * has cleared. The client would go on in clear, and so would the password of the next user.
   */
  reinitialize(): void {
    if (this.user) {
      this.service.sessions.leave(this.user.name);
      this.#start = performance.now();
    }
    this.way?.close();
    this.user = this.name = this.way = undefined;
    this.folder = "/";
    this.type = "A";
    this.offset = 0;
    this.facts = FACTS;
    this.hash = HASHES[0];
    this.extendedOnly = this.protectData = false;
  }

  /** The path that `argument` means. Throws RangeError. */
  path(argument: string): string {
    return resolvePath(argument, this.folder);
  }

  /** Starts a transfer, which takes `way`. */
  begin(job: Job, way: DataWay): void {
    this.way = undefined;
    this.transfer = new Transfer(this, job, way, () => this.transfer = undefined);
  }

  /** Logs an event of this session. */
  log(event: string, fields: Fields, text?: string): void {
    this.service.log.event(
      event,
      { peer: this.ends.peer, user: this.user?.name, ...fields },
      text,
    );
  }

  /** The next command whose turn it is; null at the end. */
  async #next(): Promise<Request | null> {
    for (;;) {
      const { transfer } = this;
      if (!transfer) {
        if (this.#stopping) this.dismiss(REPLIES.stopping);
        const waiting = this.#waiting.shift();
        if (waiting) return waiting;
        this.#patience.begin(...this.#limit());
        const request = await (this.#reading ??= readRequest(this.#reader));
        this.#patience.end();
        this.#reading = undefined;
        return request;
      }
      const [first] = this.#waiting;
      if (first && this.#commands.get(first.verb)?.duringTransfer) {
        this.#waiting.shift();
        return first;
      }
      if (this.#waiting.length >= MOST_WAITING) {
        await transfer.over;
        continue;
      }
      const request = await Promise.race([
        this.#reading ??= readRequest(this.#reader),
        transfer.over,
      ]);
      if (request === undefined) continue;
      this.#reading = undefined;
      if (request === null) {
        // Whoever said goodbye already may leave before the end; whoever did not is lost, and the transfer with them.
        if (!this.#waiting.some(({ verb }) => verb === "QUIT")) return null;
        await transfer.over;
      } else if (this.#commands.get(request.verb)?.duringTransfer === "at once") return request;
      else this.#waiting.push(request);
    }
  }

  /** How long to wait for a command, and what to do then. Single bytes extend nothing. */
  #limit(): [number, () => void] {
    const { idle, login } = this.service.timeouts;
    if (this.user) return [idle, () => this.dismiss(REPLIES.idle)];
    const left = Math.max(0, this.#start + login - performance.now());
    return left < idle
      ? [left, () => this.dismiss(REPLIES.loginTime)]
      : [idle, () => this.dismiss(REPLIES.idle)];
  }

  async #execute({ verb, argument }: Request): Promise<void> {
    const command = this.#commands.get(verb);
    if (FOREIGN.has(verb)) return this.dismiss(REPLIES.foreign);
    if (!command) return await this.send(NOT_SERVED.has(verb) ? REPLIES.notHere : REPLIES.unknown);
    const reply = this.#refusal(command, argument) ?? await this.#run(command, argument ?? "");
    // RNTO comes right after RNFR, or not at all (RFC 959 section 4.1.3).
    if (verb !== "RNFR" || reply?.code !== 350) this.renameFrom = undefined;
    if (!reply) return;
    if (command.logged && reply.code >= 400) this.#logRefusal(verb, argument, reply.text);
    await this.send(reply);
  }

  #logRefusal(command: string, argument: Request["argument"], reason: string): void {
    let path = argument ?? undefined;
    try {
      if (path) path = this.path(path);
    } catch {
      // It is no path: then it is shown as it came.
    }
    this.log("refused", { command, path, reason });
  }

  #refusal(
    { needs, argument: wanted }: SessionCommand,
    argument: Request["argument"],
  ): FtpReply | undefined {
    if (needs !== "nothing" && !this.user) return REPLIES.loginFirst;
    if (argument === null) return REPLIES.badCharacters;
    if (wanted === "none" && argument) return REPLIES.noArgument;
    if (wanted === "required" && !argument) return REPLIES.needsArgument;
    if (needs === "nothing" || needs === "login" || this.user?.rights.has(needs)) return undefined;
    return REPLIES.noRight;
  }

  async #run(command: SessionCommand, argument: string): Promise<FtpReply | undefined> {
    try {
      return await command.run(this, argument);
    } catch (error) {
      return this.replyTo(error);
    }
  }

  /** The reply to what went wrong. Throws what ends the session. */
  replyTo(error: unknown): FtpReply {
    if (error instanceof Refusal) return error;
    if (error instanceof RangeError) return FILE_REPLIES["bad name"];
    if (isGone(error) || error instanceof Failure) throw error;
    const refused = error instanceof FileError ? error : undefined;
    if (refused && refused.kind !== "failed") return FILE_REPLIES[refused.kind];
    this.log("failed", { reason: String(refused?.cause ?? error) });
    return refused ? FILE_REPLIES.failed : REPLIES.failed;
  }
}
