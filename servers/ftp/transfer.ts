/** One transfer, from 150 to the reply that says how it went. */
import { delay } from "@std/async/delay";
import { fileError } from "../../tools/files/errors.ts";
import { Deadline } from "../../tools/net/deadline.ts";
import { closeQuietly, isGone } from "../../tools/net/errors.ts";
import { LINGER } from "../../tools/net/linger.ts";
import { limitSilence } from "../../tools/net/silence.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import type { TlsStream } from "../../tools/net/tls.ts";
import { Failure } from "../../tools/program/failure.ts";
import type { Fields } from "../../tools/program/log.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import { Pace } from "./copy.ts";
import type { DataWay } from "./data.ts";
import type { LoggedIn } from "./login.ts";
import { FILE_REPLIES, type FtpReply, Refusal, REPLIES } from "./replies.ts";
import type { FtpService } from "./service.ts";
import { xferlogLine } from "./xferlog.ts";

/** What a transfer moves. */
export interface Job {
  /** The text of the 150 reply. */
  opening: string;
  /** The client sends; otherwise we do. */
  incoming: boolean;
  /** The file, for the log; a listing has none. */
  path?: string;
  /** Moves the bytes. */
  copy(stream: ByteStream, pace: Pace): Promise<void>;
  /** It is whole. Throws FileError. */
  finish(): void;
  /** It is not; called as well when `finish` throws. */
  cancel(): void;
}

/** For this share of the time that an upload took we look whether the control connection ends too. */
const DOUBT = 1 / 20;
/** In milliseconds: it is enough for a client that ends while its system is busy. */
export const LONGEST_DOUBT = 50;

/** The session that has a transfer under way, as the transfer sees it. */
export interface Owner {
  readonly ends: { peer: string };
  readonly service: FtpService;
  readonly user: LoggedIn | undefined;
  readonly type: "A" | "I";
  readonly protectData: boolean;
  readonly tls: TlsStream | undefined;
  send(reply: FtpReply): Promise<void>;
  /** Begins TLS on a data connection. */
  protect(conn: ByteStream): Promise<TlsStream>;
  log(event: string, fields: Fields, text?: string): void;
}

/** A transfer under way. */
export class Transfer {
  /** Resolves when its last reply is sent. */
  readonly over: Promise<undefined>;
  readonly #session: Owner;
  readonly #job: Job;
  readonly #way: DataWay;
  readonly #type: "A" | "I";
  readonly #pace: Pace;
  readonly #start = performance.now();
  #stream: ByteStream | undefined;
  #aborted: FtpReply | undefined;
  #finishing = false;

  /** `onOver` is called right before the last reply is sent. */
  constructor(session: Owner, job: Job, way: DataWay, onOver: () => void) {
    this.#session = session;
    this.#job = job;
    this.#way = way;
    this.#type = session.type;
    this.#pace = new Pace(session.service.maxRate);
    this.over = this.#run().then(async (reply) => {
      onOver();
      await session.send(reply).catch(() => {});
      return undefined;
    });
  }

  /** For STAT. */
  get status(): string {
    const { incoming, path } = this.#job;
    const what = path === undefined ? "a listing" : `${incoming ? "to" : "from"} ${path}`;
    return `${incoming ? "Receiving" : "Sending"} ${what}: ${this.#pace.bytes} bytes so far`;
  }

  /** Gives it up, which `reply` will say. */
  abort(reply: FtpReply): void {
    if (this.#finishing) return;
    this.#aborted = reply;
    this.#way.close();
    if (this.#stream) closeQuietly(this.#stream);
  }

  async #run(): Promise<FtpReply> {
    let reply: FtpReply;
    try {
      await this.#session.send({ code: 150, text: this.#job.opening });
      const conn = await this.#connect();
      this.#stream = conn;
      try {
        await this.#copy(conn);
      } catch (error) {
        if (this.#job.incoming) await drain(this.#stream).catch(() => {});
        throw error;
      } finally {
        closeQuietly(conn);
      }
      this.#finishing = true;
      this.#job.finish();
      reply = { code: 226, text: "Transfer complete." };
    } catch (error) {
      // It was not opened when 150 could not be sent.
      this.#way.close();
      reply = this.#aborted ?? this.#failure(error);
      this.#cancel();
    }
    this.#log(performance.now() - this.#start, reply);
    return reply;
  }

  #cancel(): void {
    try {
      this.#job.cancel();
    } catch {
      // The reply is about what went wrong first.
    }
  }

  async #connect(): Promise<ByteStream> {
    try {
      const conn = await this.#way.open(this.#session.service.timeouts.accept);
      conn.setNoDelay();
      if (this.#aborted) closeQuietly(conn);
      return conn;
    } catch {
      throw new Refusal(425, "No data connection could be made.");
    }
  }

  async #copy(conn: ByteStream): Promise<void> {
    const { service, protectData } = this.#session;
    const tls = protectData ? await this.#protect(conn) : undefined;
    const stream = limitSilence(tls ?? conn, service.timeouts.stall);
    this.#stream = stream;
    await this.#job.copy(stream, this.#pace);
    if (!this.#job.incoming) {
      // Without TLS the close that follows says the end, and for less.
      if (tls) await stream.closeWrite();
      return;
    }
    if (tls?.truncated) throw new Refusal(426, "The data ended without the farewell of TLS.");
    // A client that was killed ends both connections, the other one right after this: then what came is not whole.
    // Even the shortest wait gives it the processor, which a turn of the event loop does not.
    await delay(Math.min(DOUBT * (performance.now() - this.#start), LONGEST_DOUBT));
    if (this.#aborted) throw new Deno.errors.Interrupted("given up");
    if (tls) await tls.closeWrite().catch(() => {});
  }

  async #protect(conn: ByteStream): Promise<TlsStream> {
    const tls = await this.#session.protect(conn);
    if (tls.resumed || !this.#session.service.tls?.reuse) return tls;
    tls.close();
    throw new Refusal(522, "The data connection must resume the TLS session.");
  }

  #failure(error: unknown): FtpReply {
    if (error instanceof Refusal) return error;
    if (error instanceof Deno.errors.TimedOut) {
      return { code: 426, text: "No data moved for long." };
    }
    if (error instanceof Failure) return { code: 425, text: error.message };
    if (isGone(error) || error instanceof ProtocolError) {
      return { code: 426, text: "The data connection broke." };
    }
    const refused = fileError(error);
    if (refused.kind === "failed") this.#session.log("failed", { reason: String(refused.cause) });
    // 452 is for before the data (RFC 959 section 5.4).
    return refused.kind === "no space" ? REPLIES.noSpaceLeft : FILE_REPLIES[refused.kind];
  }

  #log(time: number, { code, text }: FtpReply): void {
    const { path, incoming } = this.#job;
    if (path === undefined) return;
    const { user, ends, tls } = this.#session;
    const { bytes } = this.#pace;
    const done = code === 226;
    // The form of xferlog has no place for it.
    if (!done) this.#session.log("broke off", { path, reason: text });
    this.#session.log(
      incoming ? "upload" : "download",
      {
        path,
        bytes,
        seconds: Math.round(time) / 1000,
        type: this.#type,
        tls: tls !== undefined,
        complete: done,
      },
      xferlogLine({
        now: new Date(),
        seconds: time / 1000,
        peer: ends.peer,
        bytes,
        path,
        ascii: this.#type === "A",
        incoming,
        user: user?.name ?? "",
        anonymous: user?.anonymous ?? true,
        done,
      }),
    );
  }
}

/** Throws away what the client still sends to an upload that is refused: a reset would be all that it hears. */
async function drain(stream: ByteStream): Promise<void> {
  using _deadline = new Deadline(LINGER, () => closeQuietly(stream));
  const rest = new Uint8Array(64 * 1024);
  while (await stream.read(rest) !== null);
}
