/** Running a decoder of node:zlib over a part of a body, up to where its coding ends. */
import type { Transform } from "node:stream";
import { concat } from "../../tools/protocol/bytes.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";

/** A decoder of node:zlib. `bytesWritten` counts what it has used, and not what comes after the end. */
export type Decoder = Transform & { bytesWritten: number };

/** Coded bytes that come in pieces, of which the last reader may leave some to the next. */
export class CodedInput {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** What is there, or else the next piece, which belongs to the caller; empty at the end. */
  async take(): Promise<Uint8Array> {
    const bytes = this.#rest;
    this.#rest = new Uint8Array(0);
    if (bytes.length > 0) return bytes;
    const next = await this.#pieces.next();
    return next.done ? bytes : next.value;
  }

  /** Gives `bytes`, of those taken last, back. */
  leave(bytes: Uint8Array): void {
    this.#rest = bytes;
  }

  /** The next bytes, which stay here: at least `least` of them, unless the end comes before. */
  async peek(least: number): Promise<Uint8Array> {
    let bytes = await this.take();
    while (bytes.length < least) {
      const more = await this.take();
      if (more.length === 0) break;
      bytes = concat([bytes, more]);
    }
    this.leave(bytes);
    return bytes;
  }
}

/**
 * The content that `decoder` makes of `input`, up to the end of the coding called `name`; what
 * follows stays in `input`. Throws ProtocolError.
 */
export async function* run(
  decoder: Decoder,
  input: CodedInput,
  name: string,
): AsyncGenerator<Uint8Array> {
  const feeding = feed(decoder, input, name).finally(() => decoder.end());
  feeding.catch(() => {}); // It is awaited below.
  let failure: unknown;
  try {
    yield* decoder;
  } catch (error) {
    failure = error;
  }
  // A decoder that fails has still got what it decoded before.
  for (let content = decoder.read(); content !== null; content = decoder.read()) yield content;
  const atEnd = await feeding;
  // Only after a frame, whose end zstd does not tell otherwise.
  if (/Unknown frame descriptor/.test(String(failure))) return;
  if (!atEnd || /unexpected end/.test(String(failure))) throw broken(name, "ends too early");
  if (failure !== undefined) throw broken(name, "is damaged");
}

/** The error for the coding `name` that is not what it should be. */
export function broken(name: string, how: "ends too early" | "is damaged"): ProtocolError {
  return new ProtocolError(`the ${name} coding of the body ${how}`);
}

/** Gives `input` to `decoder` up to the end of the coding; false when it may not have come to its end. */
async function feed(decoder: Decoder, input: CodedInput, name: string): Promise<boolean> {
  for (let bytes = await input.take(); bytes.length > 0; bytes = await input.take()) {
    const rest = await give(decoder, bytes);
    if (rest.length > 0) {
      input.leave(rest);
      return true;
    }
  }
  // The others fail by themselves. After the end, br leaves alone what follows, and zstd fails at what is no frame.
  const more = await give(decoder, new Uint8Array(name === "br" ? 1 : name === "zstd" ? 4 : 0));
  return name === "br" ? more.length === 1 : name !== "zstd";
}

/** Gives `bytes` to `decoder`, and returns those it does not want: its coding has ended before them. */
async function give(decoder: Decoder, bytes: Uint8Array): Promise<Uint8Array> {
  const before = decoder.bytesWritten;
  const { promise, resolve } = Promise.withResolvers<void>();
  decoder.once("close", resolve);
  decoder.write(bytes, () => resolve());
  await promise;
  decoder.off("close", resolve);
  return bytes.subarray(decoder.bytesWritten - before);
}
