/** Replies of an FTP server (RFC 959 section 4.2), read and written. */
import { ProtocolError } from "./error.ts";
import { visible } from "./text.ts";

/** A whole reply. */
export interface Reply {
  /** From 100 to 599; the first digit says how it went. */
  readonly code: number;
  /** The lines as they came. */
  readonly lines: readonly string[];
  /** The lines without their codes, joined by `\n`. */
  readonly text: string;
}

/**
 * The longest reply in bytes. Far above what a server says (FEAT and HELP are
 * the longest, at a few KiB); basic-ftp takes as much.
 */
export const LONGEST_REPLY = 64 * 1024;

/** Puts replies together from lines. */
export class ReplyParser {
  readonly #decode: (bytes: Uint8Array) => string;
  #lines: string[] = [];
  #size = 0;

  constructor(decode: (bytes: Uint8Array) => string) {
    this.#decode = decode;
  }

  /** The bytes that the next line may have. */
  get room(): number {
    return LONGEST_REPLY - this.#size;
  }

  /**
   * Takes a line without its end and returns the reply that it completes. A
   * reply goes from `code-` to the same code with a space, or alone, and what
   * stands between is text, whatever it looks like. Throws ProtocolError for
   * what is no reply, and for one that is too long.
   */
  add(line: Uint8Array): Reply | undefined {
    if (line.length > this.room) {
      throw new ProtocolError(`a reply is longer than ${LONGEST_REPLY} bytes`);
    }
    const text = this.#decode(line);
    const [first] = this.#lines;
    if (first === undefined) {
      if (text === "") return undefined;
      if (!/^[1-5]\d\d(?:$|[ -])/.test(text)) {
        throw new ProtocolError(`not an FTP reply: ${visible(text.slice(0, 80))}`);
      }
    }
    this.#lines.push(text);
    this.#size += line.length + 2;
    const code = (first ?? text).slice(0, 3);
    return text === code || text.startsWith(`${code} `) ? this.#complete(code) : undefined;
  }

  #complete(code: string): Reply {
    const lines = this.#lines;
    this.#lines = [];
    this.#size = 0;
    // Some servers repeat the code on every line.
    const marked = new RegExp(`^${code}[ -]?`);
    return {
      code: Number(code),
      lines,
      text: lines.map((line) => line.replace(marked, "")).join("\n"),
    };
  }
}

/**
 * A reply as it goes on the wire, each line of `text` a line of its own. CR and
 * NUL would break the line they are in, and become `?`.
 */
export function formatReply(code: number, text: string): string {
  const lines = text.replace(/[\r\0]/g, "?").split("\n");
  return lines.map((line, i) => {
    if (i === lines.length - 1) return `${code} ${line}\r\n`;
    if (i === 0) return `${code}-${line}\r\n`;
    // RFC 959 section 4.2: a line between that begins with digits is padded.
    return `${/^\d/.test(line) ? " " : ""}${line}\r\n`;
  }).join("");
}

/** The features in the text of a 211 reply to FEAT (RFC 2389 section 3.2): names in capitals, each with its parameters. */
export function parseFeatures(text: string): Map<string, string> {
  return new Map(
    text.split("\n").slice(1, -1).map((line) => {
      const [, name = "", parameters = ""] = /^\s*(\S*)\s*(.*?)\s*$/.exec(line) ?? [];
      return [name.toUpperCase(), parameters];
    }),
  );
}

/** The number in the text of a 213 reply to SIZE; what some servers put before or after it is passed over. */
export function parseSize(text: string): number | undefined {
  const [digits] = /^\d+(?!\S)/.exec(text.trim()) ?? /\d+$/.exec(text.trim()) ?? [];
  const size = Number(digits);
  return Number.isSafeInteger(size) ? size : undefined;
}

/** The name of the file that STOU made, where a reply tells it (RFC 1123 section 4.1.2.9). */
export function announcedName(text: string): string | undefined {
  return /\bFILE: *(\S.*?)\s*$/i.exec(text)?.[1];
}
