/** The keyboard of a terminal, byte by byte. */
import { concat } from "../protocol/bytes.ts";
import { Secret } from "../protocol/secret.ts";
import { mark } from "./terminal.ts";

export const CTRL_C = 3;
export const CTRL_D = 4;
export const TAB = 9;
export const LINE_ENDS = [10, 13];
const ERASE = [8, 127];

/** The keyboard. What was read and not used is kept for the next who asks. */
export class Keyboard {
  readonly #buffer = new Uint8Array(4096);
  #reading: Promise<void> | undefined;
  /** What was typed and not used yet. */
  ahead: Uint8Array = new Uint8Array(0);
  /** Nothing will be typed any more. */
  hungUp = false;

  /** What was typed, some bytes of it; none at the end of input. */
  async keys(): Promise<Uint8Array> {
    if (this.ahead.length === 0) await this.wait();
    return this.ahead;
  }

  /** Waits until something more is typed. */
  async wait(): Promise<void> {
    // A read cannot be taken back: who waits for something else as well leaves it for the next.
    this.#reading ??= Deno.stdin.read(this.#buffer).then((length) => {
      this.#reading = undefined;
      this.hungUp = length === null;
      this.ahead = concat([this.ahead, this.#buffer.slice(0, length ?? 0)]);
    });
    await this.#reading;
  }

  /** Asks for what nobody may see; null when there is no answer. */
  async secret(question: string): Promise<Secret | null> {
    // First of all: what comes at once is not to be echoed either.
    Deno.stdin.setRaw(true);
    const typed: number[] = [];
    try {
      mark(question);
      for (;;) {
        const [byte = CTRL_D, ...rest] = await this.keys();
        this.ahead = Uint8Array.from(rest);
        if (LINE_ENDS.includes(byte)) {
          return new Secret(new TextDecoder().decode(Uint8Array.from(typed)));
        }
        if (byte === CTRL_C || byte === CTRL_D) return null;
        if (!ERASE.includes(byte)) typed.push(byte);
        // A character of UTF-8 goes with all its bytes.
        else while (((typed.pop() ?? 0) & 0xc0) === 0x80);
      }
    } finally {
      Deno.stdin.setRaw(false);
      mark("\n");
    }
  }
}
