/** The dialogue at a terminal, or from a script. */
import { Script } from "../../tools/net/script.ts";
import { EXIT } from "../../tools/program/failure.ts";
import { History, historyPath } from "../../tools/program/history.ts";
import { onStop } from "../../tools/program/signals.ts";
import { mark, say } from "../../tools/program/terminal.ts";
import { Terminal } from "../../tools/program/terminal_console.ts";
import type { Trace } from "../../tools/program/trace.ts";
import type { TftpSettings } from "./client.ts";
import type { Server } from "./command_line.ts";
import { COMMANDS } from "./commands.ts";
import { type Connect, Shell } from "./shell.ts";

/** Holds the dialogue on standard input, with `server` if it is given. Returns the exit code. */
export async function dialogue(
  server: Server | undefined,
  settings: TftpSettings,
  trace: Trace,
  connect: Connect,
): Promise<number> {
  const interactive = Deno.stdin.isTerminal();
  const history = History.open(interactive ? historyPath("tftp") : undefined);
  // Before the terminal listens to signals of its own.
  using _signals = onStop(async (signal) => {
    // The terminal has shown ^C where the next message begins.
    if (interactive && signal === "SIGINT") mark("\r\x1b[K");
    await shell.interrupt();
    if (interactive && signal === "SIGINT") return;
    say("tftp: interrupted");
    Deno.exit(EXIT.interrupted);
  });
  const shell: Shell = new Shell({
    commands: COMMANDS,
    connect,
    console: interactive ? new Terminal(history, (line) => shell.complete(line)) : new Script(),
    history,
    settings,
    trace,
  });
  return await shell.run(server);
}
