/** When a packet that was not answered is sent again, and when that is given up. */

/** Before a round trip was measured, in milliseconds: what RFC 6298 section 2 has. */
export const FIRST_WAIT = 1000;
/** Even after faster answers: a switch that writes to its flash pauses, and a copy too many makes some bootloaders stop. */
export const LEAST_WAIT = 200;
/** Waits double up to this, so that a peer that comes back is not kept waiting. */
export const LONGEST_WAIT = 8000;

/** So many agreed waits without progress are awaited at least. */
export const WAITS = 4;

/** How long is waited. */
export interface RetryOptions {
  /** Milliseconds until the first repetition, as agreed with the peer. */
  timeout: number | undefined;
  /** What is waited, without such an agreement, once the peer has answered; undefined: as measured. */
  later?: number;
  /** Milliseconds without progress after which it is given up. */
  patience: number;
  /** How often the first packet is sent at most, while no answer ever came. */
  openingSends?: number;
}

/** The clock of one end of a transfer. Times are in milliseconds, of any clock that only goes on. */
export class RetryTimer {
  readonly #options: RetryOptions;
  #wait: number;
  #backoff = 1;
  /** Of round trips: smoothed, and how far they vary (RFC 6298 section 2). */
  #mean = NaN;
  #deviation = 0;
  #sentAt = Infinity;
  #progressAt = Infinity;
  #sends = 1;
  #heard = false;

  constructor(options: RetryOptions) {
    this.#options = options;
    this.#wait = options.timeout ?? FIRST_WAIT;
  }

  /** Whether the peer ever answered. */
  get heard(): boolean {
    return this.#heard;
  }

  /** Something went out, and its answer is awaited. */
  sent(now: number): void {
    this.#sentAt = now;
    if (this.#progressAt === Infinity) this.#progressAt = now;
  }

  /** The peer's answer took the transfer further. `clean`: to a packet that was sent once, the last at that. */
  progress(now: number, clean: boolean): void {
    this.#heard = true;
    this.#progressAt = now;
    // A doubled wait stays until an answer tells that it is too long (RFC 6298 section 5).
    if (clean) {
      this.#backoff = 1;
      const { timeout, later } = this.#options;
      if (timeout === undefined) this.#wait = later ?? this.#measured(now - this.#sentAt);
    }
    this.#sentAt = now;
  }

  /** Whether too little time has passed since the last progress, or `since`, for an answer to what was sent after it. */
  tooSoon(now: number, since: number = this.#progressAt): boolean {
    return now - since < this.#mean / 4;
  }

  /** When `expire` has something to say; Infinity until something was sent. */
  get deadline(): number {
    const longest = Math.max(LONGEST_WAIT, this.#options.timeout ?? 0);
    return Math.min(this.#sentAt + Math.min(this.#wait * this.#backoff, longest), this.#end);
  }

  /** The deadline has passed: true to send again, false to give up. */
  expire(now: number): boolean {
    const { openingSends = Infinity } = this.#options;
    if (now >= this.#end) return false;
    if (!this.#heard && this.#sends >= openingSends) return false;
    this.#sends++;
    this.#backoff *= 2;
    this.#sentAt = now;
    return true;
  }

  /** When patience ends. A peer that agreed on long waits, and is there, gets some of them. */
  get #end(): number {
    const { patience, timeout = 0 } = this.#options;
    return this.#progressAt + (this.#heard ? Math.max(patience, WAITS * timeout) : patience);
  }

  /** The wait that the round trip `time`, and those before, suggest. */
  #measured(time: number): number {
    if (Number.isNaN(this.#mean)) {
      this.#mean = time;
      this.#deviation = time / 2;
    } else {
      this.#deviation += (Math.abs(this.#mean - time) - this.#deviation) / 4;
      this.#mean += (time - this.#mean) / 8;
    }
    return Math.max(LEAST_WAIT, this.#mean + 4 * this.#deviation);
  }
}
