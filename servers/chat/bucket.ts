/** A limit on how often something may happen: so many times a second, and a burst after a pause. */
export class Bucket {
  readonly #interval: number;
  readonly #burst: number;
  /** When the bucket is full again, in milliseconds. */
  #full = -Infinity;

  /** `rate` times a second; `burst` of them at once. */
  constructor(rate: number, burst: number) {
    this.#interval = 1000 / rate;
    this.#burst = burst;
  }

  /** How many milliseconds from `now` until it may happen again; 0 is at once. */
  wait(now: number): number {
    return Math.max(0, this.#full - now - (this.#burst - 1) * this.#interval);
  }

  /** It happens at `now`, or as soon as `wait` allows. */
  take(now: number): void {
    this.#full = Math.max(this.#full, now) + this.#interval;
  }
}
