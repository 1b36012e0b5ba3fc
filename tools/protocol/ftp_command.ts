/** Commands of FTP (RFC 959 section 5.3), written and read. */
import { visible } from "./text.ts";

/** A command as a server reads it. */
export interface FtpCommand {
  /** In capitals. */
  verb: string;
  /** Everything after one space: names may begin and end with blanks. Undefined: there was no space. */
  argument: Uint8Array | undefined;
}

/**
 * The line of a command, without its end. CR, LF and NUL are refused, since
 * they would make one command into two: RangeError. A byte of 255 is sent as it
 * is: RFC 959 would have it doubled, as telnet does, but few servers undo that,
 * and UTF-8 has no such byte.
 */
export function formatCommand(verb: string, argument?: string): string {
  const line = argument === undefined ? verb : `${verb} ${argument}`;
  if (/[\r\n\0]/.test(line)) {
    throw new RangeError(
      `a command cannot hold a line end or NUL: ${visible(maskCommand(line)).slice(0, 200)}`,
    );
  }
  return line;
}

/** `line` as it may be shown: what PASS and ACCT say is secret. */
export function maskCommand(line: string): string {
  return line.replace(/^(\s*(?:PASS|ACCT)\s).*/is, "$1***");
}

const SPACE = 32;
// Telnet commands (RFC 854), which clients send before ABOR. F0 to F4 also begin UTF-8 names, so only before the verb.
const FIRST_TELNET = 0xf0;

/** Reads a line, without its end, as a server does. */
export function parseCommand(line: Uint8Array): FtpCommand {
  const start = line.findIndex((byte) => byte < FIRST_TELNET);
  const command = start < 0 ? new Uint8Array(0) : line.subarray(start);
  const space = command.indexOf(SPACE);
  const verb = space < 0 ? command : command.subarray(0, space);
  return {
    verb: String.fromCharCode(...verb.subarray(0, LONGEST_VERB)).toUpperCase(),
    argument: space < 0 ? undefined : command.subarray(space + 1),
  };
}

// No verb is longer than XSHA512; what is longer is unknown all the same.
const LONGEST_VERB = 16;
