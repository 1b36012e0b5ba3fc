/** Where an upload comes from: a local file, or standard input. */
import { EXIT, Failure, fileFailure } from "../../tools/program/failure.ts";
import { concat } from "../../tools/protocol/bytes.ts";
import type { Source } from "../../tools/protocol/tftp_blocks.ts";

/** What is to be sent. `using` closes it. */
export interface Origin extends Source, Disposable {
  /** In bytes. */
  size: number;
}

/** Opens the origin called `path`; `-` is standard input. Throws Failure. */
export async function openOrigin(path: string): Promise<Origin> {
  return path === "-" ? await standardInput() : openFile(path);
}

// So much of a file is read at once: a system call for each block would cost more than the block.
const PIECE = 256 * 1024;

function openFile(path: string): Origin {
  try {
    // A FIFO would hold the opening up, so look before.
    const { isFile, isDirectory, size } = Deno.statSync(path);
    if (isDirectory) throw new Deno.errors.IsADirectory();
    if (!isFile) {
      throw new Failure(EXIT.file, `${path}: is no file (try: tftp HOST put - < ${path})`);
    }
    const file = Deno.openSync(path);
    const piece = new Uint8Array(Math.min(PIECE, size + 1));
    let rest = piece.subarray(0, 0);
    return {
      size,
      read(buffer): number {
        let length = 0;
        while (length < buffer.length) {
          if (rest.length === 0) {
            rest = piece.subarray(0, readSome(path, file, piece));
            if (rest.length === 0) break;
          }
          const part = rest.subarray(0, buffer.length - length);
          buffer.set(part, length);
          length += part.length;
          rest = rest.subarray(part.length);
        }
        return length;
      },
      [Symbol.dispose]: () => file.close(),
    };
  } catch (error) {
    throw fileFailure(path, error);
  }
}

function readSome(path: string, file: Deno.FsFile, buffer: Uint8Array): number {
  try {
    return file.readSync(buffer) ?? 0;
  } catch (error) {
    throw fileFailure(path, error);
  }
}

/** So much of standard input is taken: more than anybody pipes by hand, and what memory has. */
export const LONGEST_INPUT = 2 ** 30;

/** Standard input, read whole before: a transfer cannot wait for who types it. */
async function standardInput(): Promise<Origin> {
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of Deno.stdin.readable) {
      parts.push(part);
      size += part.length;
      if (size > LONGEST_INPUT) {
        throw new Failure(EXIT.file, "standard input: is longer than 1 GiB (put a file instead)");
      }
    }
  } catch (error) {
    throw fileFailure("standard input", error);
  }
  let rest = concat(parts);
  return {
    size,
    read(buffer): number {
      const part = rest.subarray(0, buffer.length);
      buffer.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
    [Symbol.dispose]: () => {},
  };
}
