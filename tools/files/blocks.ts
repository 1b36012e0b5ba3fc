/**
 * Files as sources and sinks of blocks, read and written in large pieces.
 * Synchronous: a thread for each piece costs more than the piece, and blocks
 * that are sent in turn would have to wait for it.
 */
import type { Sink, Source } from "../protocol/tftp_blocks.ts";
import { FileError, fileError } from "./errors.ts";

/** The pieces, in bytes: large enough to cost little, small enough that a slow disk stops nobody for long. */
export const PIECE = 65536;
/** The first piece, in bytes: whoever asks for a file and then says nothing costs no more. */
export const FIRST_PIECE = 4096;

/** The rest of an open file. */
export class FileSource implements Source {
  readonly #file: Deno.FsFile;
  readonly #longest: number;
  #piece = new Uint8Array(0);
  #start = 0;
  #end = 0;

  /** `size` is the expected size in bytes: a small file needs no large piece. */
  constructor(file: Deno.FsFile, size = Infinity) {
    this.#file = file;
    this.#longest = Math.min(PIECE, size);
  }

  /** Throws FileError. */
  read(buffer: Uint8Array): number {
    let length = 0;
    while (length < buffer.length) {
      if (this.#start === this.#end) {
        const rest = buffer.length - length;
        // What is large itself needs no piece in between.
        if (rest >= this.#longest / 4) {
          const came = this.#fill(buffer.subarray(length));
          if (came === 0) break;
          length += came;
          continue;
        }
        this.#grow();
        this.#start = 0;
        this.#end = this.#fill(this.#piece);
        if (this.#end === 0) break;
      }
      const end = Math.min(this.#end, this.#start + buffer.length - length);
      buffer.set(this.#piece.subarray(this.#start, end), length);
      length += end - this.#start;
      this.#start = end;
    }
    return length;
  }

  #grow(): void {
    const { length } = this.#piece;
    if (length === this.#longest) return;
    this.#piece = new Uint8Array(
      length === 0 ? Math.min(FIRST_PIECE, this.#longest) : this.#longest,
    );
  }

  #fill(buffer: Uint8Array): number {
    try {
      return this.#file.readSync(buffer) ?? 0;
    } catch (error) {
      throw fileError(error);
    }
  }
}

/** An open file that grows. */
export class FileSink implements Sink {
  readonly #file: Deno.FsFile;
  readonly #longest: number;
  #piece = new Uint8Array(0);
  #held = 0;
  #length = 0;

  /** More than `longest` bytes are refused, as if the disk were full. */
  constructor(file: Deno.FsFile, longest = Infinity) {
    this.#file = file;
    this.#longest = longest;
  }

  /** Throws FileError. */
  write(data: Uint8Array): void {
    this.#length += data.length;
    if (this.#length > this.#longest) throw new FileError("no space");
    if (this.#held + data.length > this.#piece.length) {
      this.#flush();
      if (data.length >= PIECE / 4) return this.#put(data);
      // Only now: many files are smaller than one block.
      if (this.#piece.length === 0) this.#piece = new Uint8Array(PIECE);
    }
    this.#piece.set(data, this.#held);
    this.#held += data.length;
  }

  /** Throws FileError. */
  end(): void {
    this.#flush();
  }

  #flush(): void {
    this.#put(this.#piece.subarray(0, this.#held));
    this.#held = 0;
  }

  #put(data: Uint8Array): void {
    try {
      while (data.length > 0) data = data.subarray(this.#file.writeSync(data));
    } catch (error) {
      throw fileError(error);
    }
  }
}
