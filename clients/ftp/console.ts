/** Where the commands come from and the answers go: a script, or a person at a terminal (`terminal.ts`). */
import { ByteReader } from "../../tools/net/reader.ts";
import { say, writeOut } from "../../tools/program/terminal.ts";
import { Secret } from "../../tools/protocol/secret.ts";

/** What could stand at the end of `line`: each the whole rest from `start` on. */
export interface Completions {
  start: number;
  words: string[];
}

/** Where the commands come from and the answers go. */
export interface Console {
  /** A person reads and answers. */
  readonly interactive: boolean;
  /** The width of the screen. */
  readonly columns: number;
  /** The next command; null at the end of input. */
  command(prompt: string): Promise<string | null>;
  /** The answer to a question; null when there is none. */
  ask(question: string): Promise<string | null>;
  /** An answer that nobody may see. */
  secret(question: string): Promise<Secret | null>;
  /** Data that was asked for: standard output. */
  write(data: Uint8Array | string): Promise<void>;
  /** A line about what happens: standard error. */
  say(line: string): void;
  /** A part of such a line. */
  mark(text: string): void;
}

// Far longer than any command a server takes.
const LONGEST_LINE = 64 * 1024;
const NO_SCREEN = 80;
const LF = 10;

/** Writes to standard error, as `say` does, but no whole line. */
export function mark(text: string): void {
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  } catch {
    // Nobody reads standard error.
  }
}

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
