/** The dialogue of the FTP client with a user, or a script, and servers in memory. */
import { COMMANDS } from "../../clients/ftp/commands.ts";
import { RateLimit } from "../../clients/ftp/rate.ts";
import { Shell, type ShellOptions } from "../../clients/ftp/shell.ts";
import type { Console } from "../../tools/program/console.ts";
import { History } from "../../tools/program/history.ts";
import { Trace } from "../../tools/program/trace.ts";
import { Secret } from "../../tools/protocol/secret.ts";
import { latin1 } from "../../tools/protocol/text.ts";
import { connect, FtpServer, type Script } from "./ftp_script.ts";

/** What a user types: a command, or the answer to a question. Null is Ctrl-D or Ctrl-C. */
export type Typed = string | null;

class MemoryConsole implements Console {
  readonly columns = 40;
  readonly interactive: boolean;
  out = "";
  err = "";
  questions: string[] = [];
  readonly #typed: Typed[];

  constructor(typed: readonly Typed[], interactive: boolean) {
    this.#typed = [...typed];
    this.interactive = interactive;
  }

  command(): Promise<string | null> {
    return Promise.resolve(this.#typed.shift() ?? null);
  }

  ask(question: string): Promise<string | null> {
    this.questions.push(question);
    return this.command();
  }

  async secret(question: string): Promise<Secret | null> {
    const answer = await this.ask(question);
    return answer === null ? null : new Secret(answer);
  }

  write(data: Uint8Array | string): Promise<void> {
    this.out += typeof data === "string" ? data : latin1(data);
    return Promise.resolve();
  }

  say(line: string): void {
    this.mark(`${line}\n`);
  }

  mark(text: string): void {
    this.err += text;
  }
}

/** How a dialogue is held. */
export interface DialogueOptions extends Partial<Pick<ShellOptions, "noLogin" | "user">> {
  /** At a terminal, and verbose; otherwise it is a script. */
  interactive?: boolean;
  /** The host on the command line. */
  host?: string;
  /** Called before the first command. */
  onStart?: (shell: Shell) => void;
  /** Called when a piece of a transfer has been moved. */
  onPiece?: (shell: Shell) => void;
  verbose?: boolean;
}

/** What came of it. */
export interface Dialogue {
  out: string;
  err: string;
  questions: string[];
  /** What the servers got, after each login. */
  commands: string[];
  code: number;
  history: readonly string[];
}

/**
 * Runs the commands `typed` with servers, one for each connection, that follow
 * `scripts`; when there is none left, a connection is refused.
 */
export async function dialogue(
  scripts: Script | Script[],
  typed: readonly Typed[],
  { interactive = false, verbose = interactive, host = "192.0.2.1", onStart, onPiece, ...options }:
    DialogueOptions = {},
): Promise<Dialogue> {
  const servers = [scripts].flat().map((script) => new FtpServer(script));
  const waiting = [...servers];
  const console = new MemoryConsole(typed, interactive);
  const history = History.open(undefined);
  const trace = new Trace(false);
  const shell: Shell = new Shell({
    commands: COMMANDS,
    connect: async (server) => {
      const next = waiting.shift();
      if (!next) throw new Deno.errors.ConnectionRefused("refused");
      return await connect(next, { ...server, trace });
    },
    console,
    history,
    trace,
    retries: 0,
    rate: onPiece && new RateLimit(Infinity, () => 0, () => Promise.resolve(onPiece(shell))),
    tls: false,
    port: undefined,
    encoding: "utf-8",
    user: { name: "guest", password: new Secret("secret") },
    noLogin: false,
    settings: { ascii: false, passive: true, verbose, prompt: true, hash: 0 },
    ...options,
  });
  onStart?.(shell);
  const code = await shell.run(host === "" ? undefined : host);
  for (const server of servers) if (!waiting.includes(server)) await server.finished();
  return {
    out: console.out,
    err: console.err,
    questions: console.questions,
    commands: servers.flatMap(({ commands }) => commands)
      .filter((line) => !/^(?:USER guest|PASS secret|FEAT|QUIT|EPSV)/.test(line)),
    code,
    history: history.lines,
  };
}
