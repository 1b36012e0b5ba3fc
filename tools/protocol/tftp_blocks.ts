/** The blocks of a transfer: where their data comes from and goes to, and their numbers. */

/** Where a sender's data comes from. */
export interface Source {
  /** Fills `buffer`; says how much that was, which is less only at the end. */
  read(buffer: Uint8Array): number;
}

/** Where a receiver's data goes to. */
export interface Sink {
  /** `data` is valid during the call. */
  write(data: Uint8Array): void;
  /** All has come. */
  end(): void;
}

const NUMBERS = 65536;

/**
 * The numbers of blocks on the wire have 16 bits. After 65535 comes 0, or, if
 * so agreed, 1. Inside of programs blocks are counted on.
 */
export class BlockNumbers {
  readonly #rollover: 0 | 1;

  constructor(rollover: 0 | 1) {
    this.#rollover = rollover;
  }

  /** The number of `block` on the wire. Block 0 stands for what opened the transfer. */
  onWire(block: number): number {
    if (block < NUMBERS) return block;
    return this.#rollover === 0 ? block % NUMBERS : (block - 1) % (NUMBERS - 1) + 1;
  }

  /** The first block from `start` on that has `number` on the wire. */
  from(start: number, number: number): number {
    if (this.#rollover === 0) return start + ((number - start) % NUMBERS + NUMBERS) % NUMBERS;
    if (start === 0 && number === 0) return 0;
    if (number === 0) return Infinity; // No block but the first has it.
    const first = Math.max(start, 1);
    const cycle = NUMBERS - 1;
    return first + ((number - first) % cycle + cycle) % cycle;
  }
}
