/** Both sides of node:tls: the node stream it speaks through, and the connection a program reads and writes. */
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { concat } from "../protocol/bytes.ts";
import { ProtocolError } from "../protocol/error.ts";
import { closeQuietly } from "./errors.ts";
import type { ByteStream } from "./stream.ts";
import { tlsReason } from "./tls_reason.ts";
import { writeAll } from "./writer.ts";

/**
 * A connection protected by TLS. `close` says farewell by itself, but a little
 * later: await `closeWrite` first where somebody else closes the connection
 * below, as the accept loop of a server does.
 */
export interface TlsStream extends ByteStream {
  /** The session, for `TlsClientOptions.session`. */
  session(): Uint8Array | undefined;
  /** Whether the handshake resumed an earlier session. */
  readonly resumed: boolean;
  /** Such as `TLSv1.3`. */
  readonly version: string;
  /**
   * Whether what the peer sent ended without the farewell of TLS (close_notify):
   * then anybody on the way may have cut it short (RFC 8446 section 6.1).
   */
  readonly truncated: boolean;
}

const NOTHING = new Uint8Array(0) as Uint8Array;

/** An idle connection holds this much to read into; it doubles as long as reads fill it. */
const FIRST_READ = 4 * 1024;
/** From the size of TLS records, which hold 16 KiB: more at once is no faster. */
const LARGEST_READ = 64 * 1024;
/** Nothing more is read from the network while this much waits to be read by the program. */
export const READ_AHEAD = 64 * 1024;
/** One write takes no more: all of it is in memory twice until the peer has it. */
export const LARGEST_WRITE = 256 * 1024;
/** How long `close` waits, in milliseconds, for a peer that takes nothing more to take the farewell. */
export const LINGER = 1000;
/** The type of a TLS record that holds data, or in TLS 1.3 anything after the handshake (RFC 8446 section 5.1). */
const APPLICATION_DATA = 23;

/**
 * A node stream over a connection. It does what node:tls leaves out: it stops
 * reading when nobody takes what is there, remembers what the connection failed
 * with, and stays open until all that was said is written.
 */
export class LowerStream extends Duplex {
  /** The TLSSocket that speaks through this, set before anything is read. */
  above!: TLSSocket;
  /** What the connection failed with. */
  failure: unknown;
  /** It ended before TLS did. */
  truncated = false;
  readonly #conn: ByteStream;
  #buffer = new Uint8Array(FIRST_READ);
  #held = false;
  #drained = (): void => {};
  #ticketsWait = false;
  #tickets = NOTHING;

  constructor(conn: ByteStream) {
    super({ allowHalfOpen: true });
    this.#conn = conn;
  }

  override _read(): void {
    this.#held = this.above.destroyed || this.above.readableLength >= READ_AHEAD;
    if (this.#held) return;
    this.#conn.read(this.#buffer).then(
      (length) => this.#take(length),
      (error) => this.#fail(error),
    );
  }

  /** Reads on, if there was enough to read before. */
  proceed(): void {
    if (this.#held) this._read();
  }

  #take(length: number | null): void {
    if (this.destroyed) return;
    if (length === null) {
      this.truncated = !hasEnded(this.above);
      this.push(null);
      return;
    }
    const data = this.#buffer.subarray(0, length);
    // TLS copies what is handed to it at once; what has to wait in a queue must not be in a buffer in use.
    this.push(this.readableFlowing && this.readableLength === 0 ? data : data.slice());
    if (length === this.#buffer.length && length < LARGEST_READ) {
      this.#buffer = new Uint8Array(2 * length);
    } else if (length < FIRST_READ && this.#buffer.length > FIRST_READ) {
      this.#buffer = new Uint8Array(FIRST_READ);
    }
  }

  /**
   * From here on the session tickets of a server wait for the next thing that it
   * says. A client that only sends, as in an upload by FTP, leaves them unread
   * when it closes: its system then sends a reset in place of what is still to be sent.
   */
  holdTickets(): void {
    this.#ticketsWait = true;
  }

  /** What is written next is no ticket, or not alone. */
  releaseTickets(): void {
    this.#ticketsWait = false;
  }

  override _write(data: Uint8Array, _encoding: string, done: (error?: Error) => void): void {
    if (this.#ticketsWait && data[0] === APPLICATION_DATA) {
      this.#ticketsWait = false;
      this.#tickets = data.slice();
      done();
      return;
    }
    if (this.#tickets.length > 0) {
      data = concat([this.#tickets, data]);
      this.#tickets = NOTHING;
    }
    writeAll(this.#conn, data).then(() => {
      done(); // TLS has put the next piece in the queue, if there is one, when this returns.
      if (this.writableLength === 0) this.#drained();
    }, (error) => {
      this.#fail(error);
      done(error);
    });
  }

  /** Resolves when everything is written, or nothing more can be. */
  async drained(): Promise<void> {
    if (this.destroyed || this.writableLength === 0) return;
    await new Promise<void>((resolve) => this.#drained = resolve);
  }

  /** node:tls calls this when it is done, which is not when its last words are written. */
  override destroy(): this {
    return this;
  }

  /** Closes the connection. */
  abort(): void {
    super.destroy();
  }

  override _destroy(_error: Error | null, done: () => void): void {
    closeQuietly(this.#conn);
    this.#drained();
    done();
  }

  #fail(error: unknown): void {
    if (this.destroyed) return;
    this.failure = error;
    this.abort();
  }
}

/** Whether the last byte of `stream` is there, read or not: node has no other word for it. */
function hasEnded(stream: unknown): boolean {
  return (stream as { _readableState: { ended: boolean } })._readableState.ended;
}

/** A TLSSocket, whose handshake is done, as a ByteStream. */
export class TlsConnection implements TlsStream {
  readonly resumed: boolean;
  readonly version: string;
  readonly #socket: TLSSocket;
  readonly #below: LowerStream;
  #rest = NOTHING;
  #closed = false;
  #failure: { error: unknown } | undefined;
  #farewell: Promise<void> | undefined;
  #writing = 0;
  #wake = (): void => {};

  constructor(socket: TLSSocket, below: LowerStream) {
    this.#socket = socket;
    this.#below = below;
    this.resumed = socket.isSessionReused();
    this.version = socket.getProtocol() ?? "";
    // node:tls would throw away what is not read yet when both ends have said farewell.
    socket.removeAllListeners("finish");
    socket.on("readable", () => this.#wake());
    socket.on("end", () => this.#wake());
    const broken = (error: Error): void => {
      this.#fail(below.failure ?? new ProtocolError(`TLS: ${tlsReason(error)}`));
      below.abort();
    };
    // The server's end of node:tls reports what goes wrong by the first of these alone.
    socket.on("_tlsError", broken);
    socket.on("error", broken);
    // A reset below gives 'close' alone, neither 'end' nor 'error'.
    const closed = (): void => {
      if (socket.readableEnded && socket.writableFinished) return;
      this.#fail(below.failure ?? new Deno.errors.ConnectionReset("connection closed"));
    };
    if (socket.destroyed) closed();
    else socket.on("close", closed);
  }

  get truncated(): boolean {
    return this.#below.truncated;
  }

  session(): Uint8Array | undefined {
    return this.#socket.getSession();
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      if (this.#failure) throw this.#failure.error;
      const data = this.#socket.read() as Uint8Array | null;
      if (data !== null) {
        this.#rest = data;
        this.#below.proceed();
      } else if (this.#socket.readableEnded) return null;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const length = Math.min(this.#rest.length, buffer.length);
    buffer.set(this.#rest.subarray(0, length));
    this.#rest = length < this.#rest.length ? this.#rest.subarray(length) : NOTHING;
    return length;
  }

  async write(data: Uint8Array): Promise<number> {
    if (data.length === 0) return 0;
    this.#check();
    if (this.#socket.writableEnded) throw new Deno.errors.BrokenPipe("closed for writing");
    const part = data.subarray(0, LARGEST_WRITE);
    this.#below.releaseTickets();
    this.#writing++;
    // The error given here is node's own, where there is one at all.
    await new Promise((resolve) => this.#socket.write(part, resolve));
    this.#writing--;
    this.#check();
    return part.length;
  }

  /** Says farewell (close_notify). TCP's own half stays open, so that TLS can answer what it is asked. */
  async closeWrite(): Promise<void> {
    this.#check();
    await (this.#farewell ??= this.#sayFarewell());
    this.#check();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const broken = this.#failure !== undefined;
    this.#fail(new Deno.errors.Interrupted("closed"));
    // A close in the middle of a write is not the end of what was to be sent: no farewell then.
    if (broken || this.#writing > 0) {
      this.#below.abort();
      return;
    }
    const late = setTimeout(() => this.#below.abort(), LINGER);
    (this.#farewell ??= this.#sayFarewell()).then(() => {
      clearTimeout(late);
      this.#below.abort();
    });
  }

  async #sayFarewell(): Promise<void> {
    this.#below.releaseTickets();
    // When this resolves the farewell has been handed down, but not written.
    await new Promise<void>((resolve) => this.#socket.end(() => resolve()));
    await this.#below.drained();
  }

  #check(): void {
    if (this.#failure) throw this.#failure.error;
    if (this.#below.failure) throw this.#below.failure;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }
}
