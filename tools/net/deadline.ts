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

/**
 * The limits on the waits of one connection, of which it has one at a time. A
 * timer for each would cost more than most waits do: there is one for all, which
 * looks when it fires whether a wait is due.
 */
export class Patience implements Disposable {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #fires = Infinity;
  #due = Infinity;
  #expire = (): void => {};

  /** A wait begins, in place of one before: calls `expire` when it has not ended within `duration` milliseconds. */
  begin(duration: number, expire: () => void): void {
    this.#due = performance.now() + duration;
    this.#expire = expire;
    if (this.#due < this.#fires) this.#arm(duration);
  }

  /** It has ended. */
  end(): void {
    this.#due = Infinity;
  }

  [Symbol.dispose](): void {
    this.end();
    clearTimeout(this.#timer);
    this.#fires = Infinity;
  }

  #arm(time: number): void {
    clearTimeout(this.#timer);
    this.#fires = performance.now() + time;
    this.#timer = setTimeout(() => {
      this.#fires = Infinity;
      const left = this.#due - performance.now();
      if (left === Infinity) return;
      if (left > 0) return this.#arm(left);
      this.#due = Infinity;
      this.#expire();
    }, time);
  }
}

// Work on a socket that is ready is over after so many turns of the microtask queue.
const TURNS = 8;

/** Whether `work` is over, well or not, without a wait: a timer would cost more than it does. */
export async function isOverSoon(work: Promise<unknown>): Promise<boolean> {
  let over = false;
  const done = (): void => void (over = true);
  work.then(done, done);
  for (let i = 0; i < TURNS && !over; i++) await undefined;
  return over;
}
