/** Moves one TFTP transfer along: packets to and from a socket, and the time. */
import { Receiver } from "../protocol/tftp_receiver.ts";
import { Sender } from "../protocol/tftp_sender.ts";
import type { Outcome } from "../protocol/tftp_transfer.ts";

/** A transfer under way over a datagram socket, which whoever made it reads. */
export class TransferDriver {
  readonly #transfer: Sender | Receiver;
  readonly #send: (packet: Uint8Array) => Promise<boolean>;
  readonly #commit: () => Promise<void> | void;
  readonly #outcome = Promise.withResolvers<Outcome>();
  readonly #over = Promise.withResolvers<void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerAt = Infinity;
  #pumping = false;
  #isSafe = false;
  #stopped = false;

  /**
   * `send` sends a packet to the peer's TID. `commit` makes a received file
   * safe, after which its last block is acknowledged.
   */
  constructor(
    transfer: Sender | Receiver,
    send: (packet: Uint8Array) => Promise<boolean>,
    commit: () => Promise<void> | void = () => {},
  ) {
    this.#transfer = transfer;
    this.#send = send;
    this.#commit = commit;
    // Whoever only waits for `over` has no use for the reason.
    this.#outcome.promise.catch(() => {});
  }

  /**
   * How it ended: for a received file, when its last block was acknowledged.
   * Rejects with what the source, the sink or `commit` threw, with
   * ProtocolError, or with the reason given to `stop`.
   */
  get outcome(): Promise<Outcome> {
    return this.#outcome.promise;
  }

  /** Resolves when nothing is to be sent any more, not even the last acknowledgement again. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Begins: sends what is to be sent first. */
  async start(): Promise<void> {
    await this.#pump();
  }

  /**
   * Takes a packet of the peer's TID at once, and sends what follows from it;
   * undefined when nothing does, as most often within a window.
   */
  receive(packet: Uint8Array): Promise<void> | undefined {
    if (this.#stopped) return undefined;
    try {
      this.#transfer.receive(packet, performance.now());
    } catch (error) {
      this.stop(error);
      return undefined;
    }
    if (this.#transfer.due) return this.#pump();
    this.#wake(this.#transfer.deadline);
    return undefined;
  }

  /** Ends it from our side: nothing more is sent. */
  stop(reason: unknown): void {
    this.#outcome.reject(reason);
    this.#end();
  }

  async #pump(): Promise<void> {
    // Who is sending already finds what came up meanwhile.
    if (this.#pumping || this.#stopped) return;
    this.#pumping = true;
    try {
      for (;;) {
        const packet = this.#transfer.next(performance.now());
        if (packet) await this.#send(packet);
        else if (this.#isWhole()) await this.#makeSafe();
        else break; // At once: what came after this would find nobody sending.
        if (this.#stopped) return;
      }
      if (this.#transfer instanceof Sender) this.#transfer.prepare();
    } catch (error) {
      return this.stop(error);
    } finally {
      this.#pumping = false;
    }
    const { outcome, deadline } = this.#transfer;
    if (this.#isSafe) this.#outcome.resolve({ kind: "done" });
    if (outcome) {
      this.#outcome.resolve(outcome);
      this.#end();
    } else {
      this.#wake(deadline);
    }
  }

  #isWhole(): boolean {
    return this.#transfer instanceof Receiver && this.#transfer.complete;
  }

  async #makeSafe(): Promise<void> {
    await this.#commit();
    if (this.#transfer instanceof Receiver) this.#transfer.confirm(performance.now());
    this.#isSafe = true;
  }

  /** A timer for each packet would cost as much as the packet: one that runs is only replaced by an earlier one. */
  #wake(deadline: number): void {
    if (deadline >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = deadline;
    this.#timer = setTimeout(() => {
      this.#timerAt = Infinity;
      this.#transfer.elapse(performance.now());
      this.#pump();
    }, Math.max(0, deadline - performance.now()));
  }

  #end(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#over.resolve();
  }
}
