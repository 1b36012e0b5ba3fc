/** The sender of a file (RFC 1350), with windows (RFC 7440). */
import { BlockNumbers, type Source } from "./tftp_blocks.ts";
import type { Terms } from "./tftp_options.ts";
import { blockOf, HEADER, OPCODE, opcodeOf, writeDataHeader } from "./tftp_packet.ts";
import { type RetryOptions, RetryTimer } from "./tftp_retry.ts";
import { type Outcome, refusal, type Transfer } from "./tftp_transfer.ts";

/** What is sent, and how. */
export interface SenderOptions extends Omit<RetryOptions, "timeout" | "later"> {
  terms: Terms;
  source: Source;
  /** A packet of ours, an OACK, that the peer acknowledges as block 0 before the first one. */
  opening?: Uint8Array;
}

/** Sends windows of blocks, each after the acknowledgement of the one before. */
export class Sender implements Transfer {
  readonly #source: Source;
  readonly #opening: Uint8Array | undefined;
  readonly #blksize: number;
  readonly #windowsize: number;
  readonly #numbers: BlockNumbers;
  readonly #timer: RetryTimer;
  /** The blocks of a window, which may have to be sent again, and one more; block `n` is at `n` modulo their number. */
  readonly #packets: Uint8Array[] = [];
  /** The first block that is not acknowledged. */
  #base: number;
  /** The next block to send. */
  #next: number;
  /** The last block that was read. */
  #read = 0;
  /** The last block of all, once it was read, and its packet. */
  #final = Infinity;
  #finalPacket: Uint8Array = new Uint8Array(0);
  /** When sending last went back to `base`. */
  #rewoundAt = -Infinity;
  /** Blocks before this one were sent before. */
  #sent: number;
  /** Blocks from `base` on were sent twice. */
  #repeated = false;
  /** The acknowledgement that was taken last may come again, since what it answered was sent twice. */
  #echo = false;
  #bytes = 0;
  #resent = 0;
  #outcome: Outcome | undefined;

  constructor(options: SenderOptions) {
    const { terms, source, opening } = options;
    this.#source = source;
    this.#opening = opening;
    this.#blksize = terms.blksize;
    this.#windowsize = terms.windowsize;
    this.#numbers = new BlockNumbers(terms.rollover);
    this.#timer = new RetryTimer({ ...options, timeout: terms.timeout });
    this.#base = this.#next = this.#sent = opening ? 0 : 1;
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
    return this.#outcome !== undefined || this.#hasNext();
  }

  get deadline(): number {
    return this.#outcome ? Infinity : this.#timer.deadline;
  }

  /** Throws what the source throws. */
  next(now: number): Uint8Array | null {
    if (this.#outcome || !this.#hasNext()) return null;
    const block = this.#next++;
    if (block < this.#sent) this.#resent++;
    else this.#sent = this.#next;
    this.#timer.sent(now);
    if (block === 0) return this.#opening ?? null;
    if (block > this.#read) this.#readBlock();
    return block === this.#final ? this.#finalPacket : this.#slot(block);
  }

  /** Whether the window, and the file, hold one more. */
  #hasNext(): boolean {
    const end = this.#base === 0 ? 1 : this.#base + this.#windowsize;
    return this.#next < end && this.#next <= this.#final;
  }

  /**
   * Reads the next block while the peer is busy with those it has; who was never
   * heard may not be there, and costs none. Throws what the source throws.
   */
  prepare(): void {
    if (this.heard && this.#read === this.#next - 1 && this.#final === Infinity) this.#readBlock();
  }

  #readBlock(): void {
    const block = ++this.#read;
    const packet = this.#slot(block);
    writeDataHeader(packet, this.#numbers.onWire(block));
    const length = this.#source.read(packet.subarray(HEADER));
    if (length === this.#blksize) return;
    this.#final = block;
    this.#finalPacket = packet.subarray(0, HEADER + length);
  }

  #slot(block: number): Uint8Array {
    return this.#packets[block % (this.#windowsize + 1)] ??= new Uint8Array(HEADER + this.#blksize);
  }

  receive(packet: Uint8Array, now: number): void {
    if (this.#outcome || packet.length < HEADER) return;
    if (opcodeOf(packet) === OPCODE.ACK) this.#acknowledged(blockOf(packet), now);
    else this.#outcome = refusal(packet);
  }

  #acknowledged(number: number, now: number): void {
    const before = Math.max(0, this.#base - 1);
    const block = this.#numbers.from(before, number);
    if (block >= this.#next) return; // Stale, or from the future.
    if (block < this.#base) return this.#again(now);
    // The last that went out was answered, and it is clear which copy.
    this.#timer.progress(now, block === this.#next - 1 && !this.#repeated);
    if (block > 0) this.#bytes += (block - this.#base) * this.#blksize + this.#sizeOf(block);
    this.#base = block + 1;
    this.#echo = this.#repeated;
    this.#repeated = false;
    // An acknowledgement within the window tells of a gap after it: go on from there (RFC 7440 section
    // 4). So soon after that it answers what was sent before: from a peer that acknowledges each block.
    if (!this.#timer.tooSoon(now, this.#rewoundAt)) this.#goBack(now);
    if (block === this.#final) this.#outcome = { kind: "done" };
  }

  /**
   * The acknowledgement before this window came again. In lock-step nothing
   * follows, or every block would be sent twice from now on (RFC 1123 section
   * 4.2.3.1). With a window it tells that the first block was lost, unless it
   * answers a copy of what it acknowledged, or was copied itself on its way.
   */
  #again(now: number): void {
    if (this.#windowsize === 1 || this.#next === this.#base || this.#repeated) return;
    if (this.#timer.tooSoon(now)) return;
    if (this.#echo) this.#echo = false;
    else this.#rewind(now);
  }

  elapse(now: number): void {
    if (now < this.deadline) return;
    if (this.#timer.expire(now)) this.#rewind(now);
    else this.#outcome = { kind: "silent" };
  }

  #rewind(now: number): void {
    this.#goBack(now);
    this.#repeated = true;
  }

  #goBack(now: number): void {
    if (this.#next > this.#base) this.#rewoundAt = now;
    this.#next = this.#base;
  }

  #sizeOf(block: number): number {
    return block === this.#final ? this.#finalPacket.length - HEADER : this.#blksize;
  }
}
