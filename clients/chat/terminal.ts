/** The chat on a terminal: what comes in stands above the line being typed. */
import readline from "node:readline";
import { coloured, Names } from "./names.ts";
import type { Screen } from "./session.ts";

const PROMPT = "> ";

/** How a terminal is used. */
export interface TerminalOptions {
  input: NodeJS.ReadableStream;
  output: NodeJS.WritableStream;
  colours: boolean;
  /** Called at Ctrl-C, which a terminal in raw mode makes no signal of. */
  onInterrupt(): void;
}

/** Lines are edited, completed by Tab, and remembered; Ctrl-D ends them. */
export class TerminalScreen implements Screen {
  readonly #names = new Names();
  readonly #output: NodeJS.WritableStream;
  readonly #colours: boolean;
  readonly #editor: readline.Interface;
  readonly #lines: string[] = [];
  #ended = false;
  #wake = (): void => {};

  constructor({ input, output, colours, onInterrupt }: TerminalOptions) {
    this.#output = output;
    this.#colours = colours;
    this.#editor = readline.createInterface({
      input,
      output,
      terminal: true,
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
      // What follows stands below a line that was typed and not sent, and in place of an empty one.
      if (this.#editor.line === "") this.#clearBelow();
      else output.write("\n");
      this.#wake();
    });
    this.#editor.prompt();
  }

  show(lines: string[]): Promise<void> {
    lines.forEach((line) => this.#names.hear(line));
    const text = lines.map((line) => `${this.#colours ? coloured(line) : line}\n`).join("");
    if (this.#ended) {
      this.#output.write(text);
      return Promise.resolve();
    }
    // The line being typed may take several rows; it is taken away, and put back below.
    const { rows } = this.#editor.getCursorPos();
    readline.moveCursor(this.#output, 0, -rows);
    this.#clearBelow();
    // The editor believes the cursor where it was, and goes up that far to draw the line again.
    this.#output.write(text + "\n".repeat(rows));
    this.#editor.prompt(true);
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
    if (this.#ended) return;
    // To the end of the typed line, which may be some rows below.
    this.#editor.write(null, { ctrl: true, name: "e" });
    this.#editor.close();
  }

  #clearBelow(): void {
    readline.cursorTo(this.#output, 0);
    readline.clearScreenDown(this.#output);
  }
}
