/**
 * A chat server for many people: whoever connects, by `nc -C HOST 7777` or with
 * the chat client, is in the room, and what one says the others read.
 */
import { Acceptor } from "../tools/net/accept.ts";
import type { Caps } from "../tools/net/limits.ts";
import { listenAt } from "../tools/net/listen.ts";
import {
  CAP_OPTIONS,
  capsFrom,
  GRACE,
  idleOption,
  listenOptions,
  LOG_OPTIONS,
  runServer,
  type Server,
} from "../tools/net/server.ts";
import { type Command, program } from "../tools/program/command.ts";
import { fileFailure } from "../tools/program/failure.ts";
import { Log } from "../tools/program/log.ts";
import { count, flag, valueOr } from "../tools/program/options.ts";
import { CHAT_PORT, safeText } from "../tools/protocol/chat.ts";
import { parseCount } from "../tools/protocol/units.ts";
import { NamedRoom } from "./chat/named_room.ts";
import { RawRoom } from "./chat/raw_room.ts";
import { MOST_HISTORY } from "./chat/room.ts";
import { serveSession } from "./chat/session.ts";

/** How a chat server is set up. */
export interface ChatOptions extends Caps {
  /** Empty: all addresses. */
  hosts: string[];
  /** Undefined: 7777. */
  port?: number | undefined;
  /** No names, notices or commands. */
  raw: boolean;
  /** Lines that newcomers read first. */
  motd: string[];
  /** How many lines of talk newcomers read, at most MOST_HISTORY. */
  history: number;
  /** Lines a second that one person may say. */
  rate: number;
  /** How long a person may say nothing, in milliseconds. */
  idleTimeout: number;
  log: Log;
}

/** Starts a chat server. Throws Failure when it cannot listen. */
export function start(options: ChatOptions): Server {
  const { hosts, port, raw, log } = options;
  const now = (): number => performance.now();
  const room = raw ? new RawRoom(options) : new NamedRoom({ ...options, now });
  const acceptor = new Acceptor({
    ...options,
    refusal: new TextEncoder().encode("* there is no room for more people: try again later\r\n"),
    serve: (conn, peer) => serveSession(conn, peer, room, { ...options, telnet: !raw, now }),
  });
  const listeners = listenAt(
    { transport: "tcp", hosts, port, service: CHAT_PORT },
    (hostname, port) => Deno.listen({ transport: "tcp", hostname, port }),
    (message) => log.say(message),
  );
  listeners.forEach((listener) => acceptor.listen(listener));
  return {
    addrs: listeners.map(({ addr }) => addr),
    finished: acceptor.finished(),
    async shutdown(): Promise<void> {
      const stopped = acceptor.shutdown(GRACE);
      room.close();
      await stopped;
    },
  };
}

/** The lines of a greeting: the text itself, or of the file in `@FILE`. */
function motd(word: string): string[] {
  const text = word.startsWith("@") ? readText(word.slice(1)) : word;
  return text === "" ? [] : text.trimEnd().split(/\r?\n/).map(safeText);
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw fileFailure(path, error);
  }
}

function history(word: string): number {
  const lines = parseCount(word);
  if (lines > MOST_HISTORY) throw new RangeError(`give at most ${MOST_HISTORY}`);
  return lines;
}

/** The `chatd` program. */
export const command = {
  name: "chatd",
  summary: "chat server: what one person says all others read",
  usage: ["[options]"],
  words: [0, 0],
  options: {
    raw: flag(
      "No names, notices or commands: each line goes to all others byte for byte, with whatever " +
        "in it can steer their terminals.",
    ),
    motd: valueOr("TEXT", "Greet newcomers with this, or with a file: @FILE.", motd, ""),
    history: valueOr("N", "Show newcomers so many lines of talk.", history, "0"),
    rate: valueOr(
      "N",
      "Take so many lines a second from one person, after a burst; more have to wait.",
      count,
      "10",
    ),
    ...listenOptions(CHAT_PORT),
    ...idleOption("2h"),
    ...CAP_OPTIONS,
    ...LOG_OPTIONS,
  },
  examples: [
    ["chatd", "Serve on all addresses; then, on any machine: nc -C HOST 7777."],
    ["chatd --motd @rules.txt --history 20", "With a greeting, and what was said before."],
  ],
  permissions: ["--allow-net", "--allow-read"],
  rfcs: ["UTF-8 (RFC 3629) in lines; Telnet commands (RFC 854) are taken out"],
} satisfies Command;

/** Runs `chatd`; returns its exit code. */
export const main = program(command, async ({ options }) => {
  const log = new Log({ name: command.name, form: options.log, quiet: options.quiet });
  return await runServer(
    log,
    () => start({ ...options, ...capsFrom(options), hosts: options.host, log }),
  );
});

if (import.meta.main) Deno.exit(await main(Deno.args));
