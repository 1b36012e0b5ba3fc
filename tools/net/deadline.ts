/**
 * A limit on a wait. A pending read of a socket cannot be cancelled, only ended
 * by closing the socket, so that is what `expire` usually does.
 */
export class Deadline implements Disposable {
  readonly #duration: number;
  readonly #expire: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #expired = false;

  /** Calls `expire` once, `duration` milliseconds after this or the last `extend`. */
  constructor(duration: number, expire: () => void) {
    this.#duration = duration;
    this.#expire = expire;
    this.extend();
  }

  /** Whether the time ran out. */
  get expired(): boolean {
    return this.#expired;
  }

  /** Something happened: the full duration begins again. */
  extend(): void {
    if (this.#expired) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#expired = true;
      this.#expire();
    }, this.#duration);
  }

  /** The wait is over. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
