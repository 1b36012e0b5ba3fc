/** Reading from a connection: lines with a hard maximum, and bytes. */
import { ProtocolError } from "../protocol/error.ts";
import type { ByteStream } from "./stream.ts";

/** Which line ends a protocol takes: CRLF alone, or a bare LF as well. */
export type LineEnd = "crlf" | "lf";

/** How `readLine` reads. */
export interface LineOptions {
  /** The longest line in bytes, without its end. */
  longest: number;
  end: LineEnd;
}

// A connection that waits for its next line holds this much; only a longer line gets a larger buffer.
const INITIAL_BUFFER = 4096;
const CR = 13;
const LF = 10;

/**
 * The reading side of a connection. One read is pending at a time, and bytes
 * that arrived with a line stay here for whoever reads next.
 */
export class ByteReader {
  readonly #stream: Pick<ByteStream, "read">;
  readonly #least: number;
  #buffer: Uint8Array<ArrayBuffer>;
  #start = 0;
  #end = 0;

  /** Waits with a buffer of `least` bytes: few where lines are short, and connections many. */
  constructor(stream: Pick<ByteStream, "read">, least = INITIAL_BUFFER) {
    this.#stream = stream;
    this.#least = least;
    this.#buffer = new Uint8Array(least);
  }

  /** Bytes received and not yet read. Before a TLS upgrade this must be 0: they were not protected. */
  get buffered(): number {
    return this.#end - this.#start;
  }

  /** Reads what is there, or waits for more, into `buffer`; null at the end. */
  async read(buffer: Uint8Array): Promise<number | null> {
    if (this.buffered === 0) return await this.#stream.read(buffer);
    const length = Math.min(this.buffered, buffer.length);
    buffer.set(this.#buffer.subarray(this.#start, this.#start + length));
    this.#start += length;
    return length;
  }

  /**
   * The next line without its end, valid until the next read; null when the
   * stream ends before a line begins. Throws ProtocolError when the line is
   * too long, ends in the wrong way, or the stream ends within it.
   */
  async readLine({ longest, end }: LineOptions): Promise<Uint8Array | null> {
    let searched = 0; // Never looked at twice: a line that comes byte by byte costs no more.
    for (;;) {
      const at = this.#buffer.subarray(0, this.#end).indexOf(
        LF,
        this.#start + searched,
      );
      if (at >= 0) return this.#takeLine(at, longest, end);
      searched = this.buffered;
      if (searched > longest + 1) throw tooLong(longest);
      this.#makeRoom();
      // Not in a method of its own: of many connections that wait, each would hold it.
      const length = await this.#stream.read(this.#buffer.subarray(this.#end));
      if (length === null) {
        if (searched === 0) return null;
        throw new ProtocolError("the connection ended in the middle of a line");
      }
      this.#end += length;
    }
  }

  #takeLine(at: number, longest: number, end: LineEnd): Uint8Array {
    const hasCr = at > this.#start && this.#buffer[at - 1] === CR;
    const line = this.#buffer.subarray(this.#start, hasCr ? at - 1 : at);
    this.#start = at + 1;
    if (line.length > longest) throw tooLong(longest);
    if (!hasCr && end === "crlf") {
      throw new ProtocolError("a line ends in LF alone, not in CRLF");
    }
    return line;
  }

  #makeRoom(): void {
    if (this.buffered === 0) {
      this.#start = this.#end = 0;
      if (this.#buffer.length > this.#least) this.#buffer = new Uint8Array(this.#least);
    } else if (this.#end === this.#buffer.length) {
      const larger = this.#start > 0 ? this.#buffer : new Uint8Array(this.#buffer.length * 2);
      larger.set(this.#buffer.subarray(this.#start, this.#end));
      this.#end -= this.#start;
      this.#start = 0;
      this.#buffer = larger;
    }
  }
}

function tooLong(longest: number): ProtocolError {
  return new ProtocolError(`a line is longer than ${longest} bytes`);
}
