/** A chat client: for people at a terminal, and for scripts by pipes. */
import { connectName, PATH_OPTIONS, portOption, serverAddress } from "../tools/net/client.ts";
import { closeQuietly, peerFailure } from "../tools/net/errors.ts";
import { type Command, program } from "../tools/program/command.ts";
import { EXIT, Failure } from "../tools/program/failure.ts";
import { duration, text, value, valueOr } from "../tools/program/options.ts";
import { writeOut } from "../tools/program/terminal.ts";
import { formatHostPort } from "../tools/protocol/address.ts";
import { CHAT_PORT } from "../tools/protocol/chat.ts";
import { LineCutter } from "../tools/protocol/chat_lines.ts";
import { converse, type Screen } from "./chat/session.ts";

// Longer lines are cut by the server, which says so.
const LONGEST_PIPED = 64 * 1024;

/** Standard input and output as they are. */
class Pipes implements Screen {
  async show(lines: string[]): Promise<void> {
    await writeOut(lines.map((line) => `${line}\n`).join(""));
  }

  async *lines(): AsyncGenerator<string> {
    const cutter = new LineCutter(LONGEST_PIPED);
    const decoder = new TextDecoder();
    const buffer = new Uint8Array(LONGEST_PIPED);
    for (let read = Deno.stdin.read(buffer);; read = Deno.stdin.read(buffer)) {
      const length = await read;
      if (length === null) break;
      for (const line of cutter.lines(buffer.subarray(0, length))) yield decoder.decode(line);
    }
    const rest = cutter.end();
    if (rest.length > 0) yield decoder.decode(rest);
  }

  close(): void {}
}

/** The `chat` program. */
export const command = {
  name: "chat",
  summary: "chat client: talk to all who are on a chat server",
  usage: ["HOST[:PORT] [options]"],
  words: [1, 1],
  options: {
    nick: value("NAME", "Take this name on arrival, or leave when it cannot be had.", text),
    ...portOption(CHAT_PORT),
    timeout: valueOr(
      "TIME",
      "Give up when there is no connection, or no answer to --nick, in so long.",
      duration,
      "10s",
    ),
    ...PATH_OPTIONS,
  },
  examples: [
    ["chat server", "Talk; /help lists the commands, Ctrl-D leaves."],
    ["chat server --nick cook < lines.txt", "Say these lines, show what comes, and leave."],
  ],
  permissions: ["--allow-net"],
  rfcs: ["UTF-8 (RFC 3629) in lines"],
} satisfies Command;

/** Runs `chat`; returns its exit code. */
export const main = program(command, async ({ options, words: [word = ""] }) => {
  const server = serverAddress(word, options, CHAT_PORT);
  const peer = formatHostPort(server.host, server.port);
  let conn: Deno.TcpConn | undefined;
  try {
    const signal = AbortSignal.timeout(options.timeout);
    const hostname = await connectName(server.host, options, signal);
    conn = await Deno.connect({ hostname, port: server.port, signal });
    conn.setNoDelay();
    const screen = await screenFor();
    const { nick, timeout } = options;
    const left = await converse(conn, screen, nick === undefined ? undefined : { nick, timeout });
    if (!left) return EXIT.ok;
    throw new Failure(EXIT.unreachable, `${peer}: the server closed the connection`);
  } catch (error) {
    throw peerFailure(peer, error);
  } finally {
    if (conn) closeQuietly(conn);
  }
});

async function screenFor(): Promise<Screen> {
  if (!Deno.stdin.isTerminal() || !Deno.stdout.isTerminal()) return new Pipes();
  const { default: process } = await import("node:process");
  const { TerminalScreen } = await import("./chat/terminal.ts");
  const screen: Screen = new TerminalScreen({
    input: process.stdin,
    output: process.stdout,
    colours: !Deno.noColor,
    onInterrupt(): void {
      screen.close();
      Deno.exit(EXIT.interrupted);
    },
  });
  return screen;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
