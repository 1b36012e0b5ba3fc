/** Commands as clients send them (RFC 959 section 5.3). */
import type { ByteReader } from "../../tools/net/reader.ts";
import { parseCommand } from "../../tools/protocol/ftp_command.ts";
import { passwordText } from "./login.ts";

/** The longest command line in bytes: a verb and the longest path there is (PATH_MAX). */
export const LONGEST_COMMAND = 4096 + 32;
/** The bytes to wait for a command line with: most lines fit. */
export const COMMAND_BUFFER = 256;

/** A command as the client gave it. */
export interface Request {
  verb: string;
  /** Undefined: none was given; null: it is no password and not UTF-8 (RFC 2640), or has a CR or NUL. */
  argument: string | undefined | null;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads the next command; null at the end. Throws ProtocolError. */
export async function readRequest(reader: ByteReader): Promise<Request | null> {
  const line = await reader.readLine({ longest: LONGEST_COMMAND, end: "lf" });
  if (line === null) return null;
  const { verb, argument } = parseCommand(line);
  if (argument === undefined) return { verb, argument };
  try {
    const text = verb === "PASS" ? passwordText(argument) : utf8.decode(argument);
    return { verb, argument: /[\r\n\0]/.test(text) ? null : text };
  } catch {
    return { verb, argument: null };
  }
}
