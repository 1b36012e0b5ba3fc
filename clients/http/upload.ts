/** What `-d` and `-T` send. */
import { EXIT, Failure, fileFailure, UsageError } from "../../tools/program/failure.ts";
import { concat } from "../../tools/protocol/bytes.ts";
import type { RequestBody } from "./request.ts";

// `-d` holds its data in memory; a file of any size goes by `-T`.
const MOST_DATA = 64 * 1024 * 1024;
const PIECE = 256 * 1024;
// A form goes out in one write with the head. More than this may be refused while it is sent.
const MOST_WITH_HEAD = 64 * 1024;

/** The body of `-d`: each word is data, `@FILE` or `@-` (standard input), and `&` joins them. Throws Failure. */
export async function dataBody(words: string[]): Promise<RequestBody> {
  const parts: Uint8Array[] = [];
  for (const word of words) {
    if (parts.length > 0) parts.push(new TextEncoder().encode("&"));
    if (!word.startsWith("@")) parts.push(new TextEncoder().encode(word));
    else for await (const piece of readAll(word.slice(1))) parts.push(piece);
    if (parts.reduce((sum, part) => sum + part.length, 0) > MOST_DATA) {
      throw new UsageError("the data is larger than 64 MiB: use -T FILE");
    }
  }
  const bytes = concat(parts);
  return {
    length: bytes.length,
    ...(bytes.length <= MOST_WITH_HEAD ? { bytes } : {}),
    repeatable: true,
    open: () => once(bytes),
  };
}

/** The body of `-T`: a file, or standard input (`-`). Throws Failure. */
export async function fileBody(path: string): Promise<RequestBody> {
  if (path === "-") {
    return {
      length: undefined,
      repeatable: false,
      open: () => readAll(path),
    };
  }
  try {
    const { size, isFile } = await Deno.stat(path);
    if (isFile) {
      return {
        length: size,
        repeatable: true,
        open: () => readFile(path, size),
      };
    }
  } catch (error) {
    throw fileFailure(path, error);
  }
  throw new Failure(EXIT.file, `${path}: is not a file`);
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** All of a file, or of standard input (`-`). */
async function* readAll(path: string): AsyncGenerator<Uint8Array> {
  try {
    using file = path === "-" ? undefined : await Deno.open(path);
    yield* pieces(file ?? Deno.stdin);
  } catch (error) {
    throw fileFailure(path, error);
  }
}

/** Exactly the `size` bytes that were announced. */
async function* readFile(
  path: string,
  size: number,
): AsyncGenerator<Uint8Array> {
  let left = size;
  for await (const piece of readAll(path)) {
    yield piece.subarray(0, left);
    left -= Math.min(left, piece.length);
    if (left === 0) return;
  }
  if (left > 0) {
    throw new Failure(EXIT.file, `${path}: became shorter while it was sent`);
  }
}

async function* pieces(
  source: { read(buffer: Uint8Array): Promise<number | null> },
): AsyncGenerator<Uint8Array> {
  for (;;) {
    // A new buffer each time, since whoever takes a piece may keep it.
    const buffer = new Uint8Array(PIECE);
    const length = await source.read(buffer);
    if (length === null) return;
    yield buffer.subarray(0, length);
  }
}
