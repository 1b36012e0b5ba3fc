/** A program that runs as a process of its own, as a user would start it. */
import { fromFileUrl } from "@std/path";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** A running program, and what it has printed. */
export class Child {
  readonly #process: Deno.ChildProcess;
  readonly #reading: Promise<unknown>;
  #stdout = "";
  #stderr = "";
  /** How much of standard error `said` has returned. */
  #shown = 0;
  #over = false;
  #wake = (): void => {};

  /** Starts the program `file` of the project, in `folder`. */
  constructor(file: string, args: string[], folder: string) {
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", `--config=${ROOT}deno.json`, ROOT + file, ...args],
      cwd: folder,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const collect = async (
      stream: ReadableStream<Uint8Array<ArrayBuffer>>,
      put: (text: string) => void,
    ): Promise<void> => {
      for await (const text of stream.pipeThrough(new TextDecoderStream())) {
        put(text);
        this.#wake();
      }
    };
    this.#reading = Promise.all([
      collect(this.#process.stdout, (text) => this.#stdout += text),
      collect(this.#process.stderr, (text) => this.#stderr += text),
    ]).finally(() => {
      this.#over = true;
      this.#wake();
    });
  }

  /** The port on which it says that it listens; undefined when it ends without. */
  async port(transport: string): Promise<string | undefined> {
    const line = new RegExp(`listening on ${transport} \\S+:(\\d+)\\n`);
    for (;;) {
      const [, port] = line.exec(this.#stderr) ?? [];
      if (port !== undefined || this.#over) return port;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** What it has printed since this was last asked: its messages, then its output. */
  said(): string {
    const text = this.#stderr.slice(this.#shown) + this.#stdout;
    this.#shown = this.#stderr.length;
    this.#stdout = "";
    return text;
  }

  /** Gives it `input`, the last there is, and waits for its end. Returns its exit code. */
  async ends(input: string): Promise<number> {
    const writer = this.#process.stdin.getWriter();
    // A program that does not read its input to the end is no error here.
    await writer.write(new TextEncoder().encode(input)).catch(() => {});
    await writer.close().catch(() => {});
    await this.#reading;
    return (await this.#process.status).code;
  }

  /** Sends `signal`; a process that is over takes none. */
  kill(signal: Deno.Signal): void {
    try {
      this.#process.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }
}
