/** Work for several workers, each piece of which may bring more. */

/**
 * Two kinds of work, first come first served: `first` is done before `then`,
 * unless there are `enough` pieces of that already.
 */
export class WorkQueue<T> {
  readonly #first = new Set<T>();
  readonly #then = new Set<T>();
  readonly #enough: number;
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(enough: number) {
    this.#enough = enough;
  }

  /** Adds a piece of work. */
  add(kind: "first" | "then", work: T): void {
    (kind === "first" ? this.#first : this.#then).add(work);
    this.#waiting.shift()?.();
  }

  /** A piece of work, for which `done` is to be called; undefined when all is done. */
  async take(): Promise<T | undefined> {
    for (;;) {
      const from = this.#then.size >= this.#enough || this.#first.size === 0
        ? this.#then
        : this.#first;
      for (const work of from) {
        from.delete(work);
        this.#taken++;
        return work;
      }
      if (this.#taken === 0) return undefined;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** A piece of work is done, and what it brought was added. */
  done(): void {
    this.#taken--;
    if (this.#taken === 0) this.#wakeAll();
  }

  /** Drops all work that nobody has taken. */
  clear(): void {
    this.#first.clear();
    this.#then.clear();
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
