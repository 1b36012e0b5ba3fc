/** A conversation: what the server says is shown, what is said here is sent. */
import { isGone } from "../../tools/net/errors.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import { writeAll } from "../../tools/net/writer.ts";
import { EXIT, Failure } from "../../tools/program/failure.ts";
import { NICK_ANSWERS, safeText } from "../../tools/protocol/chat.ts";
import { LineCutter } from "../../tools/protocol/chat_lines.ts";

/** Where lines come from and go to: a terminal, or a pair of pipes. */
export interface Screen {
  /** Shows lines of the server's that came together, which are safe to show. */
  show(lines: string[]): Promise<void>;
  /** The lines to send, until there are no more. */
  lines(): AsyncIterable<string>;
  /** Gives the terminal back, and ends `lines`. */
  close(): void;
}

// More than any server's line: its longest and a name. The rest of a longer one is not shown.
const LONGEST_SHOWN = 8192;
const READ_SIZE = 16 * 1024;

const QUIT = /^\/quit\s*$/i;

/** A name to take before anything is said. */
export interface Introduction {
  nick: string;
  /** Milliseconds in which the server must agree. */
  timeout: number;
}

const TAKEN = `* ${NICK_ANSWERS.taken}`;
const REFUSED = `* ${NICK_ANSWERS.refused}`;

/**
 * Talks until the server closes. When there is nothing more to send, our half
 * ends, and what still comes is shown. Returns whether the server closed though
 * we had not left. Throws what the connection failed with, and Failure when the
 * server does not agree to the name: nothing is said under another one.
 */
export async function converse(
  conn: ByteStream,
  screen: Screen,
  introduction?: Introduction,
): Promise<boolean> {
  let finished = false;
  const named = Promise.withResolvers<void>();
  named.promise.catch(() => {}); // Without a name to take nobody waits for it.
  const refuse = (exitCode: number, reason: string): void =>
    named.reject(new Failure(exitCode, `--nick ${introduction?.nick}: ${reason}`));
  const hear = (line: string): void => {
    if (line.startsWith(REFUSED)) refuse(EXIT.refused, line.slice(REFUSED.length));
    else if (line.startsWith(TAKEN)) named.resolve();
  };
  const sending = (async (): Promise<void> => {
    const encoder = new TextEncoder();
    const send = (line: string): Promise<void> => writeAll(conn, encoder.encode(`${line}\r\n`));
    if (introduction) {
      const { nick, timeout } = introduction;
      await send(`/nick ${nick}`);
      // A room without names never agrees.
      const late = "no answer (does the room have names?)";
      const timer = setTimeout(() => refuse(EXIT.unreachable, late), timeout);
      await named.promise.finally(() => clearTimeout(timer));
    }
    for await (const line of screen.lines()) {
      finished = QUIT.test(line);
      await send(line);
    }
    finished = true;
    await conn.closeWrite();
  })().catch((error) => {
    // A server that has left is noticed by reading, after its last words.
    if (!isGone(error)) throw error;
  });
  try {
    const listening = listen(conn, screen, hear);
    await Promise.race([listening, sending.then(() => new Promise<never>(() => {}))]);
    return !finished;
  } finally {
    named.reject(new Deno.errors.Interrupted("it is over"));
    screen.close();
  }
}

async function listen(
  conn: ByteStream,
  screen: Screen,
  hear: (line: string) => void,
): Promise<void> {
  const cutter = new LineCutter(LONGEST_SHOWN);
  const decoder = new TextDecoder();
  const shown = (line: Uint8Array): string => safeText(decoder.decode(line));
  const buffer = new Uint8Array(READ_SIZE);
  for (let length = await conn.read(buffer); length !== null; length = await conn.read(buffer)) {
    const lines: string[] = [];
    for (const line of cutter.lines(buffer.subarray(0, length))) lines.push(shown(line));
    if (lines.length > 0) await screen.show(lines);
    lines.forEach(hear);
  }
  const rest = cutter.end();
  if (rest.length > 0) await screen.show([shown(rest)]);
}
