/** The dialogue: reads commands, runs them, and says how they went. */
import { completions } from "../../tools/program/completion.ts";
import type { Completions, Console } from "../../tools/program/console.ts";
import { EXIT, Failure, plainMessage, UsageError } from "../../tools/program/failure.ts";
import type { History } from "../../tools/program/history.ts";
import { localNames, type Name } from "../../tools/program/names.ts";
import type { CommandTable } from "../../tools/program/prompt.ts";
import { OutputClosed } from "../../tools/program/terminal.ts";
import type { Trace } from "../../tools/program/trace.ts";
import { visible } from "../../tools/protocol/text.ts";
import { formatSize } from "../../tools/protocol/units.ts";
import type { TftpClient } from "./client.ts";
import type { Job, Server } from "./command_line.ts";
import { moveFile } from "./file_transfer.ts";
import type { TftpSettings } from "./options.ts";

/** Finds a server. Throws Failure, also when `signal` aborts. */
export type Connect = (server: Server, signal: AbortSignal) => Promise<TftpClient>;

/** How a dialogue begins. */
export interface ShellOptions {
  commands: CommandTable<Shell>;
  connect: Connect;
  console: Console;
  history: History;
  /** What commands change; the clients that `connect` makes look there. */
  settings: TftpSettings;
  trace: Trace;
}

/** The dialogue with a user, or the run of a script. */
export class Shell {
  readonly console: Console;
  readonly settings: TftpSettings;
  readonly trace: Trace;
  /** Say what is moved, and how; off at first, as users of the classic `tftp` turn it over. */
  verbose = false;
  /** No more commands are read. */
  over = false;
  readonly #commands: CommandTable<Shell>;
  readonly #connect: Connect;
  readonly #history: History;
  #client: TftpClient | undefined;
  /** The server's names that were asked for: nothing lists them. */
  readonly #names = new Set<string>();
  #interruption = new AbortController();
  /** The command that runs. */
  #running = Promise.resolve();
  #code: number = EXIT.ok;

  constructor(options: ShellOptions) {
    this.console = options.console;
    this.settings = options.settings;
    this.trace = options.trace;
    this.#commands = options.commands;
    this.#connect = options.connect;
    this.#history = options.history;
  }

  /** The server; undefined when none was named. */
  get client(): TftpClient | undefined {
    return this.#client;
  }

  /**
   * Runs commands until the last, with `server` if it is given. Returns the exit
   * code: in a script that of the first command that failed. Throws OutputClosed.
   */
  async run(server: Server | undefined): Promise<number> {
    try {
      if (server) await this.#run(() => "tftp", () => this.connect(server));
      while (!this.over) {
        const line = await this.console.command("tftp> ");
        if (line === null) break;
        await this.execute(line);
      }
    } finally {
      await this.#client?.close();
    }
    return this.console.interactive ? EXIT.ok : this.#code;
  }

  /** Runs one command; what goes wrong is said. */
  async execute(line: string): Promise<void> {
    if (/^\s*(?:#|$)/.test(line)) return;
    let name = "tftp";
    await this.#run(() => name, async () => {
      const { command, words } = this.#commands.parse(line);
      name = command.names[0];
      this.#history.add(line.trim());
      await command.run(this, words);
    });
  }

  /** Moves files to and from this server from now on. */
  async connect(server: Server): Promise<void> {
    const client = await this.#connect(server, this.#interruption.signal);
    await this.#client?.close();
    this.#client = client;
    this.#tell(`Server: ${client.peer}`);
  }

  /** Does `jobs`. One that fails does not stop the others, unless nobody answers. */
  async move(command: string, jobs: readonly Job[]): Promise<void> {
    if (!this.#client) throw new UsageError("name the server first: connect HOST");
    for (const job of jobs) {
      try {
        await this.#moveOne(this.#client, job);
      } catch (error) {
        if (!(error instanceof Failure) || error.exitCode === EXIT.ok) throw error;
        if (error.exitCode === EXIT.unreachable || this.#interruption.signal.aborted) throw error;
        this.#report(command, error);
      }
    }
  }

  async #moveOne(client: TftpClient, job: Job): Promise<void> {
    const { kind, local, remote } = job;
    this.#names.add(remote);
    if (this.verbose) {
      const [here, there] = [visible(local), `${client.peer}:${visible(remote)}`];
      const way = kind === "get"
        ? `getting from ${there} to ${here}`
        : `putting ${here} to ${there}`;
      this.note(`${way} [${this.settings.mode}]`);
    }
    const { signal } = this.#interruption;
    const { bytes, milliseconds, resent } = await moveFile(client, job, signal);
    const rate = formatSize(bytes / Math.max(milliseconds, 1) * 1000);
    const seconds = (milliseconds / 1000).toFixed(2);
    const again = resent > 0 ? `, ${resent} packets sent again` : "";
    const name = visible(kind === "get" ? remote : local);
    this.#tell(`${name}: ${formatSize(bytes)} in ${seconds} s (${rate}/s)${again}`);
  }

  /** What could stand at the end of `line`; nothing when that cannot be found out. */
  async complete(line: string): Promise<Completions> {
    try {
      return await completions(line, this.#commands, {
        remote: (folder) => Promise.resolve(this.#namesIn(folder)),
        local: (folder) => localNames(folder || "."),
      });
    } catch {
      return { start: line.length, words: [] };
    }
  }

  /** What is known of a folder of the server's. */
  #namesIn(folder: string): Name[] {
    const found = new Map<string, Name>();
    for (const path of this.#names) {
      if (!path.startsWith(folder)) continue;
      const [name = "", ...rest] = path.slice(folder.length).split("/");
      found.set(name, { name, isFolder: rest.length > 0 });
    }
    return [...found.values()];
  }

  /** Ctrl-C: ends the command that runs, and waits for its end. */
  async interrupt(): Promise<void> {
    this.#interruption.abort();
    await this.#running;
  }

  /** Says what a command came to. */
  note(line: string): void {
    this.console.say(line);
  }

  /** Says how it goes: to a user, and in a script that wants it. */
  #tell(line: string): void {
    if (this.console.interactive || this.verbose) this.note(line);
  }

  /** Runs `work`; what it throws is said, of what is called `name` by then. Throws OutputClosed. */
  async #run(name: () => string, work: () => Promise<void>): Promise<void> {
    this.#interruption = new AbortController();
    const running = work().catch((error) => {
      if (error instanceof OutputClosed) throw error;
      this.#report(name(), error);
    });
    this.#running = running.catch(() => {});
    await running;
  }

  #report(name: string, error: unknown): void {
    const { message, exitCode } = error instanceof Failure
      ? error
      : new UsageError(plainMessage(error));
    this.console.say(`${name}: ${message}`);
    this.#code ||= exitCode;
  }
}
