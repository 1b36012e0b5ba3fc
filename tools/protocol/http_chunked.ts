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

/** Takes a chunked body apart, in whatever pieces it comes. */
export class ChunkedDecoder {
  #state: "size" | "data" | "data end" | "trailers" | "done" = "size";
  /** Bytes of the current chunk's data to come. */
  #left = 0;
  #line: number[] = [];
  #trailerLines: string[] = [];
  #trailerSize = 0;

  /** The trailer fields, once `done`. */
  trailers: Fields = new Fields();

  /** Whether the last chunk and the trailers were seen. */
  get done(): boolean {
    return this.#state === "done";
  }

  /** The pieces of content in `bytes`, as views of it. What follows the end is left alone. Throws ProtocolError. */
  decode(bytes: Uint8Array): Uint8Array[] {
    const content: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length && this.#state !== "done") {
      if (this.#state === "data") {
        const piece = bytes.subarray(at, at + this.#left);
        content.push(piece);
        at += piece.length;
        this.#left -= piece.length;
        if (this.#left === 0) this.#state = "data end";
      } else {
        this.#byte(bytes[at++] ?? 0);
      }
    }
    return content;
  }

  /** Takes a byte of a line. Only CRLF ends one: a bare LF is read in two ways by two readers, and so smuggles. */
  #byte(byte: number): void {
    const afterCr = this.#line.at(-1) === CR;
    if ((byte === LF) !== afterCr) {
      throw new ProtocolError(
        "a line of the chunked coding does not end in CRLF",
      );
    }
    if (this.#state === "data end" && byte !== CR && byte !== LF) {
      throw new ProtocolError("a chunk is longer than its size says");
    }
    if (byte !== LF) {
      this.#line.push(byte);
      const longest = this.#state === "trailers"
        ? LONGEST_TRAILERS - this.#trailerSize
        : LONGEST_SIZE_LINE;
      if (this.#line.length > longest) {
        throw new ProtocolError(
          this.#state === "trailers"
            ? `the trailers are longer than ${LONGEST_TRAILERS} bytes`
            : `the line of a chunk's size is longer than ${LONGEST_SIZE_LINE} bytes`,
        );
      }
      return;
    }
    const line = latin1(Uint8Array.from(this.#line)).slice(0, -1);
    this.#line = [];
    this.#endOfLine(line);
  }

  #endOfLine(line: string): void {
    if (this.#state === "size") {
      this.#left = parseChunkSize(line);
      this.#state = this.#left === 0 ? "trailers" : "data";
    } else if (this.#state === "data end") {
      if (line !== "") {
        throw new ProtocolError("a chunk is longer than its size says");
      }
      this.#state = "size";
    } else if (line !== "") {
      this.#trailerLines.push(line);
      this.#trailerSize += line.length + 2;
    } else {
      this.trailers = parseFields(this.#trailerLines);
      this.#state = "done";
    }
  }
}

function parseChunkSize(line: string): number {
  const [, digits = ""] = /^([0-9A-Fa-f]+)(?:[ \t]*;[^\0\r]*)?$/.exec(line) ??
    [];
  const size = parseInt(digits, 16);
  if (!Number.isSafeInteger(size)) {
    throw new ProtocolError(
      `"${visible(line.slice(0, 40))}" is not the size of a chunk`,
    );
  }
  return size;
}
