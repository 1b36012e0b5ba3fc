/** Moving the bytes of one transfer, and knowing when it is over. */
import type { Deadline } from "../../tools/net/deadline.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import type { Reply } from "../../tools/protocol/ftp_reply.ts";
import type { Control } from "./control.ts";
import type { DataConnection } from "./data.ts";
import { FtpError, TransferAborted } from "./errors.ts";

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

/** The sink or the source failed, which is no matter of the server. */
class LocalFailure {
  constructor(readonly error: unknown) {}
}

async function locally<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw new LocalFailure(error);
  }
}

/** One transfer, from its first reply on. */
export class Transfer {
  readonly #control: Control;
  readonly #data: DataConnection;
  readonly #sends: boolean;
  readonly #abort = Promise.withResolvers<never>();

  /** `sends`: the data goes to the server. */
  constructor(control: Control, data: DataConnection, sends: boolean) {
    this.#control = control;
    this.#data = data;
    this.#sends = sends;
    this.#abort.promise.catch(() => {});
  }

  /** Ends it: `run` then throws TransferAborted. */
  abort(): void {
    this.#abort.reject(new TransferAborted());
  }

  /**
   * Reads the replies to the command that was sent, and lets `move` have the
   * data connection. It is over when `move` has returned and the final reply is
   * there, whichever comes first. Throws FtpError, TransferAborted, what the
   * sink or source threw, or what ended the session.
   */
  async run(
    move: (stream: ByteStream, silence: Deadline) => Promise<void>,
  ): Promise<[first: Reply, final: Reply]> {
    // Time runs only while neither connection moves.
    using silence = this.#control.watch();
    const first = await this.#control.next();
    if (first.code >= 400) throw new FtpError(first);
    silence.extend();
    const final = this.#final(first);
    final.catch(() => {});
    const moving = (async (): Promise<void> => {
      await move(await this.#data.open(), silence);
    })();
    moving.catch(() => {});
    let failure: unknown;
    try {
      await Promise.race([moving, this.#abort.promise]);
    } catch (error) {
      failure = error;
    }
    const gaveUp = failure instanceof TransferAborted || failure instanceof LocalFailure;
    if (gaveUp && this.#sends) await this.#control.send("ABOR");
    if (failure !== undefined) this.#data.destroy();
    // Some servers wait for our farewell of TLS. After an upload our half is over anyway, and to
    // close with something unread, such as a late ticket, would reset what is still under way.
    else if (!this.#sends) this.#data.close();
    await moving.catch(() => {});
    silence.extend();
    const reply = await final;
    silence.extend();
    if (gaveUp && this.#sends) await this.#resynchronize();
    if (failure instanceof LocalFailure) throw failure.error;
    if (failure instanceof TransferAborted) throw failure;
    if (reply.code >= 400) throw new FtpError(reply);
    if (failure !== undefined) throw failure;
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
   * Servers say one or two replies to ABOR, and some one to the transfer besides
   * (RFC 959 section 4.1.3 wants 426 and 226). The reply to NOOP is the last.
   */
  async #resynchronize(): Promise<void> {
    await this.#control.send("NOOP");
    for (let replies = 0; replies < 4; replies++) {
      if ((await this.#control.next()).code === 200) return;
    }
    throw new ProtocolError("the server's replies are out of step after ABOR");
  }
}

/** What is moved, and who watches. */
export interface Movement {
  /** Disposed of while the time is ours, in the sink or the source; each extension arms it again. */
  silence: Deadline;
  onPiece(length: number): void;
}

/** Reads to the end of the data connection: one buffer is filled while the other goes to `sink`. */
export async function receive(
  stream: ByteStream,
  sink: Sink,
  { silence, onPiece }: Movement,
): Promise<void> {
  let [buffer, other] = [new Uint8Array(BUFFER), new Uint8Array(BUFFER)];
  let writing: Promise<void> | undefined;
  try {
    for (;;) {
      const length = await stream.read(buffer);
      silence[Symbol.dispose]();
      await writing;
      writing = undefined;
      silence.extend();
      if (length === null) return;
      onPiece(length);
      const data = buffer.subarray(0, length);
      writing = locally(() => sink(data));
      writing.catch(() => {});
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
  { silence, onPiece }: Movement,
): Promise<void> {
  let [buffer, other] = [new Uint8Array(BUFFER), new Uint8Array(BUFFER)];
  const readAhead = (): Promise<number | null> => {
    const into = buffer;
    const reading = locally(() => source(into));
    reading.catch(() => {});
    return reading;
  };
  for (let reading = readAhead();;) {
    silence[Symbol.dispose]();
    const length = await reading;
    silence.extend();
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
