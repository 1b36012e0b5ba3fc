/** Standard input as the script of a dialogue. */
import type { Console } from "../program/console.ts";
import { mark, say, writeOut } from "../program/terminal.ts";
import { Secret } from "../protocol/secret.ts";
import { ByteReader } from "./reader.ts";

// Far longer than any command a server takes.
const LONGEST_LINE = 64 * 1024;
const NO_SCREEN = 80;
const LF = 10;

/** Standard input as a script: no prompts, and answers are further lines of it. */
export class Script implements Console {
  readonly interactive = false;
  readonly columns = NO_SCREEN;
  readonly write: Console["write"] = writeOut;
  readonly say: Console["say"] = say;
  readonly mark: Console["mark"] = mark;
  readonly #reader = new ByteReader({ read: (buffer) => this.#read(buffer) });
  #last = LF;

  async command(): Promise<string | null> {
    const line = await this.#reader.readLine({ longest: LONGEST_LINE, end: "lf" });
    return line && new TextDecoder().decode(line);
  }

  async ask(): Promise<string | null> {
    return await this.command();
  }

  async secret(): Promise<Secret | null> {
    const line = await this.command();
    return line === null ? null : new Secret(line);
  }

  /** Reads standard input, and ends its last line, which may have no end. */
  async #read(buffer: Uint8Array): Promise<number | null> {
    const length = await Deno.stdin.read(buffer);
    if (length !== null) {
      this.#last = buffer[length - 1] ?? this.#last;
      return length;
    }
    if (this.#last === LF) return null;
    buffer[0] = this.#last = LF;
    return 1;
  }
}
