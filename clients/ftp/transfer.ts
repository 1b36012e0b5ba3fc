/** Moving the bytes of one transfer, and knowing when it is over. */
import { Deadline } from "../../tools/net/deadline.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import type { Reply } from "../../tools/protocol/ftp_reply.ts";
import type { Control } from "./control.ts";
import type { DataConnection } from "./data.ts";
import { FtpError } from "./errors.ts";

/** Takes all of `data`, which is valid until it returns or its promise settles. */
export type Sink = (data: Uint8Array) => void | Promise<void>;

/** Fills `buffer`, or a part of it, and says how much; null at the end. */
export type Source = (buffer: Uint8Array) => number | null | Promise<number | null>;

/** Writes into a file. Synchronous: that costs less than handing the work to a thread, and a disk keeps up. */
export function fileSink(file: { writeSync(data: Uint8Array): number }): Sink {
  return (data) => {
    for (let rest = data; rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
  };
}

/** Reads from a file, see `fileSink`. */
export function fileSource(file: { readSync(buffer: Uint8Array): number | null }): Source {
  return (buffer) => file.readSync(buffer);
}

// Where measured rates stop growing.
const BUFFER = 256 * 1024;

// After ABOR the server ends the data connection itself, and some end the session when we do
// (proftpd). Others read no command before the transfer is over (vsftpd).
const ABORT_GRACE = 1000;

/** What the loops that move data tell, and are told. */
export interface Movement {
  /** Disposed of while the time is ours, in the sink or the source; each extension arms it again. */
  readonly silence: Deadline;
  /** The transfer is given up: nothing goes to the sink any more. */
  readonly over: boolean;
  /** Gives the transfer up because of the sink or the source. */
  giveUp(reason: unknown): void;
}

/** One transfer, from its first reply on. */
export class Transfer {
  readonly #control: Control;
  readonly #data: DataConnection;
  readonly #sends: boolean;
  readonly #givenUp = Promise.withResolvers<void>();
  #reason: { error: unknown } | undefined;

  /** `sends`: the data goes to the server. */
  constructor(control: Control, data: DataConnection, sends: boolean) {
    this.#control = control;
    this.#data = data;
    this.#sends = sends;
  }

  /** Ends it for a reason, which `run` then throws. */
  giveUp(error: unknown): void {
    this.#reason ??= { error };
    this.#givenUp.resolve();
  }

  /**
   * Reads the replies to the command that was sent, and lets `move` have the
   * data connection. It is over when `move` has returned and the final reply is
   * there, whichever comes first. Throws FtpError, the reason of `giveUp`, or
   * what ended the session.
   */
  async run(
    move: (stream: ByteStream, movement: Movement) => Promise<void>,
  ): Promise<[first: Reply, final: Reply]> {
    // Time runs only while neither connection moves.
    using silence = this.#control.watch();
    const first = await this.#control.next();
    if (first.code >= 400) throw new FtpError(first);
    silence.extend();
    const final = this.#final(first);
    final.catch(() => {});
    const isOver = (): boolean => this.#reason !== undefined;
    const movement: Movement = {
      silence,
      get over(): boolean {
        return isOver();
      },
      giveUp: (error) => this.giveUp(error),
    };
    let failure: { error: unknown } | undefined;
    const moving = (async (): Promise<void> => {
      await move(await this.#data.open(), movement);
    })().catch((error) => {
      failure = { error };
    });
    await Promise.race([moving, this.#givenUp.promise]);
    if (this.#reason) {
      await this.#abort(final, moving);
      throw this.#reason.error;
    }
    if (failure) this.#data.destroy();
    // Some servers wait for our farewell of TLS. After an upload our half is over anyway, and to
    // close with something unread, such as a late ticket, would reset what is still under way.
    else if (!this.#sends) this.#data.close();
    silence.extend();
    const reply = await final;
    if (reply.code >= 400) throw new FtpError(reply);
    if (failure) throw failure.error;
    return [first, reply];
  }

  /** The reply after those of 1yz. One that is negative ends the data connection too, and so does the end of the session. */
  async #final(first: Reply): Promise<Reply> {
    try {
      let reply = first;
      while (reply.code < 200) reply = await this.#control.next();
      if (reply.code >= 400) this.#data.destroy();
      return reply;
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
  async #abort(final: Promise<Reply>, moving: Promise<void>): Promise<void> {
    await this.#control.send("ABOR");
    const late = Promise.withResolvers<void>();
    {
      using _grace = new Deadline(ABORT_GRACE, late.resolve);
      await Promise.race([final, late.promise]);
    }
    this.#data.close();
    await final;
    // One or two replies are on the way, in any order: that to NOOP is the last.
    await this.#control.send("NOOP");
    let replies = 0;
    while ((await this.#control.next()).code !== 200) {
      if (++replies > 3) throw new ProtocolError("the replies are out of step after ABOR");
    }
    this.#data.destroy();
    await moving;
  }
}

/** Reads to the end of the data connection: one buffer is filled while the other goes to `sink`. */
export async function receive(
  stream: ByteStream,
  sink: Sink,
  onPiece: (length: number) => void,
  movement: Movement,
): Promise<void> {
  const { silence } = movement;
  let [buffer, other] = [new Uint8Array(BUFFER), new Uint8Array(BUFFER)];
  let writing: Promise<void> | undefined;
  const write = async (data: Uint8Array): Promise<void> => {
    try {
      await sink(data);
    } catch (error) {
      movement.giveUp(error);
    }
  };
  try {
    for (;;) {
      const length = await stream.read(buffer);
      silence[Symbol.dispose]();
      await writing;
      silence.extend();
      if (length === null) return;
      if (movement.over) continue;
      onPiece(length);
      writing = write(buffer.subarray(0, length));
      [buffer, other] = [other, buffer];
    }
  } finally {
    // What arrived before a failure is kept too.
    await writing;
  }
}

/** Sends all that `source` has, and ends our half. The next piece is read while one is sent. */
export async function send(
  stream: ByteStream,
  source: Source,
  onPiece: (length: number) => void,
  movement: Movement,
): Promise<void> {
  const { silence } = movement;
  let [buffer, other] = [new Uint8Array(BUFFER), new Uint8Array(BUFFER)];
  const readAhead = async (): Promise<number | null> => {
    try {
      return await source(buffer);
    } catch (error) {
      movement.giveUp(error);
      return null;
    }
  };
  for (let reading = readAhead();;) {
    silence[Symbol.dispose]();
    const length = await reading;
    silence.extend();
    if (movement.over) return;
    if (length === null) break;
    let rest = buffer.subarray(0, length);
    [buffer, other] = [other, buffer];
    reading = readAhead();
    while (rest.length > 0) {
      const written = await stream.write(rest);
      silence.extend();
      onPiece(written);
      rest = rest.subarray(written);
    }
  }
  await stream.closeWrite();
}
