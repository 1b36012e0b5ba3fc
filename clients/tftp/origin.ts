/** Where an upload comes from: a local file, or standard input. */
import { FileSource } from "../../tools/files/blocks.ts";
import { FileError } from "../../tools/files/errors.ts";
import { EXIT, Failure, fileFailure } from "../../tools/program/failure.ts";
import { concat } from "../../tools/protocol/bytes.ts";
import type { Source } from "../../tools/protocol/tftp_blocks.ts";

/** What is to be sent. `using` closes it. */
export interface Origin extends Source, Disposable {
  /** In bytes. */
  size: number;
}

/** Opens the origin called `path`; `-` is standard input, which is read first. Throws Failure, also when `signal` aborts. */
export async function openOrigin(path: string, signal?: AbortSignal): Promise<Origin> {
  return path === "-" ? await readWhole(Deno.stdin.readable, signal) : openFile(path);
}

function openFile(path: string): Origin {
  try {
    // A FIFO would hold the opening up, so look before.
    const { isFile, isDirectory, size } = Deno.statSync(path);
    if (isDirectory) throw new Deno.errors.IsADirectory();
    if (!isFile) {
      throw new Failure(EXIT.file, `${path}: is no file (try: tftp HOST put - < ${path})`);
    }
    const file = Deno.openSync(path);
    const source = new FileSource(file, size);
    return {
      size,
      read(buffer): number {
        try {
          return source.read(buffer);
        } catch (error) {
          throw fileFailure(path, error instanceof FileError ? error.cause : error);
        }
      },
      [Symbol.dispose]: () => file.close(),
    };
  } catch (error) {
    throw fileFailure(path, error);
  }
}

/** So much of standard input is taken, in bytes: more than anybody pipes by hand, and what memory has. */
export const LONGEST_INPUT = 2 ** 30;

/**
 * All of `input`, before anything is sent: a server does not wait for who types,
 * and is told the size. Throws Failure when there is too much, or `signal` aborts.
 */
export async function readWhole(
  input: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
): Promise<Origin> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const store = new WritableStream<Uint8Array>({
    write(part): void {
      parts.push(part);
      size += part.length;
      if (size > LONGEST_INPUT) {
        throw new Failure(EXIT.file, "standard input: is longer than 1 GiB (put a file instead)");
      }
    },
  });
  try {
    await input.pipeTo(store, { ...signal && { signal } });
  } catch (error) {
    if (signal?.aborted) throw new Failure(EXIT.interrupted, "interrupted");
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
