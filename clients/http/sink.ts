/** Where the pieces of a body go. */
import { EXIT, Failure } from "../../tools/program/failure.ts";
import { writeOut } from "../../tools/program/terminal.ts";
import { visibleLines } from "../../tools/protocol/text.ts";

/** `pieces`, but no more than `limit` bytes of them: then it throws Failure. */
export async function* limited(
  pieces: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<Uint8Array> {
  let left = limit;
  for await (const piece of pieces) {
    yield piece.subarray(0, left);
    left -= piece.length;
    if (left < 0) {
      throw new Failure(EXIT.refused, `the body is larger than --max-filesize (${limit} bytes)`);
    }
  }
}

/** Hands each piece to `write` while the next one is awaited. */
export async function copy(
  pieces: AsyncIterable<Uint8Array>,
  write: (piece: Uint8Array) => Promise<void>,
): Promise<void> {
  let writing = Promise.resolve();
  try {
    for await (const piece of pieces) {
      await writing;
      writing = write(piece);
      // It is awaited in a moment; until then a failure waits too.
      writing.catch(() => {});
    }
  } finally {
    // What arrived before a failure is kept too.
    await writing;
  }
}

/** Writes a body to standard output: as it came, but to a terminal nothing that could steer it. */
export async function showBody(pieces: AsyncIterable<Uint8Array>): Promise<void> {
  if (!Deno.stdout.isTerminal()) return await copy(pieces, writeOut);
  const decoder = new TextDecoder();
  await copy(pieces, (piece) => writeOut(visibleLines(decoder.decode(piece, { stream: true }))));
}
