/** The fields (headers and trailers) of HTTP messages: RFC 9110 section 5, RFC 9112 section 5. */
import { ProtocolError } from "./error.ts";
import { visible } from "./text.ts";

/** One field line. A received value has one character for each byte. */
export interface Field {
  name: string;
  value: string;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Whether `text` is a token (RFC 9110 section 5.6.2), as methods and field names must be. */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether a field can carry `value`: CR, LF and NUL would end or forge it (RFC 9110 section 5.5). */
export function isFieldValue(value: string): boolean {
  return !/[\r\n\0]/.test(value);
}

/** The fields of a message in their order; names are compared without regard to case. */
export class Fields {
  #fields: Field[];

  constructor(fields: Field[] = []) {
    this.#fields = [...fields];
  }

  /** The values of all lines with this name as one list, joined by ", " (RFC 9110 section 5.3); undefined if there is none. */
  get(name: string): string | undefined {
    const values = this.all(name);
    return values.length === 0 ? undefined : values.join(", ");
  }

  /** The value of each line with this name. */
  all(name: string): string[] {
    return this.#fields.filter((field) => same(field.name, name)).map((
      { value },
    ) => value);
  }

  /** The members of a comma-separated list, in lower case, over all lines with this name. */
  list(name: string): string[] {
    return this.all(name).flatMap((value) => value.split(","))
      .map((member) => member.trim().toLowerCase()).filter((member) => member !== "");
  }

  /** Puts one line in place of all with this name. */
  set(name: string, value: string): void {
    this.delete(name);
    this.append(name, value);
  }

  /** Adds a line. */
  append(name: string, value: string): void {
    this.#fields.push({ name, value });
  }

  /** Takes out all lines with this name. */
  delete(name: string): void {
    this.#fields = this.#fields.filter((field) => !same(field.name, name));
  }

  /** A copy with the lines whose names `keep` accepts; it is given them in lower case. */
  filter(keep: (name: string) => boolean): Fields {
    return new Fields(
      this.#fields.filter(({ name }) => keep(name.toLowerCase())),
    );
  }

  [Symbol.iterator](): Iterator<Field> {
    return this.#fields.values();
  }
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

/**
 * Parses field lines, without their ends. Throws ProtocolError at a line that
 * is no field, or holds a character no field may hold.
 */
export function parseFields(lines: string[]): Fields {
  const unfolded: string[] = [];
  for (const line of lines) {
    // obs-fold, RFC 9112 section 5.2: a user agent replaces it by spaces.
    if (/^[ \t]/.test(line) && unfolded.length > 0) {
      unfolded.push(`${unfolded.pop()?.trimEnd()} ${line.trim()}`);
    } else {
      unfolded.push(line);
    }
  }
  return new Fields(unfolded.map(parseField));
}

function parseField(line: string): Field {
  const colon = line.indexOf(":");
  const name = line.slice(0, colon);
  const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
  // RFC 9112 section 5.1: no whitespace between name and colon; it has been used to smuggle fields.
  if (colon < 0 || !isToken(name)) {
    throw new ProtocolError(
      `not a header field: ${visible(line.slice(0, 60))}`,
    );
  }
  // RFC 9112 section 2.2: a bare CR is invalid too.
  if (!isFieldValue(value)) {
    throw new ProtocolError(`the field ${name} holds CR, LF or NUL`);
  }
  return { name, value };
}
