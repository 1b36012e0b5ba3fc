/** How much memory the transfers of a server take together. */

/**
 * In bytes, of blocks and of pieces of files: a thousand clients with the
 * largest windows, of which one that asks, acknowledges and then says nothing
 * holds 200 kB for as long as it is waited for.
 */
export const MOST_HELD = 256 * 2 ** 20;

/** What is left to be taken, in bytes. */
export class Budget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** Takes `bytes` until disposed of; undefined when so many are not left. */
  take(bytes: number): Disposable | undefined {
    if (bytes > this.#left) return undefined;
    this.#left -= bytes;
    return {
      [Symbol.dispose]: () => {
        this.#left += bytes;
      },
    };
  }
}
