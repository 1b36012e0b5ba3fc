/** The chunked transfer coding, RFC 9112 section 7.1. */
import { ProtocolError } from "./error.ts";
import { Fields, parseFields } from "./http_fields.ts";
import { latin1, visible } from "./text.ts";

// A chunk's size and extensions; nobody sends long ones but to make us count for ever.
const LONGEST_SIZE_LINE = 4096;
// Trailers are fields: the limit for a head.
const LONGEST_TRAILERS = 64 * 1024;

const CR = 13;
const LF = 10;
const SEMICOLON = 59;

/** Takes a chunked body apart, in whatever pieces it comes. */
export class ChunkedDecoder {
  #state:
    | "size"
    | "space"
    | "extension"
    | "size LF"
    | "data"
    | "data CR"
    | "data LF"
    | "trailers"
    | "done" = "size";
  /** The size of the chunk as far as it is read; within the data, how much of it is to come. */
  #left = 0;
  /** How long the line of the size is. */
  #length = 0;
  #line: number[] = [];
  #trailerLines: string[] = [];
  #trailerSize = 0;

  /** The trailer fields, once `done`. */
  trailers: Fields = new Fields();

  /** Whether the last chunk and the trailers were seen. */
  get done(): boolean {
    return this.#state === "done";
  }

  /**
   * The content in `bytes`, moved together at their beginning: small chunks would make many small
   * pieces. What follows the end of the body is not looked at. Throws ProtocolError.
   */
  decode(bytes: Uint8Array): Uint8Array {
    let end = 0;
    for (let at = 0; at < bytes.length && this.#state !== "done";) {
      if (this.#state === "data") {
        const length = Math.min(this.#left, bytes.length - at);
        bytes.copyWithin(end, at, at + length);
        end += length;
        at += length;
        this.#left -= length;
        if (this.#left === 0) this.#state = "data CR";
      } else {
        this.#byte(bytes[at++] ?? 0);
      }
    }
    return bytes.subarray(0, end);
  }

  /** Takes a byte of the framing. Only CRLF ends a line: a bare LF is read in two ways by two readers, and so smuggles. */
  #byte(byte: number): void {
    switch (this.#state) {
      case "size":
      case "space":
      case "extension":
        if (++this.#length > LONGEST_SIZE_LINE) {
          throw new ProtocolError(
            `the line of a chunk's size is longer than ${LONGEST_SIZE_LINE} bytes`,
          );
        }
        return this.#byteOfSize(byte);
      case "size LF":
        if (byte !== LF) throw badLine();
        this.#state = this.#left === 0 ? "trailers" : "data";
        return;
      case "data CR":
        if (byte === LF) throw badLine();
        if (byte !== CR) throw new ProtocolError("a chunk is longer than its size says");
        this.#state = "data LF";
        return;
      case "data LF":
        if (byte !== LF) throw badLine();
        this.#state = "size";
        this.#left = this.#length = 0;
        return;
      default:
        this.#byteOfTrailers(byte);
    }
  }

  /** chunk-size [ chunk-ext ] CRLF; RFC 9112 section 7.1.1 allows white space before the semicolon alone. */
  #byteOfSize(byte: number): void {
    const afterDigits = this.#state === "size" && this.#length > 1;
    if (byte === LF) throw badLine();
    if (byte === CR && (afterDigits || this.#state === "extension")) {
      this.#state = "size LF";
    } else if (this.#state === "extension" && byte !== 0) {
      // Nobody needs to know what it says.
    } else if (byte === SEMICOLON && (afterDigits || this.#state === "space")) {
      this.#state = "extension";
    } else if ((byte === 32 || byte === 9) && (afterDigits || this.#state === "space")) {
      this.#state = "space";
    } else {
      const digit = this.#state === "size" ? hexDigit(byte) : undefined;
      if (digit === undefined) {
        const char = visible(String.fromCharCode(byte));
        throw new ProtocolError(`"${char}" does not belong in the size of a chunk`);
      }
      this.#left = this.#left * 16 + digit;
      if (!Number.isSafeInteger(this.#left)) {
        throw new ProtocolError("the size of a chunk is beyond all numbers");
      }
    }
  }

  #byteOfTrailers(byte: number): void {
    const afterCr = this.#line.at(-1) === CR;
    if ((byte === LF) !== afterCr) throw badLine();
    if (++this.#trailerSize > LONGEST_TRAILERS) {
      throw new ProtocolError(`the trailers are longer than ${LONGEST_TRAILERS} bytes`);
    }
    if (byte !== LF) {
      this.#line.push(byte);
      return;
    }
    const line = latin1(Uint8Array.from(this.#line)).slice(0, -1);
    this.#line = [];
    if (line !== "") {
      this.#trailerLines.push(line);
      return;
    }
    this.trailers = parseFields(this.#trailerLines);
    this.#state = "done";
  }
}

function badLine(): ProtocolError {
  return new ProtocolError("a line of the chunked coding does not end in CRLF");
}

/** The value of a hexadecimal digit. */
function hexDigit(byte: number): number | undefined {
  if (byte >= 48 && byte <= 57) return byte - 48;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : undefined;
}
