/** What all commands of a session share: its order, its protection, its transfers. */
import { Deadline } from "../../tools/net/deadline.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import { EXIT, Failure } from "../../tools/program/failure.ts";
import { concat } from "../../tools/protocol/bytes.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import { type Charset, charset } from "../../tools/protocol/ftp_charset.ts";
import { listingLines } from "../../tools/protocol/ftp_listing.ts";
import { parseFeatures, type Reply } from "../../tools/protocol/ftp_reply.ts";
import { visible } from "../../tools/protocol/text.ts";
import { Control, type Protect } from "./control.ts";
import { type Movement, receive } from "./copy.ts";
import { DataConnector } from "./data.ts";
import { FtpError, TransferAborted } from "./errors.ts";
import type { FtpLogin, FtpOptions } from "./options.ts";
import { askForTls, sessionTls } from "./tls.ts";
import { Transfer } from "./transfer.ts";

/** The most that a listing may have, in bytes: a folder of 400,000 files; basic-ftp takes as much. */
export const LARGEST_LISTING = 40 * 1024 * 1024;

// These lose what is sent before they have answered; lftp knows them too.
const ONE_BY_ONE = /icrosoft FTP Service|MadGoat|MikroTik/;

/** A command that has a data connection. */
export interface TransferCommand {
  verb: string;
  argument: string | undefined;
  /** Where to begin (REST). */
  offset: number;
  /** The data goes to the server. */
  sends: boolean;
  /** Hears of each piece. */
  onMoved: (length: number) => void;
  /** See `DownloadOptions`. */
  pipelined?: boolean | undefined;
}

/** A session on an open control connection. */
export class FtpSession {
  readonly control: Control;
  readonly welcome: Reply;
  readonly trace: FtpOptions["trace"];
  passive: boolean;
  readonly #charset: Charset;
  readonly #secure: boolean;
  readonly #connector: DataConnector;
  #task: string | undefined;
  /** Ends the transfer of what runs. */
  #abortion = new AbortController();
  #transfer: Transfer | undefined;
  #type: "A" | "I" | undefined;
  #features: ReadonlyMap<string, string> | undefined;

  private constructor(
    control: Control,
    protect: Protect | undefined,
    names: Charset,
    welcome: Reply,
    options: FtpOptions,
  ) {
    this.control = control;
    this.welcome = welcome;
    this.trace = options.trace;
    this.passive = options.passive;
    this.#charset = names;
    this.#secure = protect !== undefined;
    this.#connector = new DataConnector(control, { ...options, protect });
  }

  /** See `FtpClient.connect`. */
  static async connect(options: FtpOptions): Promise<FtpSession> {
    const names = charset(options.encoding);
    const late = new AbortController();
    using deadline = new Deadline(
      options.timeout,
      () => late.abort(new Deno.errors.TimedOut("no answer in time")),
    );
    const conn = await options.dial(options.host, options.port, late.signal);
    deadline[Symbol.dispose]();
    const control = new Control(conn, { ...options, charset: names });
    const protect = options.tls === "none" ? undefined : sessionTls(options, control);
    try {
      if (protect && options.tls === "implicit") await control.protect(protect);
      let welcome = await control.read();
      // 120: ready in so many minutes (RFC 959 section 5.4).
      while (welcome.code < 200) welcome = await control.read();
      if (welcome.code >= 400) throw new FtpError(welcome);
      if (protect && options.tls === "explicit") {
        await askForTls(control);
        await control.protect(protect);
      }
      return new FtpSession(control, protect, names, welcome, options);
    } catch (error) {
      control.close(error as Error);
      throw error;
    }
  }

  /** Runs a command, or several that belong together: one at a time. */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    if (this.#task !== undefined) {
      throw new Error(`FtpClient: ${name} was called while ${this.#task} runs`);
    }
    const { closed } = this.control;
    if (closed) throw new Failure(EXIT.unreachable, `not connected: ${closed.message}`);
    this.#task = name;
    this.#abortion = new AbortController();
    try {
      return await work();
    } catch (error) {
      if (error instanceof ProtocolError) this.control.close(error);
      throw error;
    } finally {
      this.#task = undefined;
    }
  }

  /** Runs a command that ends in 2yz. Throws FtpError. */
  async simple(verb: string, argument?: string): Promise<Reply> {
    return await this.run(verb, () => this.ask(200, verb, argument));
  }

  /** Sends a command and expects `kind`, 200 or 300, in reply. Throws FtpError. */
  async ask(kind: 200 | 300, verb: string, argument?: string): Promise<Reply> {
    return expect(kind, await this.control.ask(verb, argument), verb);
  }

  /** See `FtpClient.login`. */
  async login({ user, password, account }: FtpLogin): Promise<Reply> {
    // RFC 959 section 5.4; some servers let us in with their welcome.
    let reply = this.welcome;
    if (reply.code !== 230) reply = await this.control.ask("USER", user);
    if (reply.code === 331) reply = await this.control.ask("PASS", password.reveal());
    if (reply.code === 332 && account) reply = await this.control.ask("ACCT", account.reveal());
    if (reply.code === 332) throw new FtpError(reply);
    expect(200, reply, "USER");
    this.#features = undefined;
    if (this.#secure) {
      await this.ask(200, "PBSZ", "0"); // RFC 4217 section 9.
      await this.ask(200, "PROT", "P");
    }
    const features = await this.features();
    if (features.has("UTF8") && this.#charset.name === "utf-8") {
      await this.tolerating(() => this.control.ask("OPTS", "UTF8 ON"));
    }
    return reply;
  }

  /** See `FtpClient.features`. After the login it is asked again. */
  async features(): Promise<ReadonlyMap<string, string>> {
    if (this.#features) return this.#features;
    const reply = await this.tolerating(() => this.control.ask("FEAT"));
    return this.#features = parseFeatures(reply instanceof FtpError ? "" : reply.text);
  }

  /** Sets TYPE, if it is another one. Any 2yz will do: some servers answer 226. */
  async setType(type: "A" | "I"): Promise<void> {
    if (this.#type === type) return;
    await this.ask(200, "TYPE", type);
    this.#type = type;
  }

  /** A command was sent that may have changed what this session believes. */
  forget(): void {
    this.#type = undefined;
  }

  /** What `work` returns, or the FtpError it throws. */
  async tolerating<T>(work: () => Promise<T>): Promise<T | FtpError> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof FtpError && !this.control.closed) return error;
      throw error;
    }
  }

  /** Runs a command that has a data connection; see `Transfer.run`. */
  async transfer(
    { verb, argument, offset, sends, onMoved, pipelined }: TransferCommand,
    move: (stream: ByteStream, movement: Movement) => Promise<void>,
  ): Promise<[first: Reply, final: Reply]> {
    const { signal } = this.#abortion;
    const isPipelined = pipelined === true && offset === 0 && this.canPipeline;
    // STOR without a connection: if we go away then, vsftpd locks the file for a minute.
    const hurries = isPipelined && !sends;
    const command = (): Promise<void> => this.control.send(verb, argument);
    const data =
      await (hurries
        ? this.#connector.hurry(command, signal)
        : this.#connector.prepare(this.passive, signal));
    // A handshake of TLS, and a farewell, may have to wait for the server.
    const isEager = isPipelined && !this.control.tls;
    const onEnd = async (): Promise<void> => {
      if (isEager) await this.#connector.announce();
    };
    try {
      // Not even begun: an upload would leave an empty file.
      signal.throwIfAborted();
      const transfer = this.#transfer = new Transfer(this.control, data, sends, onMoved, onEnd);
      // RFC 959 section 4.1.3: REST goes immediately before the command it is for.
      if (offset > 0) await this.control.ask("REST", `${offset}`);
      if (!hurries) await command();
      return await transfer.run(move, isEager && sends);
    } finally {
      this.#transfer = undefined;
      data.close();
    }
  }

  /** Whether the server can be sent a command before it has answered the one before. */
  get canPipeline(): boolean {
    return this.passive && this.#connector.isProven && !ONE_BY_ONE.test(this.welcome.text);
  }

  /** The lines of a listing. Throws Failure when it is too large. */
  async lines(verb: string, argument: string): Promise<string[]> {
    const pieces: Uint8Array[] = [];
    let size = 0;
    const collect = (data: Uint8Array): void => {
      size += data.length;
      if (size > LARGEST_LISTING) {
        throw new Failure(EXIT.refused, `the listing is larger than ${LARGEST_LISTING} bytes`);
      }
      pieces.push(data.slice());
    };
    const command = { verb, offset: 0, sends: false, onMoved: () => {} };
    await this.transfer(
      { ...command, argument: argument === "" ? undefined : argument },
      (stream, movement) => receive(stream, collect, movement),
    );
    return listingLines(this.#charset.decode(concat(pieces)));
  }

  /** Ends the transfer of what runs, as soon as it has one. */
  abort(): void {
    const reason = new TransferAborted();
    this.#abortion.abort(reason);
    this.#transfer?.giveUp(reason);
  }
}

/** Throws ProtocolError when `reply` is not of the kind that the command must have. */
function expect(kind: 200 | 300, reply: Reply, verb: string): Reply {
  if (Math.trunc(reply.code / 100) * 100 === kind) return reply;
  throw new ProtocolError(
    `${reply.code} is no answer to ${verb}: ${visible(reply.text.slice(0, 80))}`,
  );
}
