/** A program at a terminal: keys go in, and the screen is read. */

export const CTRL_C = "\x03";
export const CTRL_D = "\x04";
export const UP = "\x1b[A";

/** A program at a terminal of 80 columns, which `script` of util-linux makes; `await using` ends it. */
export class Terminal implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #keys: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  /** Everything that was shown. */
  screen = "";
  /** What of it was looked at. */
  #seen = 0;
  #over = false;
  #wake = (): void => {};

  constructor(args: string[], options: { cwd: string; env: Record<string, string> }) {
    const words = [Deno.execPath(), ...args].map((word) => `'${word}'`).join(" ");
    this.#child = new Deno.Command("script", {
      args: ["-qec", `stty cols 80 rows 24; exec ${words}`, "/dev/null"],
      stdin: "piped",
      stdout: "piped",
      ...options,
    }).spawn();
    this.#keys = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** Presses keys. */
  async type(keys: string): Promise<void> {
    await this.#keys.write(new TextEncoder().encode(keys));
  }

  /** Waits until `pattern` is shown, after what was seen before. */
  async sees(pattern: RegExp): Promise<void> {
    for (;;) {
      const found = pattern.exec(this.screen.slice(this.#seen));
      if (found) {
        this.#seen += found.index + found[0].length;
        return;
      }
      if (this.#over) throw new Error(`no ${pattern} in ${JSON.stringify(this.screen)}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** The exit code of the program. */
  async ends(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.ends();
    await this.#keys.close().catch(() => {});
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    let output = "";
    for await (const data of this.#child.stdout) {
      output += decoder.decode(data, { stream: true });
      // What moves the cursor is readline's affair.
      // deno-lint-ignore no-control-regex
      this.screen = output.replace(/\x1b(?:[78]|\[[\d;?]*[A-Za-z]|\[?[\d;?]*$)/g, "")
        .replace(/\r+\n/g, "\n");
      this.#wake();
    }
    this.#over = true;
    this.#wake();
  }
}
