/** The receiver of a file (RFC 1350), with windows (RFC 7440). */
import { ProtocolError } from "./error.ts";
import { BlockNumbers, type Sink } from "./tftp_blocks.ts";
import type { Terms } from "./tftp_options.ts";
import { blockOf, encodeAck, HEADER, OPCODE, opcodeOf } from "./tftp_packet.ts";
import { type RetryOptions, RetryTimer } from "./tftp_retry.ts";
import { type Outcome, refusal, type Transfer } from "./tftp_transfer.ts";

/**
 * In milliseconds. A block that comes again is answered again, since the answer
 * may have been lost, but not so soon after that: a sender that repeats for
 * each answer would never stop (RFC 1123 section 4.2.3.1).
 */
export const QUIET = 100;
/** When nothing comes for so long within a window, its rest was lost: this is shorter than any sender waits. */
export const WINDOW_WAIT = 100;
/** Else the sender's clock is the one that counts, and ours a spare that comes after it. */
export const RECEIVER_WAIT = 2000;
/** So long, in milliseconds, the last block is answered again: common senders repeat it after 1 s or 5 s. */
export const DALLY = 6000;

/** What is received, and how. */
export interface ReceiverOptions extends Omit<RetryOptions, "timeout" | "later"> {
  terms: Terms;
  sink: Sink;
  /** A packet of ours, an OACK or the ACK of block 0, that the peer answers by the first block. */
  opening?: Uint8Array;
}

/** Takes blocks in their order and acknowledges windows of them. */
export class Receiver implements Transfer {
  readonly #sink: Sink;
  readonly #opening: Uint8Array | undefined;
  readonly #blksize: number;
  readonly #windowsize: number;
  readonly #numbers: BlockNumbers;
  readonly #timer: RetryTimer;
  readonly #ack = encodeAck(0);
  readonly #dally: number;
  /** The last block that was taken. */
  #last = 0;
  /** The block that was acknowledged last, when, and whether it ended a window. */
  #acked = 0;
  #ackedAt = -Infinity;
  #ackedWindow = true;
  #ackDue: boolean;
  /** The block whose acknowledgement was sent last. */
  #sent = -1;
  /** The latest block that came after a gap; 0: there is no gap. */
  #ahead = 0;
  /** When the last block was taken, and how long the wait for one is on average. */
  #tookAt = 0;
  #pace = 0;
  #complete = false;
  #dallyUntil = Infinity;
  #bytes = 0;
  #resent = 0;
  #outcome: Outcome | undefined;

  constructor(options: ReceiverOptions) {
    const { terms, sink, opening } = options;
    this.#sink = sink;
    this.#opening = opening;
    this.#blksize = terms.blksize;
    this.#windowsize = terms.windowsize;
    this.#numbers = new BlockNumbers(terms.rollover);
    this.#timer = new RetryTimer({ ...options, timeout: terms.timeout, later: RECEIVER_WAIT });
    this.#dally = Math.max(DALLY, 2 * (terms.timeout ?? 0));
    this.#ackDue = opening !== undefined;
  }

  /** Every block has come, and `confirm` is awaited. */
  get complete(): boolean {
    return this.#complete && this.#dallyUntil === Infinity;
  }

  /**
   * The file is safe, so that the last block can be acknowledged. For a while
   * it is then answered again should it come again; the outcome is after that.
   */
  confirm(now: number): void {
    this.#dallyUntil = now + this.#dally;
    this.#acknowledge(true);
  }

  get outcome(): Outcome | undefined {
    return this.#outcome;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get resent(): number {
    return this.#resent;
  }

  get heard(): boolean {
    return this.#timer.heard;
  }

  get due(): boolean {
    return this.#ackDue || this.complete || this.#outcome !== undefined;
  }

  get deadline(): number {
    if (this.#outcome) return Infinity;
    if (this.#complete) return this.#dallyUntil;
    return Math.min(this.#timer.deadline, this.#windowDeadline());
  }

  next(now: number): Uint8Array | null {
    if (!this.#ackDue || this.#outcome) return null;
    this.#ackDue = false;
    if (this.#sent === this.#last) this.#resent++;
    this.#sent = this.#last;
    this.#ackedAt = now;
    this.#timer.sent(now);
    if (this.#last === 0 && this.#ahead === 0) return this.#opening ?? null;
    const number = this.#numbers.onWire(this.#last);
    this.#ack[2] = number >> 8;
    this.#ack[3] = number & 0xff;
    return this.#ack;
  }

  /** Throws what the sink throws, and ProtocolError. */
  receive(packet: Uint8Array, now: number): void {
    if (this.#outcome) return;
    const opcode = opcodeOf(packet);
    if (opcode === OPCODE.DATA && packet.length >= HEADER) this.#data(packet, now);
    // Our ACK of block 0 was lost, and the server has sent its OACK again.
    else if (opcode === OPCODE.OACK && this.#last === 0) this.#repeat(now);
    else if (!this.#complete) this.#outcome = refusal(packet);
  }

  #data(packet: Uint8Array, now: number): void {
    const block = this.#numbers.from(this.#last, blockOf(packet));
    if (block === this.#last) {
      // Within a window more blocks follow, and tell more.
      if (this.#ackedWindow && this.#acked === block && block > 0) this.#repeat(now);
    } else if (this.#complete || block > this.#acked + this.#windowsize) {
      // From before, or from nowhere.
    } else if (block > this.#last + 1) {
      // Once for each time the sender passes here (RFC 7440 section 4).
      if (this.#ahead === 0 || block <= this.#ahead) this.#acknowledge(false);
      this.#ahead = block;
    } else {
      this.#take(packet, now);
    }
  }

  #take(packet: Uint8Array, now: number): void {
    const length = packet.length - HEADER;
    if (length > this.#blksize) throw new ProtocolError("a block is larger than agreed");
    if (length > 0) this.#sink.write(packet.subarray(HEADER));
    if (this.#last > this.#acked) this.#pace += (now - this.#tookAt - this.#pace) / 8;
    this.#last++;
    this.#bytes += length;
    this.#ahead = 0;
    this.#tookAt = now;
    this.#timer.progress(now, true);
    if (length < this.#blksize) {
      this.#complete = true;
      this.#sink.end();
    } else if (this.#last - this.#acked >= this.#windowsize) {
      this.#acknowledge(true);
    }
  }

  #acknowledge(window: boolean): void {
    this.#ackDue = true;
    this.#acked = this.#last;
    this.#ackedWindow = window;
  }

  #repeat(now: number): void {
    if (now - this.#ackedAt >= QUIET) this.#ackDue = true;
  }

  /** When the rest of a window is given up. On a slow line blocks are far apart. */
  #windowDeadline(): number {
    return this.#last > this.#acked
      ? this.#tookAt + Math.max(WINDOW_WAIT, 4 * this.#pace)
      : Infinity;
  }

  elapse(now: number): void {
    if (now < this.deadline) return;
    if (this.#complete) this.#outcome = { kind: "done" };
    else if (now >= this.#windowDeadline()) this.#acknowledge(false);
    else if (!this.#timer.expire(now)) this.#outcome = { kind: "silent" };
    else this.#repeat(now);
  }
}
