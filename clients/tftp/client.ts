/** The TFTP client as a library: files go from a server to a sink, and from a source to a server. */
import type { DatagramEndpoint } from "../../tools/net/datagram.ts";
import { TransferDriver } from "../../tools/net/tftp_transfer.ts";
import { EXIT, Failure } from "../../tools/program/failure.ts";
import type { Trace } from "../../tools/program/trace.ts";
import { formatHostPort } from "../../tools/protocol/address.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import type { Source } from "../../tools/protocol/tftp_blocks.ts";
import { netasciiSink, netasciiSource } from "../../tools/protocol/tftp_netascii.ts";
import { PLAIN_TERMS, requestOptions, type Wishes } from "../../tools/protocol/tftp_options.ts";
import { encodeAck, encodeRequest, ERROR_CODE, HEADER } from "../../tools/protocol/tftp_packet.ts";
import { Receiver } from "../../tools/protocol/tftp_receiver.ts";
import { Sender } from "../../tools/protocol/tftp_sender.ts";
import { Conversation } from "./conversation.ts";
import {
  type DownloadSink,
  TftpError,
  type TftpSettings,
  type TransferOptions,
  type Transferred,
  windowFor,
} from "./options.ts";
import { open, type Opened } from "./request.ts";

export { TftpError };
export type { DownloadSink, TftpSettings, TransferOptions, Transferred };

/** Which server, and the way to it. */
export interface TftpOptions {
  host: string;
  port: number;
  /** How files are moved. They may be changed between transfers. */
  settings: TftpSettings;
  trace: Trace;
  /** Finds the address of `host`, or several of them, unless `signal` aborts before. */
  resolve(host: string, signal: AbortSignal): Promise<string | string[]>;
  /** A socket to talk with `address`, for datagrams of up to `longest` bytes. */
  bind(address: string, longest: number): DatagramEndpoint;
}

// An OACK or ERROR has no limit but that of a packet without options.
const LEAST_PACKET = HEADER + PLAIN_TERMS.blksize;

/**
 * In milliseconds. Many a server listens at one of its machine's addresses alone, such as
 * 127.0.0.1 of localhost: each but the last is asked twice.
 */
const FIRST_PATIENCE = 2500;

/** A server to move files to and from. */
export class TftpClient {
  readonly #options: TftpOptions;
  /** Where the server may be: the first one that is not known to be silent. */
  #addresses: string[];
  /** Transfers under way, and those whose last block may have to be acknowledged again. */
  readonly #live = new Map<TransferDriver, Promise<void>>();

  private constructor(options: TftpOptions, addresses: string[]) {
    this.#options = options;
    this.#addresses = addresses;
  }

  /** Finds the server's address. Nothing is sent yet. Throws Failure when `signal` aborts, and what `resolve` throws. */
  static async connect(options: TftpOptions, signal?: AbortSignal): Promise<TftpClient> {
    const { host, resolve, settings: { timeout } } = options;
    const patience = AbortSignal.timeout(timeout);
    try {
      const either = signal ? AbortSignal.any([signal, patience]) : patience;
      return new TftpClient(options, [await resolve(host, either)].flat());
    } catch (error) {
      throw signal?.aborted ? interrupted() : error;
    }
  }

  /** Whether each packet is shown. */
  get isTraced(): boolean {
    return this.#options.trace.shown;
  }

  /** The server as messages name it. */
  get peer(): string {
    return formatHostPort(this.#options.host, this.#options.port);
  }

  /**
   * Fetches the file `name` into `sink`. Throws TftpError when the server
   * refuses, ProtocolError when it breaks the rules, Failure when it is silent or
   * the transfer interrupted, RangeError for a name that cannot be, and what
   * `sink` throws.
   */
  async get(
    name: string,
    sink: DownloadSink,
    options: TransferOptions = {},
  ): Promise<Transferred> {
    const { mode, timeout } = this.#options.settings;
    return await this.#transfer("RRQ", name, 0, options, sink, ({ terms, first }) =>
      new Receiver({
        terms,
        sink: mode === "netascii" ? netasciiSink(sink) : sink,
        patience: timeout,
        ...first ? {} : { opening: encodeAck(0) },
      }));
  }

  /** Sends all of `source`, `size` bytes if that is known, into the file `name`. Throws as `get` does. */
  async put(
    name: string,
    source: Source,
    size: number | undefined,
    options: TransferOptions = {},
  ): Promise<Transferred> {
    const { mode, timeout } = this.#options.settings;
    return await this.#transfer("WRQ", name, size, options, undefined, ({ terms }) =>
      new Sender({
        terms,
        source: mode === "netascii" ? netasciiSource(source) : source,
        patience: timeout,
      }));
  }

  /** Ends everything. */
  async close(): Promise<void> {
    const live = [...this.#live];
    for (const [driver] of live) driver.stop(interrupted());
    for (const [, ended] of live) await ended;
  }

  async #transfer(
    kind: "RRQ" | "WRQ",
    name: string,
    size: number | undefined,
    options: TransferOptions,
    sink: DownloadSink | undefined,
    begin: (opened: Opened) => Sender | Receiver,
  ): Promise<Transferred> {
    const opened = await this.#open(kind, name, this.#wishes(size), options.signal);
    const { conversation, terms, first } = opened;
    const transfer = begin(opened);
    const driver = new TransferDriver(
      transfer,
      (packet) => conversation.send(packet),
      async () => await sink?.busy,
    );
    let isOver = false;
    const ended = converse();
    this.#live.set(driver, ended);
    void ended.then(() => this.#live.delete(driver));
    try {
      using _abort = onAbort(options.signal, () => driver.stop(interrupted()));
      const outcome = await driver.outcome;
      isOver = true;
      options.onProgress?.(transfer.bytes);
      if (outcome.kind === "refused") throw new TftpError(outcome.code, outcome.message, true);
      if (outcome.kind === "silent") {
        throw new Failure(EXIT.unreachable, "the server has fallen silent");
      }
      void driver.over.then(() => conversation.close());
      return { bytes: transfer.bytes, resent: transfer.resent, terms };
    } catch (error) {
      await tell(conversation, error);
      conversation.close();
      // A reader of our output who stands still is not waited for.
      if (options.signal?.aborted && sink?.busy) this.#live.delete(driver);
      else await ended;
      throw error;
    }

    /** Hands the server's packets over, until nothing more is to be sent. */
    async function converse(): Promise<void> {
      try {
        await options.onStart?.(terms);
        await driver.start();
        let packet: Uint8Array | null | undefined = first;
        while (packet !== null) {
          // What needs no wait gets none: there may be 300,000 blocks a second.
          const sending = packet && driver.receive(packet);
          if (sending) await sending;
          const busy = sink?.busy;
          if (busy) await busy;
          if (!isOver) options.onProgress?.(transfer.bytes);
          packet = await conversation.receive();
        }
      } catch (error) {
        driver.stop(error);
      }
    }
  }

  /** Asks until the server is ready; without options when it refuses those, at another address when one is silent. */
  async #open(
    kind: "RRQ" | "WRQ",
    name: string,
    wishes: Wishes,
    signal: AbortSignal | undefined,
  ): Promise<Opened & { conversation: Conversation }> {
    const { settings: { mode, blksize, rexmt, timeout }, bind, port, trace } = this.#options;
    if (name === "" || name.includes("\0")) throw new RangeError("a file cannot have this name");
    if (signal?.aborted) throw interrupted();
    const asked = requestOptions(wishes);
    const longest = Math.max(LEAST_PACKET, HEADER + blksize);
    const [address = "", ...others] = this.#addresses;
    const conversation = new Conversation(bind(address, longest), address, port, trace);
    let next = wishes;
    try {
      using _abort = onAbort(signal, () => conversation.close());
      const answer = await open(conversation, {
        kind,
        packet: encodeRequest(kind, name, mode, asked),
        asked,
        timeout: rexmt,
        patience: others.length > 0 ? Math.min(timeout, FIRST_PATIENCE) : timeout,
      });
      if (answer === null) throw interrupted();
      if (answer.kind === "opened") {
        return {
          ...answer,
          terms: { ...answer.terms, timeout: answer.terms.timeout ?? rexmt },
          conversation,
        };
      }
      if (answer.code !== ERROR_CODE.optionRefused || asked.size === 0) {
        throw new TftpError(answer.code, answer.message);
      }
      next = {};
    } catch (error) {
      conversation.close();
      const isSilent = error instanceof Failure && error.exitCode === EXIT.unreachable;
      if (!isSilent || others.length === 0) throw error;
      this.#addresses = others;
    }
    conversation.close();
    return await this.#open(kind, name, next, signal);
  }

  /** What to ask for. The size of text is another one on each side. */
  #wishes(size: number | undefined): Wishes {
    const { settings } = this.#options;
    const { mode, blksize, tsize, rexmt } = settings;
    const windowsize = windowFor(settings);
    return {
      ...blksize === PLAIN_TERMS.blksize ? {} : { blksize },
      ...windowsize === PLAIN_TERMS.windowsize ? {} : { windowsize },
      ...rexmt === undefined ? {} : { timeout: rexmt },
      ...tsize && mode === "octet" && size !== undefined ? { tsize: size } : {},
    };
  }
}

function interrupted(): Failure {
  return new Failure(EXIT.interrupted, "interrupted");
}

/** Tells the server that it ends here because of `error`, unless that came from there. */
async function tell(conversation: Conversation, error: unknown): Promise<void> {
  if (error instanceof TftpError) return;
  const { message, cause, exitCode } = error as Partial<Failure>;
  if (error instanceof ProtocolError) {
    await conversation.refuse(ERROR_CODE.illegalOperation, message ?? "");
  } else if ((cause as { code?: string } | undefined)?.code === "ENOSPC") {
    await conversation.refuse(ERROR_CODE.diskFull, "disk full");
  } else {
    // What else there is to say about files here is nothing for the server.
    const isInterrupted = exitCode === EXIT.interrupted;
    await conversation.refuse(ERROR_CODE.undefined, isInterrupted ? "interrupted" : "given up");
  }
}

/** Calls `act` when `signal` aborts, or has done so, until disposed of. */
function onAbort(signal: AbortSignal | undefined, act: () => void): Disposable {
  if (signal?.aborted) act();
  signal?.addEventListener("abort", act);
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", act) };
}
