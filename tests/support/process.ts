/** Programs started as a user starts them. */
import { fromFileUrl } from "@std/path";

/** The root of the project. */
export const ROOT: string = fromFileUrl(new URL("../../", import.meta.url));

/** How a program is started. */
export interface RunOptions {
  /** The flags of `deno run`; the program's own `command.permissions`. */
  permissions?: string[];
  env?: Record<string, string>;
  cwd?: string;
}

/** What a program that ended left. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** The command line of `program`, a path such as `servers/daytime.ts`. */
export function commandLine(
  program: string,
  args: string[],
  permissions: string[] = ["-A"],
): string[] {
  return [
    "run",
    "--quiet",
    "--no-prompt",
    `--config=${ROOT}deno.json`,
    ...permissions,
    ROOT + program,
    ...args,
  ];
}

/** Runs `program` to its end; `stdin` is what it reads. */
export async function run(
  program: string,
  args: string[],
  { permissions, stdin, ...options }: RunOptions & { stdin?: string } = {},
): Promise<Ended> {
  return await runCommand(
    Deno.execPath(),
    commandLine(program, args, permissions),
    { ...options, ...(stdin === undefined ? {} : { stdin }) },
  );
}

/** Runs any command to its end. */
export async function runCommand(
  command: string,
  args: string[],
  { stdin, ...options }: Omit<RunOptions, "permissions"> & {
    stdin?: string;
  } = {},
): Promise<Ended> {
  const child = new Deno.Command(command, {
    args,
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    ...options,
  }).spawn();
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    // A program that does not read its input to the end is no error here.
    await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
    await writer.close().catch(() => {});
  }
  const { code, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** A server that runs as a process of its own; `await using` stops it. */
export class ServerProcess implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #stderr = "";
  #wake = (): void => {};
  #over = false;

  constructor(command: string, args: string[], options: RunOptions = {}) {
    const { permissions: _, ...rest } = options;
    this.#child = new Deno.Command(command, {
      args,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      ...rest,
    }).spawn();
    this.#reading = this.#read();
  }

  /** Starts `program` and waits until it says that it listens. */
  static async start(
    program: string,
    args: string[],
    options: RunOptions = {},
  ): Promise<ServerProcess> {
    const server = new ServerProcess(
      Deno.execPath(),
      commandLine(program, args, options.permissions),
      options,
    );
    await server.says(/listening on /);
    return server;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** What it has said on standard error. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Waits until standard error holds `pattern`. Throws when the process ends without. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#stderr);
      if (found) return found;
      if (this.#over) {
        throw new Error(`the server ended without ${pattern}: ${this.#stderr}`);
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** The port of the socket it said it listens on. */
  async port(transport: "tcp" | "udp" = "tcp"): Promise<number> {
    const [, port] = await this.says(
      new RegExp(`listening on ${transport} \\S*:(\\d+)\\n`),
    );
    return Number(port);
  }

  /** Sends `signal` and returns the exit code. */
  async stop(signal: Deno.Signal = "SIGTERM"): Promise<number> {
    this.kill(signal);
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  /** Sends `signal`; a process that is over takes none. */
  kill(signal: Deno.Signal): void {
    try {
      this.#child.kill(signal);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const data of this.#child.stderr) {
      this.#stderr += decoder.decode(data, { stream: true });
      this.#wake();
    }
    this.#over = true;
    this.#wake();
  }
}
