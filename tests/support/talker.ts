/** A program that is talked with over its standard input and output. */

/** How a talker is started. */
export interface TalkerOptions {
  env?: Record<string, string>;
}

/** A program that runs; `await using` ends it. */
export class Talker implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  readonly #encoder = new TextEncoder();
  #text = "";
  #wake = (): void => {};
  #over = false;

  constructor(command: string, args: string[], options: TalkerOptions = {}) {
    this.#child = new Deno.Command(command, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
      ...options,
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  /** Everything it has written so far. */
  get text(): string {
    return this.#text;
  }

  /** Types `text`. */
  async type(text: string | Uint8Array): Promise<void> {
    await this.#input.write(typeof text === "string" ? this.#encoder.encode(text) : text);
  }

  /** Waits until it has written `part`. Throws when it ends without. */
  async shows(part: string): Promise<void> {
    await this.until((text) => text.includes(part), part);
  }

  /** Waits until what it has written is as `right` wants it. Throws, naming `what`, when it ends before. */
  async until(right: (text: string) => boolean, what: string): Promise<void> {
    while (!right(this.#text)) {
      if (this.#over) throw new Error(`it ended without ${what}: ${this.#text}`);
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Ends its input, waits for its end, and returns its exit code. */
  async end(): Promise<number> {
    await this.#input.close().catch(() => {});
    return await this.ended();
  }

  /** Waits for its end; returns its exit code. */
  async ended(): Promise<number> {
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // It is over.
    }
    await this.ended();
    await this.#input.abort().catch(() => {});
  }

  async #read(): Promise<void> {
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      this.#text += text;
      this.#wake();
    }
    this.#over = true;
    this.#wake();
  }
}
