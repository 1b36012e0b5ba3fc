/** A person at a terminal: lines are edited, completed and remembered. */
import process from "node:process";
import readline from "node:readline";
import { PassThrough } from "node:stream";
import { mark, say, writeOut } from "./terminal.ts";
import type { Secret } from "../protocol/secret.ts";
import type { Completions, Console } from "./console.ts";
import type { History } from "./history.ts";
import { CTRL_C, CTRL_D, Keyboard, LINE_ENDS, TAB } from "./keyboard.ts";

/** Finds what could stand at the end of a line. */
export type Completer = (line: string) => Promise<Completions>;

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
  readonly #keyboard = new Keyboard();
  // The prompt and what is typed belong on the screen, even when standard output goes elsewhere.
  readonly #screen = Deno.stdout.isTerminal() ? process.stdout : process.stderr;

  constructor(history: History, complete: Completer) {
    this.#history = history;
    this.#complete = complete;
  }

  get columns(): number {
    return this.#screen.columns || 80;
  }

  async command(prompt: string): Promise<string | null> {
    return await this.#edit(prompt, this.#history.lines, this.#complete);
  }

  async ask(question: string): Promise<string | null> {
    return await this.#edit(question, []);
  }

  async secret(question: string): Promise<Secret | null> {
    return await this.#keyboard.secret(question);
  }

  async #edit(
    prompt: string,
    history: readonly string[],
    complete?: Completer,
  ): Promise<string | null> {
    const keyboard = this.#keyboard;
    const input = new Keys();
    let completing: Promise<void> | undefined;
    const editor: readline.Interface = readline.createInterface({
      input,
      output: this.#screen,
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
      this.#screen.write("^C\n");
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
        const keys = await keyboard.keys();
        // What follows the end of the line is for the next one, and what follows a Tab for later.
        const end = keys.findIndex((byte) => STOPS.includes(byte)) + 1 || keys.length;
        keyboard.ahead = keys.subarray(end);
        if (end === 0) editor.close();
        else input.type(keys.subarray(0, end));
        // Ctrl-C is heard meanwhile.
        while (completing && keyboard.ahead.length === 0 && !keyboard.hungUp) {
          await Promise.race([completing, keyboard.wait()]);
        }
        if (!keyboard.ahead.includes(CTRL_C)) await completing;
      }
      return line;
    } finally {
      editor.close();
      if (line === null) this.#screen.write("\n");
    }
  }
}

/** The keyboard as readline knows it: it is handed the keys, and hence never reads one too many. */
class Keys extends PassThrough {
  setRawMode(raw: boolean): void {
    Deno.stdin.setRaw(raw);
  }

  /** Hands over `keys`; readline has worked them off when this returns. */
  type(keys: Uint8Array): void {
    this.emit("data", keys);
  }
}
