/** The dialogue: reads commands, runs them, and says how they went. */
import { isAbsolute, join } from "@std/path";
import { completions } from "../../tools/program/completion.ts";
import type { Completions, Console } from "../../tools/program/console.ts";
import { EXIT, Failure } from "../../tools/program/failure.ts";
import type { History } from "../../tools/program/history.ts";
import { localNames, type Name } from "../../tools/program/names.ts";
import type { CommandTable } from "../../tools/program/prompt.ts";
import { OutputClosed } from "../../tools/program/terminal.ts";
import type { Trace } from "../../tools/program/trace.ts";
import { visible } from "../../tools/protocol/text.ts";
import { blame } from "./blame.ts";
import type { FtpClient, Reply } from "./client.ts";
import { Connection, type ConnectionOptions } from "./connection.ts";
import type { RateLimit } from "./rate.ts";
import { remoteNames } from "./remote_names.ts";
import type { Target } from "./target.ts";

/** What commands change. */
export interface Settings {
  ascii: boolean;
  passive: boolean;
  /** Show what the server replies, and how fast transfers were. */
  verbose: boolean;
  /** Ask before each file of several. */
  prompt: boolean;
  /** A mark for each so many bytes of a transfer; 0 for none. */
  hash: number;
}

/** How a dialogue begins. */
export interface ShellOptions extends ConnectionOptions {
  commands: CommandTable<Shell>;
  console: Console;
  history: History;
  settings: Settings;
  /** Shows the dialogue on the wire. */
  trace: Trace;
  rate: RateLimit | undefined;
  /** How often a mirror tries again. */
  retries: number;
}

/** The dialogue with a user, or the run of a script. */
export class Shell {
  readonly console: Console;
  readonly settings: Settings;
  readonly trace: Trace;
  readonly rate: RateLimit | undefined;
  readonly retries: number;
  readonly connection: Connection;
  /** The local folder. */
  folder = ".";
  /** No more commands are read. */
  over = false;
  /** The download under way. */
  target: Target | undefined;
  /** Another program has the terminal, and Ctrl-C is for it. */
  isAway = false;
  readonly #commands: CommandTable<Shell>;
  readonly #history: History;
  /** The folders of the server that completion has seen. */
  readonly #listed = new Map<string, Name[]>();
  #completing: Promise<unknown> = Promise.resolve();
  #code: number = EXIT.ok;
  /** Of the command that runs: whether Ctrl-C came, and what was kept of a download. */
  #interruption = new AbortController();
  #kept = 0;

  constructor(options: ShellOptions) {
    this.console = options.console;
    this.settings = options.settings;
    this.trace = options.trace;
    this.rate = options.rate;
    this.retries = options.retries;
    this.#commands = options.commands;
    this.#history = options.history;
    this.connection = new Connection(options, options.console, (reply) => this.reply(reply));
  }

  /** The session. Throws Failure when there is none. */
  get client(): FtpClient {
    return this.connection.client;
  }

  /**
   * Connects to `host`, if it is given, and runs commands until the last.
   * Returns the exit code: in a script that of the first command that failed.
   * A script ends where it cannot connect: its next lines may be a name and a
   * password, which are no commands. Throws OutputClosed.
   */
  async run(host: string | undefined): Promise<number> {
    try {
      if (host !== undefined) {
        await this.#guard(() => "ftp", () => this.open(host));
      }
      while (!this.over) {
        const line = await this.console.command("ftp> ");
        if (line === null) break;
        await this.execute(line);
      }
      await this.#guard(() => "ftp", () => this.connection.close());
    } finally {
      this.connection.drop();
    }
    return this.console.interactive ? EXIT.ok : this.#code;
  }

  /** Runs one command; what goes wrong is said. */
  async execute(line: string): Promise<void> {
    if (/^\s*(?:#|$)/.test(line)) return;
    await this.#completing;
    this.#listed.clear();
    let name = "ftp";
    await this.#guard(() => name, async () => {
      const { command, words } = this.#commands.parse(line);
      name = command.names[0];
      if (!command.holdsSecret?.(words)) this.#history.add(line.trim());
      await command.run(this, words);
    });
  }

  /** See `Connection.open`. */
  async open(host: string, port?: string): Promise<void> {
    try {
      await this.connection.open(host, port);
    } finally {
      const { session } = this.connection;
      if (session) session.passive = this.settings.passive;
      else this.over = !this.console.interactive;
    }
  }

  /** What could stand at the end of `line`; nothing when that cannot be found out. */
  async complete(line: string): Promise<Completions> {
    const before = this.#completing;
    const found = (async (): Promise<Completions> => {
      await before;
      return await completions(line, this.#commands, {
        remote: (folder) => this.#remoteNames(folder),
        local: (folder) => localNames(this.local(folder)),
      });
    })().catch(() => ({ start: line.length, words: [] }));
    // The session does one thing at a time: the next command waits for this.
    this.#completing = found;
    return await found;
  }

  /** What is in a folder of the server; not asked twice while a line is typed. */
  async #remoteNames(folder: string): Promise<Name[]> {
    const names = this.#listed.get(folder) ?? await remoteNames(this.client, folder);
    this.#listed.set(folder, names);
    return names;
  }

  /** Ctrl-C: ends the transfer under way; once more, or where nothing comes, the session. */
  interrupt(): void {
    if (this.isAway) return;
    const { session } = this.connection;
    if (this.signal.aborted) return session?.close();
    this.#interruption.abort();
    this.connection.interrupt();
    session?.abort();
  }

  /** Aborts when Ctrl-C comes during the command that runs. */
  get signal(): AbortSignal {
    return this.#interruption.signal;
  }

  /** The program ends here: keeps what has arrived of a download, and returns what to say about it. */
  keep(): string {
    this.#kept = this.target?.keep() ?? 0;
    return this.#kept > 0 ? `; ${this.#kept} bytes are kept (reget goes on)` : "";
  }

  /** Shows a reply, when that is wanted and not done already. */
  reply(reply: Reply): void {
    if (!this.settings.verbose || this.trace.shown) return;
    for (const line of reply.lines) this.console.say(visible(line));
  }

  /** Says how it goes, when that is wanted. */
  note(line: string): void {
    if (this.settings.verbose) this.console.say(line);
  }

  /** A path as it is typed, seen from the local folder. */
  local(path: string): string {
    const [, rest] = /^~(?:[/\\]|$)(.*)$/s.exec(path) ?? [];
    const home = rest === undefined ? "" : Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE");
    if (rest !== undefined && home) return join(home, rest);
    return isAbsolute(path) ? path : join(this.folder, path);
  }

  /** Does `work` for each of `paths`, after asking if that is wanted. One that fails does not stop the others. */
  async each(
    command: string,
    paths: readonly string[],
    work: (path: string) => Promise<void>,
  ): Promise<void> {
    let asks = this.settings.prompt && this.console.interactive;
    for (const path of paths) {
      if (this.signal.aborted) throw new Failure(EXIT.interrupted, "interrupted");
      if (asks) {
        const answer = await this.console.ask(`${command} ${visible(path)} [y/n/a/q]? `);
        if (answer === null || /^q/i.test(answer)) return;
        if (/^n/i.test(answer)) continue;
        if (/^a/i.test(answer)) asks = false;
      }
      try {
        await work(path);
      } catch (error) {
        if (this.signal.aborted || this.client.closed || error instanceof OutputClosed) {
          throw error;
        }
        this.#report(command, error);
      }
    }
  }

  /** Runs `work`; what it throws is said, of what is called `name`. Throws OutputClosed. */
  async #guard(name: () => string, work: () => Promise<void>): Promise<void> {
    this.#interruption = new AbortController();
    this.#kept = 0;
    try {
      await work();
    } catch (error) {
      if (error instanceof OutputClosed) throw error;
      this.#report(name(), error);
    }
  }

  #report(name: string, error: unknown): void {
    const { session, peer } = this.connection;
    let failure = blame(name, error);
    let line = failure.message;
    if (session?.closed) {
      const kept = this.#kept > 0 ? `; ${this.#kept} bytes are kept` : "";
      failure = blame(peer, session.closed, `${kept} (open connects again)`);
      line = failure.message;
      this.connection.drop();
    } else if (failure.exitCode === EXIT.file) line = `${name}: ${line}`;
    this.console.say(line);
    this.#code ||= failure.exitCode;
  }
}
