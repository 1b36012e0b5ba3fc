/** What relayed connections read into: little while they wait, much while much comes. */

/** A connection that was silent so far waits with so many bytes in each direction. */
export const FIRST_BUFFER = 1024;
/** One on which more came at once waits with so many: most messages fit, and 10,000 connections wait in 320 MiB. */
export const SECOND_BUFFER = 16 * 1024;
/** While reads fill it, a direction has one of this size. Measured: more moves nothing faster. */
export const LARGE_BUFFER = 1 << 20;
/** So many directions have a large buffer at once, in 256 MiB; the others go on with their second. */
export const MOST_LARGE = 256;
// So much is kept of one size for whoever needs it next: to make a buffer costs more than to fill it.
const MOST_SPARE = 8 << 20;

/** Buffers of one size, of which so many are in use at most. */
export class BufferPool {
  readonly #size: number;
  readonly #most: number;
  readonly #spare: Uint8Array[] = [];
  #lent = 0;

  constructor(size: number, most: number) {
    this.#size = size;
    this.#most = most;
  }

  /** How many are in use. */
  get lent(): number {
    return this.#lent;
  }

  /** One that `giveBack` is to have again; undefined when too many are in use. */
  lend(): Uint8Array | undefined {
    if (this.#lent >= this.#most) return undefined;
    this.#lent++;
    return this.#spare.pop() ?? new Uint8Array(this.#size);
  }

  /** Takes back what `lend` gave, when nothing reads into it any more. */
  giveBack(buffer: Uint8Array): void {
    this.#lent--;
    if (this.#spare.length * this.#size < MOST_SPARE) this.#spare.push(buffer);
  }
}

/** The buffers of all connections, from the smallest to the largest. */
export function bufferPools(mostLarge: number = MOST_LARGE): BufferPool[] {
  return [
    new BufferPool(FIRST_BUFFER, Infinity),
    new BufferPool(SECOND_BUFFER, Infinity),
    new BufferPool(LARGE_BUFFER, mostLarge),
  ];
}

/** What one direction of a connection reads into. */
export class ReadBuffer {
  readonly #pools: BufferPool[];
  #level: number;
  /** To be read into next. */
  bytes: Uint8Array;

  /** Begins with a buffer of the pool at `level`. */
  constructor(pools: BufferPool[], level: number) {
    this.#pools = pools;
    this.#level = level;
    this.bytes = pools[level]?.lend() ?? new Uint8Array(FIRST_BUFFER);
  }

  /** Fits the buffer to the last read, of `length` bytes: behind one that did not fill it nothing more waits. */
  adapt(length: number): void {
    if (length === this.bytes.length) this.#change(this.#level + 1);
    else if (this.#level === this.#pools.length - 1) this.#change(this.#level - 1);
  }

  /** Gives the buffer back. */
  release(): void {
    this.#pools[this.#level]?.giveBack(this.bytes);
  }

  #change(level: number): void {
    const next = this.#pools[level]?.lend();
    if (!next) return;
    this.release();
    this.#level = level;
    this.bytes = next;
  }
}
