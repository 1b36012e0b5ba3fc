/** A person at a terminal: lines are edited, completed and remembered. */
import process from "node:process";
import readline from "node:readline";
import { PassThrough } from "node:stream";
import { say, writeOut } from "../../tools/program/terminal.ts";
import { concat } from "../../tools/protocol/bytes.ts";
import { Secret } from "../../tools/protocol/secret.ts";
import { type Completions, type Console, mark } from "./console.ts";
import type { History } from "./history.ts";

/** Finds what could stand at the end of a line. */
export type Completer = (line: string) => Promise<Completions>;

const CTRL_C = 3;
const CTRL_D = 4;
const TAB = 9;
const ERASE = [8, 127];
const LINE_ENDS = [10, 13];
const STOPS = [...LINE_ENDS, TAB, CTRL_D];

/**
 * The terminal of standard input. It is in raw mode, and read, only while a line
 * is awaited: in between, Ctrl-C is a signal, and a program started by `!` has
 * the keyboard to itself. What was typed ahead is for the next line.
 */
export class Terminal implements Console {
  readonly interactive = true;
  readonly write: Console["write"] = writeOut;
  readonly say: Console["say"] = say;
  readonly mark: Console["mark"] = mark;
  readonly #history: History;
  readonly #complete: Completer;
  readonly #buffer = new Uint8Array(4096);
  /** What was typed and not used yet. */
  #ahead: Uint8Array = new Uint8Array(0);
  #reading: Promise<void> | undefined;
  #hungUp = false;

  constructor(history: History, complete: Completer) {
    this.#history = history;
    this.#complete = complete;
  }

  get columns(): number {
    return process.stdout.columns || 80;
  }

  async command(prompt: string): Promise<string | null> {
    return await this.#edit(prompt, this.#history.lines, this.#complete);
  }

  async ask(question: string): Promise<string | null> {
    return await this.#edit(question, []);
  }

  async secret(question: string): Promise<Secret | null> {
    // First of all: what comes at once is not to be echoed either.
    Deno.stdin.setRaw(true);
    const typed: number[] = [];
    try {
      await this.write(question);
      for (;;) {
        const [byte = CTRL_D, ...rest] = await this.#keys();
        this.#ahead = Uint8Array.from(rest);
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
      await this.write("\n");
    }
  }

  /** What was typed, some bytes of it; none at the end of input. */
  async #keys(): Promise<Uint8Array> {
    if (this.#ahead.length === 0) await this.#readAhead();
    return this.#ahead;
  }

  async #readAhead(): Promise<void> {
    // A read cannot be taken back: who waits for something else as well leaves it for the next.
    this.#reading ??= Deno.stdin.read(this.#buffer).then((length) => {
      this.#reading = undefined;
      this.#hungUp = length === null;
      this.#ahead = concat([this.#ahead, this.#buffer.slice(0, length ?? 0)]);
    });
    await this.#reading;
  }

  async #edit(
    prompt: string,
    history: readonly string[],
    complete?: Completer,
  ): Promise<string | null> {
    const input = new Keyboard();
    let completing: Promise<void> | undefined;
    const editor: readline.Interface = readline.createInterface({
      input,
      output: process.stdout,
      terminal: true,
      history: [...history].reverse(),
      ...complete && {
        completer: (line: string, answer: (error: null, found: [string[], string]) => void) => {
          const mine = completing = complete(line).then(({ start, words }) => {
            // After Ctrl-C the line is another one.
            answer(null, [completing === mine ? words : [], line.slice(start)]);
            completing = undefined;
          });
        },
      },
    });
    let line: string | null | undefined;
    editor.on("line", (text) => line ??= text);
    editor.on("close", () => line ??= null);
    editor.on("SIGINT", () => {
      process.stdout.write("^C\n");
      completing = undefined;
      if (!complete) return editor.close();
      editor.write(null, { ctrl: true, name: "e" });
      editor.write(null, { ctrl: true, name: "u" });
      editor.prompt();
    });
    editor.setPrompt(prompt);
    editor.prompt();
    try {
      while (line === undefined) {
        const keys = await this.#keys();
        // What follows the end of the line is for the next one, and what follows a Tab for later.
        const end = keys.findIndex((byte) => STOPS.includes(byte)) + 1 || keys.length;
        this.#ahead = keys.subarray(end);
        if (end === 0) editor.close();
        else input.type(keys.subarray(0, end));
        // Ctrl-C is heard meanwhile.
        while (completing && this.#ahead.length === 0 && !this.#hungUp) {
          await Promise.race([completing, this.#readAhead()]);
        }
        if (!this.#ahead.includes(CTRL_C)) await completing;
      }
      return line;
    } finally {
      editor.close();
      if (line === null) process.stdout.write("\n");
    }
  }
}

/** The keyboard as readline knows it: it is handed the keys, and hence never reads one too many. */
class Keyboard extends PassThrough {
  setRawMode(raw: boolean): void {
    Deno.stdin.setRaw(raw);
  }

  /** Hands over `keys`; readline has worked them off when this returns. */
  type(keys: Uint8Array): void {
    this.emit("data", keys);
  }
}
