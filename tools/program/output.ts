/**
 * Output that never holds a program up: text is put in a queue, and the queue
 * is written when the reader takes it. What does not fit is counted, and a
 * notice says so as soon as there is room.
 */

/** So many characters wait, some 10,000 lines: enough for a burst, little enough to hold while nobody reads. */
export const LONGEST_QUEUE = 1 << 20;
/** So long, in milliseconds, `flush` waits for a reader that takes nothing: a program must be able to end. */
export const LONGEST_FLUSH = 5000;

/** A queue in front of standard output or standard error. */
export class BoundedOutput {
  readonly #write: (bytes: Uint8Array) => Promise<number>;
  readonly #notice: (lost: number) => string;
  readonly #encoder = new TextEncoder();
  #queue = "";
  #lost = 0;
  #busy = false;
  #drained = Promise.resolve();

  /** `notice` is the text, with its line end, that says how much was lost. */
  constructor(
    write: (bytes: Uint8Array) => Promise<number>,
    notice: (lost: number) => string,
  ) {
    this.#write = write;
    this.#notice = notice;
  }

  /** Whether nothing fits at the moment. */
  get full(): boolean {
    return this.#queue.length >= LONGEST_QUEUE;
  }

  /** Queues `text`; where it does not fit, `weight` is added to what was lost. */
  put(text: string, weight = 1): void {
    const notice = this.#lost > 0 ? this.#notice(this.#lost) : "";
    if (this.#queue.length + notice.length + text.length > LONGEST_QUEUE) {
      this.lose(weight);
    } else {
      this.#queue += notice + text;
      this.#lost = 0;
      if (!this.#busy) this.#drained = this.#drain();
    }
  }

  /** Counts `weight` as lost without trying. */
  lose(weight: number): void {
    this.#lost += weight;
    if (!this.#busy) this.#drained = this.#drain();
  }

  /** Resolves when everything that was put is written, or when nobody takes it for long. */
  async flush(): Promise<void> {
    if (!this.#busy) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patience = new Promise<void>((resolve) => timer = setTimeout(resolve, LONGEST_FLUSH));
    await Promise.race([this.#drained, patience]);
    clearTimeout(timer);
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#queue !== "" || this.#lost > 0) {
        if (this.#queue === "") {
          this.#queue = this.#notice(this.#lost);
          this.#lost = 0;
        }
        let bytes = this.#encoder.encode(this.#queue);
        this.#queue = "";
        while (bytes.length > 0) bytes = bytes.subarray(await this.#write(bytes));
      }
    } catch {
      // Nobody reads any more: there is nobody left to tell.
      this.#queue = "";
      this.#lost = 0;
    } finally {
      this.#busy = false;
    }
  }
}
