/**
 * A limit on a wait. A pending read of a socket cannot be cancelled, only ended
 * by closing the socket, so that is what `expire` usually does.
 */
export class Deadline implements Disposable {
  readonly #duration: number;
  readonly #expire: () => void;
  #start = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #expired = false;

  /** Calls `expire` once, `duration` milliseconds after this or the last `extend`. */
  constructor(duration: number, expire: () => void) {
    this.#duration = duration;
    this.#expire = expire;
    this.#wait(duration);
  }

  /** Whether the time ran out. */
  get expired(): boolean {
    return this.#expired;
  }

  /** Something happened: the full duration begins again. This costs next to nothing, so it can be called for each read. */
  extend(): void {
    this.#start = performance.now();
  }

  /** The wait is over. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  /** Looks again after `time` milliseconds: a timer for each `extend` would cost more than the read it stands for. */
  #wait(time: number): void {
    this.#timer = setTimeout(() => {
      const left = this.#start + this.#duration - performance.now();
      if (left > 0) return this.#wait(left);
      this.#expired = true;
      this.#expire();
    }, time);
  }
}
