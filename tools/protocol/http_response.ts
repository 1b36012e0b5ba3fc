/** The head of an HTTP response and what it says about the body: RFC 9112 sections 4 and 6. */
import { ProtocolError } from "./error.ts";
import { type Fields, parseFields } from "./http_fields.ts";
import { visible } from "./text.ts";

/** Status line and fields. */
export interface ResponseHead {
  /** `1.1` or `1.0`. */
  version: string;
  status: number;
  reason: string;
  fields: Fields;
  /** All lines as they came, for showing; one character for each byte. */
  lines: string[];
}

/** The longest head taken, in bytes: what nginx and Apache send at most, with room to spare. */
export const LONGEST_HEAD = 64 * 1024;

// RFC 9112 section 4: the reason may be empty, and the space before it is often forgotten.
const STATUS_LINE = /^HTTP\/(\d)\.(\d) (\d{3})(?: (.*))?$/;

/** Parses the lines of a head, without their ends. Throws ProtocolError. */
export function parseResponseHead(lines: string[]): ResponseHead {
  const [first = ""] = lines;
  const [, major, minor, status, reason = ""] = STATUS_LINE.exec(first) ?? [];
  if (status === undefined) {
    throw new ProtocolError(
      `the answer is not HTTP/1.1: it begins with "${visible(first.slice(0, 40))}"`,
    );
  }
  if (major !== "1") {
    throw new ProtocolError(
      `the answer is HTTP/${major}.${minor}, which was not asked for`,
    );
  }
  if (Number(status) < 100 || Number(status) > 599) {
    throw new ProtocolError(`there is no status ${status}`);
  }
  return {
    version: `${major}.${minor}`,
    status: Number(status),
    reason,
    fields: parseFields(lines.slice(1)),
    lines,
  };
}

/** How the end of a body is found, and why. */
export type Framing =
  & (
    | { kind: "none" }
    | { kind: "length"; length: number }
    | { kind: "chunked" }
    | {
      kind: "close";
    }
  )
  & {
    /** The rule that decided, for people. */
    why: string;
    /** What the server did wrong, though the rule stands. */
    warning?: string;
  };

/** How the body of the final response to a `method` request is framed: RFC 9112 section 6.3. Throws ProtocolError. */
export function responseFraming(
  method: string,
  { version, status, fields }: Pick<
    ResponseHead,
    "version" | "status" | "fields"
  >,
): Framing {
  if (method === "HEAD" || status === 204 || status === 304) {
    const what = method === "HEAD" ? "the answer to HEAD" : `status ${status}`;
    return { kind: "none", why: `${what} has no body (RFC 9112 6.3.1)` };
  }
  const codings = fields.list("Transfer-Encoding");
  if (codings.length > 0) {
    // Section 6.1: nothing but chunked was offered, since no TE was sent.
    if (codings.join() !== "chunked") {
      throw new ProtocolError(
        `the transfer coding "${visible(codings.join(", "))}" was not asked for`,
      );
    }
    const warning = version === "1.0"
      ? "Transfer-Encoding in HTTP/1.0 is faulty framing (RFC 9112 6.1)"
      : fields.get("Content-Length") !== undefined
      ? "Content-Length beside Transfer-Encoding is ignored (RFC 9112 6.3.3)"
      : undefined;
    return {
      kind: "chunked",
      why: "chunked (RFC 9112 7.1)",
      ...(warning ? { warning } : {}),
    };
  }
  const length = contentLength(fields);
  if (length !== undefined) {
    return {
      kind: "length",
      length,
      why: `${length} bytes by Content-Length (RFC 9112 6.3.6)`,
    };
  }
  return {
    kind: "close",
    why: "up to the end of the connection (RFC 9112 6.3.8)",
  };
}

/**
 * The value of Content-Length; undefined when there is none. Section 6.3.5:
 * a list of one and the same number is that number, anything else is an error.
 */
export function contentLength(fields: Fields): number | undefined {
  const text = fields.get("Content-Length");
  if (text === undefined) return undefined;
  const values = new Set(text.split(",").map((value) => value.trim()));
  const [value = ""] = values;
  const length = Number(value);
  if (
    values.size > 1 || !/^\d+$/.test(value) || !Number.isSafeInteger(length)
  ) {
    throw new ProtocolError(
      `the Content-Length "${visible(text.slice(0, 60))}" is not one number`,
    );
  }
  return length;
}

/** Where the bytes of a 206 answer stand, or the size a 416 answer tells (RFC 9110 section 14.4). */
export interface ContentRange {
  /** Undefined in a 416 answer. */
  start: number | undefined;
  end: number | undefined;
  /** Undefined when the server does not know. */
  size: number | undefined;
}

/** Parses Content-Range; undefined when it is absent or makes no sense. */
export function contentRange(fields: Fields): ContentRange | undefined {
  const [, start, end, size] = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/i.exec(
    fields.get("Content-Range") ?? "",
  ) ?? [];
  const number = (text: string | undefined): number | undefined =>
    text === undefined || text === "*" ? undefined : Number(text);
  const range = { start: number(start), end: number(end), size: number(size) };
  if (range.start === undefined || range.end === undefined) {
    return range.size === undefined ? undefined : range;
  }
  const possible = range.start <= range.end &&
    range.end < (range.size ?? Infinity);
  return possible ? range : undefined;
}
