/** One transfer on the server, from the request to its line in the log. */
import { FileSink, FileSource, FIRST_PIECE, PIECE } from "../../tools/files/blocks.ts";
import { FileError, type FileErrorKind } from "../../tools/files/errors.ts";
import type { Jail } from "../../tools/files/jail.ts";
import { TransferDriver } from "../../tools/net/tftp_transfer.ts";
import type { Fields } from "../../tools/program/log.ts";
import { unmapped } from "../../tools/protocol/address.ts";
import { netasciiSink, netasciiSource } from "../../tools/protocol/tftp_netascii.ts";
import {
  type Limits,
  negotiate,
  type Negotiated,
  PLAIN_TERMS,
  type Terms,
} from "../../tools/protocol/tftp_options.ts";
import {
  encodeAck,
  encodeError,
  encodeOack,
  HEADER,
  type Mode,
  parseMode,
  type RequestPacket,
} from "../../tools/protocol/tftp_packet.ts";
import { Receiver } from "../../tools/protocol/tftp_receiver.ts";
import { Sender } from "../../tools/protocol/tftp_sender.ts";
import type { Outcome } from "../../tools/protocol/tftp_transfer.ts";
import type { Budget } from "./budget.ts";
import { meantPath } from "./names.ts";
import { errorFor, Refusal, TOO_MANY } from "./refusal.ts";
import {
  GUESSABLE_SENDS,
  isGuessable,
  limitsFor,
  OPENING_SENDS,
  type TftpSettings,
} from "./settings.ts";

/** What a client may send besides data is short. */
const LONGEST_ANSWER = 1024;

/** The server's end of a transfer: a port of its own, or a share of the one that listens. */
export interface Channel {
  send(packet: Uint8Array): Promise<boolean>;
  close(): void;
}

/** Takes a packet at once; what follows from it, if anything, is to be awaited. */
export type Receive = (packet: Uint8Array) => Promise<void> | undefined;

/** What a session is given. */
export interface SessionContext {
  settings: TftpSettings;
  jail: Jail;
  /** The folder for files from clients. */
  uploads: Jail;
  /** The memory of all sessions. */
  budget: Budget;
  request: RequestPacket;
  peer: Deno.NetAddr;
  /** Sends from the port that listens, for a refusal. */
  reply(packet: Uint8Array): Promise<boolean>;
  /** Opens the channel, for packets of up to `longest` bytes that go to `receive`. Throws Refusal. */
  open(longest: number, receive: Receive): Channel;
  /** Hears that the file is over, and only the last acknowledgement may be asked for again. */
  delivered(): void;
}

/** A transfer that can begin. */
interface Plan {
  transfer: Sender | Receiver;
  terms: Terms;
  commit?: () => void;
}

/** Thus a client shows that has no folder of its own, or no such file there; a mere file may have its address as a name. */
const NO_FOLDER: ReadonlySet<FileErrorKind> = new Set(["not found", "not a folder"]);

/** One transfer with one client. */
export class TftpSession {
  readonly #context: SessionContext;
  /** The client's. */
  readonly address: string;
  /** The file, as the client may see it. */
  #path: string;
  #plan: Plan | undefined;
  #driver: TransferDriver | undefined;
  #channel: Channel | undefined;
  #start = 0;
  #stopped: Refusal | undefined;
  #tell = true;
  /** How many packets went out since the last came in. */
  #sends = 0;
  #commits = false;
  #delivered = false;
  #dallies = true;

  constructor(context: SessionContext) {
    this.#context = context;
    this.address = unmapped(context.peer.hostname);
    this.#path = context.request.name;
  }

  /** Whether the client ever answered. */
  get heard(): boolean {
    return this.#plan?.transfer.heard ?? false;
  }

  /** Whether the file is over, and only the last acknowledgement may be asked for again. */
  get delivered(): boolean {
    return this.#delivered;
  }

  /** Takes a packet from the client's TID at once; what follows from it is to be awaited. */
  receive(packet: Uint8Array): Promise<void> | undefined {
    this.#sends = 0;
    return this.#driver?.receive(packet);
  }

  /** Ends it once the file is over, without waiting for a client that missed the last acknowledgement. */
  hurry(): void {
    this.#dallies = false;
    if (this.#delivered) this.#driver?.stop(undefined);
  }

  /**
   * Ends the transfer; the client is told unless `tell` is false. When a file
   * takes its name already it is too late: that is still acknowledged.
   */
  stop(reason: Refusal, tell = true): void {
    if (this.#commits) return this.hurry();
    this.#stopped ??= reason;
    this.#tell = tell;
    this.#driver?.stop(reason);
  }

  /**
   * Tells the client, where the program ends with this call: what a socket that has
   * sent before is given goes out at once. A file that is over, or takes its name, is not denied.
   */
  abandon(reason: Refusal): void {
    if (this.#commits || this.#delivered) return;
    const { code, message } = errorFor(reason);
    this.#channel?.send(encodeError(code, message)).catch(() => {});
  }

  /** Does it all. Resolves when nothing is left to do; throws nothing. */
  async run(): Promise<void> {
    // A failure is logged when nothing of an unfinished file is left.
    try {
      let outcome;
      {
        using stack = new DisposableStack();
        outcome = await this.#transfer(stack);
      }
      this.#logFailure(outcome);
    } catch (error) {
      this.#log(this.#plan ? "failed" : "refused", {
        ...this.#progress(),
        reason: errorFor(error).reason,
      });
    }
  }

  async #transfer(stack: DisposableStack): Promise<Outcome> {
    let send = this.#context.reply;
    try {
      const plan = await this.#prepare(stack);
      if (this.#stopped) throw this.#stopped;
      const writes = this.#context.request.kind === "WRQ";
      const longest = writes ? HEADER + plan.terms.blksize : LONGEST_ANSWER;
      const channel = this.#context.open(longest, (packet) => this.receive(packet));
      this.#channel = channel;
      stack.defer(() => channel.close());
      send = (packet) => channel.send(packet);
      const sendSome = isGuessable(this.#context.settings) ? this.#sparing(send) : send;
      this.#driver = new TransferDriver(plan.transfer, sendSome, plan.commit);
      this.#plan = plan;
      this.#start = performance.now();
      await this.#driver.start();
      const outcome = await this.#driver.outcome;
      if (outcome.kind === "done") {
        this.#delivered = true;
        this.#context.delivered();
        this.#log(writes ? "received" : "sent", this.#progress());
        if (this.#dallies) await this.#driver.over;
        else this.#driver.stop(undefined);
      }
      return outcome;
    } catch (error) {
      const { code, message } = errorFor(error);
      if (this.#tell) await send(encodeError(code, message));
      throw error;
    }
  }

  /** As `send`, but what is too much for one packet of the client's is lost. */
  #sparing(send: Channel["send"]): Channel["send"] {
    return async (packet) => this.#sends++ < GUESSABLE_SENDS && await send(packet);
  }

  async #prepare(stack: DisposableStack): Promise<Plan> {
    const { request, settings } = this.#context;
    const mode = parseMode(request.mode);
    if (mode === undefined) {
      throw new Refusal("illegalOperation", "Unknown mode: octet and netascii are known");
    }
    try {
      const { names, folder, uploads = folder } = settings;
      const root = request.kind === "RRQ" ? folder : uploads;
      this.#path = meantPath(request.name, this.address, names, root);
    } catch {
      throw new FileError("bad name");
    }
    return request.kind === "RRQ"
      ? await this.#toSend(mode, stack)
      : await this.#toReceive(mode, stack);
  }

  async #toSend(mode: Mode, stack: DisposableStack): Promise<Plan> {
    const { jail, budget, request, settings } = this.#context;
    const { file, info: { size } } = stack.use(await this.#inOwnFolder((path) => jail.open(path)));
    const limits = limitsFor(this.address, request.kind, settings);
    const agree = (limits: Limits): Negotiated =>
      // As netascii the file has another size, which only reading it would tell; and curl takes a size of 0 for an error.
      negotiate(request.options, limits, mode === "octet" && size > 0 ? size : undefined);
    const wished = agree(limits);
    const held = stack.use(budget.take(heldFor(wished.terms, size)));
    // Who comes when the memory is taken is served as RFC 1350 has it, which needs next to none.
    const { blksize, windowsize } = PLAIN_TERMS;
    const { terms, accepted } = held
      ? wished
      : agree({ ...limits, blksize: Math.min(blksize, limits.blksize), windowsize });
    const source = new FileSource(file, held ? size : Math.min(size, FIRST_PIECE));
    const transfer = new Sender({
      terms,
      source: mode === "octet" ? source : netasciiSource(source),
      patience: settings.idleTimeout,
      openingSends: OPENING_SENDS,
      ...accepted.size > 0 && { opening: encodeOack(accepted) },
    });
    return { transfer, terms };
  }

  async #toReceive(mode: Mode, stack: DisposableStack): Promise<Plan> {
    const { uploads, budget, request, settings } = this.#context;
    if (settings.writing === "no") {
      throw new Refusal("accessViolation", "This server is read-only");
    }
    const { terms, accepted } = negotiate(
      request.options,
      limitsFor(this.address, request.kind, settings),
      "told",
    );
    if (terms.size !== undefined && terms.size > settings.maxFileSize) {
      throw new FileError("no space");
    }
    if (!stack.use(budget.take(PIECE + HEADER + terms.blksize))) throw TOO_MANY;
    const overwrite = settings.writing === "overwrite";
    const upload = stack.use(
      await this.#inOwnFolder((path) => uploads.upload(path, overwrite)).catch((error) => {
        // What a new file can lack is its folder.
        throw error.kind === "not found" ? new FileError("not a folder") : error;
      }),
    );
    const sink = new FileSink(upload.file, settings.maxFileSize);
    const transfer = new Receiver({
      terms,
      sink: mode === "octet" ? sink : netasciiSink(sink),
      patience: settings.idleTimeout,
      openingSends: OPENING_SENDS,
      opening: accepted.size > 0 ? encodeOack(accepted) : encodeAck(0),
    });
    const commit = (): void => {
      this.#commits = true;
      upload.commit();
    };
    return { transfer, terms, commit };
  }

  /** What `find` finds in the folder of the client's address, if clients have some, else in that of all. */
  async #inOwnFolder<T>(find: (path: string) => Promise<T>): Promise<T> {
    if (this.#context.settings.perClient) {
      try {
        return await find(`/${this.address}${this.#path}`);
      } catch (error) {
        if (!(error instanceof FileError && NO_FOLDER.has(error.kind))) throw error;
      }
    }
    return await find(this.#path);
  }

  #logFailure(outcome: Outcome): void {
    const { kind, options } = this.#context.request;
    // A client that asks for the size alone breaks off after the answer, whatever that was.
    const asked = kind === "RRQ" && options.has("tsize");
    if (outcome.kind === "refused" && asked && !this.heard) {
      this.#log("probe", {});
    } else if (outcome.kind !== "done") {
      const reason = outcome.kind === "silent"
        ? "no answer"
        : `the client says: ${outcome.message || `error ${outcome.code}`}`;
      this.#log("failed", { ...this.#progress(), reason });
    }
  }

  #progress(): Fields {
    if (!this.#plan) return {};
    const { transfer: { bytes, resent }, terms: { blksize, windowsize } } = this.#plan;
    const seconds = Math.max(0.001, performance.now() - this.#start) / 1000;
    return {
      bytes,
      blksize,
      windowsize,
      resent,
      seconds: Number(seconds.toFixed(3)),
      rate: Math.round(bytes / seconds),
    };
  }

  #log(event: string, fields: Fields): void {
    const { request: { kind, mode }, peer: { port }, settings } = this.#context;
    const request = kind === "RRQ" ? "read" : "write";
    const who = { peer: this.address, port, request, file: this.#path, mode };
    settings.log.event(event, { ...who, ...fields });
  }
}

/** The bytes that it takes to send a file of `size` bytes: a window and one block, and a piece of the file. */
function heldFor({ blksize, windowsize }: Terms, size: number): number {
  const blocks = 1 + Math.min(windowsize, Math.ceil(size / blksize));
  return blocks * (HEADER + blksize) + Math.min(PIECE, size);
}
