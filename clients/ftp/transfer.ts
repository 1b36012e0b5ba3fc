/** One transfer: what is said about it, what is moved, and when it is over. */
import { Deadline } from "../../tools/net/deadline.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import { EXIT, Failure } from "../../tools/program/failure.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import type { Reply } from "../../tools/protocol/ftp_reply.ts";
import type { Control } from "./control.ts";
import type { Movement } from "./copy.ts";
import type { DataConnection } from "./data.ts";
import { FtpError } from "./errors.ts";

// After ABOR the server ends the data connection itself, and some end the session when we do
// (proftpd). Others read no command before the transfer is over (vsftpd).
const ABORT_GRACE = 1000;

/** One transfer, from its first reply on. */
export class Transfer implements Movement {
  readonly #control: Control;
  readonly #data: DataConnection;
  readonly #sends: boolean;
  readonly #onMoved: (length: number) => void;
  readonly #onEnd: () => Promise<void>;
  readonly #givenUp = Promise.withResolvers<void>();
  #reason: { error: unknown } | undefined;
  #silence: Deadline | undefined;
  #bytes = 0;

  /**
   * `sends`: the data goes to the server. `onMoved` hears of each piece, and
   * `onEnd` when all data has come, which may be before the final reply has.
   */
  constructor(
    control: Control,
    data: DataConnection,
    sends: boolean,
    onMoved: (length: number) => void,
    onEnd: () => Promise<void>,
  ) {
    this.#control = control;
    this.#data = data;
    this.#sends = sends;
    this.#onMoved = onMoved;
    this.#onEnd = onEnd;
  }

  get over(): boolean {
    return this.#reason !== undefined;
  }

  /** Ends it for a reason, which `run` then throws. */
  giveUp(error: unknown): void {
    this.#reason ??= { error };
    this.#givenUp.resolve();
  }

  moved(length: number): void {
    this.#bytes += length;
    this.#silence?.extend();
    this.#onMoved(length);
  }

  async ours<T>(work: Promise<T>): Promise<T> {
    this.#silence?.[Symbol.dispose]();
    try {
      return await work;
    } finally {
      if (this.#silence) this.#silence = this.#control.watch();
    }
  }

  /**
   * Reads the replies to the command that was sent, and lets `move` have the
   * data connection, `eager` or when the server has agreed. It is over when
   * `move` has returned and the final reply is there, whichever comes first.
   * Throws FtpError, the reason of `giveUp`, or what ended the session.
   */
  async run(
    move: (stream: ByteStream, movement: Movement) => Promise<void>,
    eager: boolean,
  ): Promise<[first: Reply, final: Reply]> {
    // Time runs only while neither connection moves.
    this.#silence = this.#control.watch();
    try {
      const first = eager ? undefined : await this.#control.next();
      if (first && first.code >= 400) throw new FtpError(first);
      this.#silence.extend();
      return await this.#move(this.#replies(first), move);
    } finally {
      this.#silence[Symbol.dispose]();
      this.#silence = undefined;
    }
  }

  async #move(
    replies: Promise<[first: Reply, final: Reply]>,
    move: (stream: ByteStream, movement: Movement) => Promise<void>,
  ): Promise<[first: Reply, final: Reply]> {
    replies.catch(() => {});
    let failure: { error: unknown } | undefined;
    const moving = (async (): Promise<void> => {
      await move(await this.#data.open(), this);
      // An empty file or folder ends so in pyftpdlib, now and then.
      if (!this.#sends && this.#bytes > 0 && this.#data.truncated) throw truncated();
    })().catch((error) => {
      failure = { error };
    });
    await Promise.race([moving, this.#givenUp.promise]);
    if (this.#reason) {
      // If the session is lost over it, that is told by its next command.
      await this.#abort(replies, moving).catch((error) => this.#control.close(error));
      throw this.#reason.error;
    }
    // Servers wait for our farewell of TLS (vsftpd) and for the end of the connection (proftpd)
    // before the final reply. To close an upload with something unread would reset it.
    if (failure) this.#data.destroy();
    else if (this.#sends) void this.#data.closeAfterPeer();
    else {
      this.#data.close();
      await this.#onEnd();
    }
    this.#silence?.extend();
    const [first, final] = await replies;
    if (final.code >= 400) throw new FtpError(final);
    if (failure) throw failure.error;
    return [first, final];
  }

  /** The first reply, and the one after those of 1yz. If that is negative the data connection ends too, and so it does with the session. */
  async #replies(known: Reply | undefined): Promise<[first: Reply, final: Reply]> {
    try {
      const first = known ?? await this.#control.next();
      let reply = first;
      while (reply.code < 200) reply = await this.#control.next();
      if (reply.code >= 400) this.#data.destroy();
      return [first, reply];
    } catch (error) {
      this.#data.destroy();
      throw error;
    }
  }

  /**
   * ABOR (RFC 959 section 4.1.3), and all replies that belong to it. Under TLS
   * the connection ends in good order even so: a cut makes OpenSSL forget the
   * session, which later data connections are to resume.
   */
  async #abort(replies: Promise<unknown>, moving: Promise<void>): Promise<void> {
    this.#silence?.extend();
    await this.#control.send("ABOR");
    const late = Promise.withResolvers<void>();
    {
      using _grace = new Deadline(ABORT_GRACE, late.resolve);
      await Promise.race([replies, late.promise]);
    }
    this.#data.close();
    await replies;
    // One or two replies are on the way, in any order: that to NOOP is the last.
    await this.#control.send("NOOP");
    let read = 0;
    while ((await this.#control.next()).code !== 200) {
      if (++read > 3) throw new ProtocolError("the replies are out of step after ABOR");
    }
    this.#data.destroy();
    await moving;
  }
}

function truncated(): Failure {
  return new Failure(
    EXIT.refused,
    "the data connection ended without the farewell of TLS: what came may not be all",
  );
}
