/** The chat on a terminal: what comes in stands above the line being typed. */
import process from "node:process";
import readline from "node:readline";
import { coloured, Names } from "./names.ts";
import type { Screen } from "./session.ts";

const PROMPT = "> ";

/** Lines are edited, completed by Tab, and remembered; Ctrl-D ends them. */
export class TerminalScreen implements Screen {
  readonly #names = new Names();
  readonly #colours: boolean;
  readonly #editor: readline.Interface;
  readonly #lines: string[] = [];
  #ended = false;
  #wake = (): void => {};

  /** `onInterrupt` is called at Ctrl-C, which a terminal in raw mode makes no signal of. */
  constructor(colours: boolean, onInterrupt: () => void) {
    this.#colours = colours;
    this.#editor = readline.createInterface({
      input: process.stdin,
      output: process.stdout,
      prompt: PROMPT,
      completer: (line: string) => [this.#names.complete(line), line],
    });
    this.#editor.on("line", (line) => {
      this.#lines.push(line);
      this.#editor.prompt();
      this.#wake();
    });
    this.#editor.on("SIGINT", onInterrupt);
    this.#editor.on("close", () => {
      this.#ended = true;
      process.stdout.write("\n");
      this.#wake();
    });
    this.#editor.prompt();
  }

  show(line: string): Promise<void> {
    this.#names.hear(line);
    const out = process.stdout;
    if (!this.#ended) {
      // The line being typed may take several rows; it is taken away, and put back below.
      readline.moveCursor(out, 0, -this.#editor.getCursorPos().rows);
      readline.cursorTo(out, 0);
      readline.clearScreenDown(out);
      // The editor must not go up once more from where it was.
      (this.#editor as { prevRows?: number }).prevRows = 0;
    }
    out.write(`${this.#colours ? coloured(line) : line}\n`);
    if (!this.#ended) this.#editor.prompt(true);
    return Promise.resolve();
  }

  async *lines(): AsyncGenerator<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) yield line;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  close(): void {
    if (!this.#ended) this.#editor.close();
  }
}
