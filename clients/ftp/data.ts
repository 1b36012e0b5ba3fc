/** Data connections: made by us (passive) or by the server (active), and protected like the control connection. */
import { Deadline } from "../../tools/net/deadline.ts";
import { closeQuietly } from "../../tools/net/errors.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import type { TlsStream } from "../../tools/net/tls.ts";
import { EXIT, Failure } from "../../tools/program/failure.ts";
import type { Trace } from "../../tools/program/trace.ts";
import { formatHostPort, unmapped } from "../../tools/protocol/address.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import {
  type DataAddress,
  formatExtended,
  formatSix,
  parseExtendedPassive,
  parsePassive,
} from "../../tools/protocol/ftp_address.ts";
import type { Control, Protect } from "./control.ts";
import { FtpError } from "./errors.ts";
import type { FtpConn, FtpListener, FtpNetwork } from "./network.ts";

/** How data connections are made. */
export interface DataOptions extends FtpNetwork {
  /** The longest wait in milliseconds. */
  timeout: number;
  /** Connect to the host that a PASV answer names; otherwise always to the server itself. */
  trustPassiveHost: boolean;
  trace: Trace;
  /** Puts TLS on a data connection, when the session has it. */
  protect: Protect | undefined;
}

/** A data connection that is there, or that the server is about to make. */
export class DataConnection {
  readonly #listener: FtpListener | undefined;
  readonly #peer: string;
  readonly #protect: Protect | undefined;
  #conn: FtpConn | undefined;
  #stream: ByteStream | undefined;
  #tls: TlsStream | undefined;
  #closed = false;

  constructor(from: FtpConn | FtpListener, peer: string, protect: Protect | undefined) {
    if ("accept" in from) this.#listener = from;
    else this.#conn = from;
    this.#peer = peer;
    this.#protect = protect;
  }

  /** The connection, ready for data: once the server has said 1yz to the command. */
  async open(): Promise<ByteStream> {
    const conn = this.#conn ??= await this.#accept();
    if (this.#closed) this.destroy();
    this.#tls = await this.#protect?.(conn);
    return this.#stream = this.#tls ?? conn;
  }

  /** Whether it ended without the farewell of TLS: anybody on the way could have done that. */
  get truncated(): boolean {
    return this.#tls?.truncated ?? false;
  }

  /** Ends it in good order. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#listener) closeQuietly(this.#listener);
    const conn = this.#stream ?? this.#conn;
    if (conn) closeQuietly(conn);
  }

  /** Ends it when the peer has ended its half: what it still says, such as a late ticket of TLS, is read. */
  async closeAfterPeer(): Promise<void> {
    const buffer = new Uint8Array(1024);
    try {
      while (this.#stream && await this.#stream.read(buffer) !== null);
    } catch {
      // It is over either way.
    }
    this.close();
  }

  /** Cuts it, without the farewell of TLS: the server shall see that it is not the end of the file. */
  destroy(): void {
    if (this.#conn) closeQuietly(this.#conn);
    this.close();
  }

  /** Anybody could connect before the server does (RFC 2577 section 3): only its own address is served. */
  async #accept(): Promise<FtpConn> {
    for (;;) {
      const conn = await this.#listener?.accept();
      if (conn === undefined) throw new TypeError("neither a connection nor a listener");
      if (unmapped(conn.remoteAddr.hostname) === this.#peer) return conn;
      closeQuietly(conn);
    }
  }
}

/** Makes the data connections of one session, and remembers what its server cannot do. */
export class DataConnector {
  readonly #control: Control;
  readonly #options: DataOptions;
  #extended = true;
  #isProven = false;

  constructor(control: Control, options: DataOptions) {
    this.#control = control;
    this.#options = options;
  }

  /** Agrees with the server on a data connection. Throws FtpError, Failure when none can be made, or the reason of `signal`. */
  async prepare(passive: boolean, signal: AbortSignal): Promise<DataConnection> {
    const from = await (passive ? this.#passive(signal) : this.#active());
    return new DataConnection(from, this.#control.peer, this.#options.protect);
  }

  /** Whether passive mode has worked, and so far always. */
  get isProven(): boolean {
    return this.#isProven;
  }

  /**
   * As `prepare`, in passive mode where that `isProven`: `command` is sent while
   * the connection is made. Throws the server's refusal of that, too.
   */
  async hurry(command: () => Promise<void>, signal: AbortSignal): Promise<DataConnection> {
    const control = this.#control;
    this.#isProven = false;
    const dialling = this.#dial(await this.#passiveAddress(), signal);
    dialling.catch(() => {});
    try {
      await command();
      const data = new DataConnection(await dialling, control.peer, this.#options.protect);
      this.#isProven = true;
      return data;
    } catch (error) {
      dialling.then(closeQuietly, () => {});
      // When the server has refused the command it may not listen any more, which is no news then.
      if (!control.closed) await control.answer();
      throw error;
    }
  }

  /** Tells the server that there will be one more data connection in passive mode. */
  async announce(): Promise<void> {
    await this.#control.sendEarly(this.#passiveVerb);
  }

  async #passive(signal: AbortSignal): Promise<FtpConn> {
    let conn: FtpConn;
    try {
      conn = await this.#dial(await this.#passiveAddress(), signal);
    } catch (error) {
      if (!this.#extended) throw error;
      this.#orOlder(error, "EPSV", "PASV");
      conn = await this.#dial(await this.#passiveAddress(), signal);
    }
    this.#isProven = true;
    return conn;
  }

  get #passiveVerb(): "EPSV" | "PASV" {
    return this.#extended ? "EPSV" : "PASV";
  }

  async #passiveAddress(): Promise<DataAddress> {
    const control = this.#control;
    const { text } = await (control.claim() ? control.answer() : control.ask(this.#passiveVerb));
    const peer = control.peer + control.zone;
    if (this.#extended) return { host: peer, port: parseExtendedPassive(text) };
    const { host, port } = parsePassive(text);
    return { host: this.#options.trustPassiveHost ? host : peer, port };
  }

  async #active(): Promise<FtpListener> {
    const { local, zone } = this.#control;
    const listener = this.#options.listen(local + zone);
    const address = { host: local, port: listener.addr.port };
    try {
      if (this.#extended) {
        try {
          await this.#control.ask("EPRT", formatExtended(address));
          return listener;
        } catch (error) {
          this.#orOlder(error, "EPRT", "PORT");
        }
      }
      await this.#control.ask("PORT", formatSix(address));
      return listener;
    } catch (error) {
      closeQuietly(listener);
      throw error;
    }
  }

  /** Goes on with the older command from now on, where that can help; else throws `error`. */
  #orOlder(error: unknown, verb: string, older: string): void {
    // The older commands know IPv4 alone. 4yz and 530 are about now, not about the command.
    const isRefusal = error instanceof FtpError && error.code >= 500 && error.code !== 530;
    const isDead = error instanceof Unreachable || error instanceof ProtocolError;
    if (this.#control.closed || this.#control.peer.includes(":") || !(isRefusal || isDead)) {
      throw error;
    }
    this.#extended = false;
    this.#options.trace.note(`${verb} does not work here: ${older} from now on`);
  }

  async #dial({ host, port }: DataAddress, signal: AbortSignal): Promise<FtpConn> {
    const { dial, timeout } = this.#options;
    const late = new AbortController();
    using _deadline = new Deadline(timeout, () => late.abort(new Deno.errors.TimedOut()));
    try {
      return await dial(host, port, AbortSignal.any([late.signal, signal]));
    } catch (error) {
      signal.throwIfAborted();
      throw new Unreachable(formatHostPort(host, port), error);
    }
  }
}

/** The server's data port does not answer. */
class Unreachable extends Failure {
  constructor(address: string, cause: unknown) {
    super(
      EXIT.unreachable,
      `no data connection to ${address} (a firewall? try active mode)`,
      { cause },
    );
  }
}
