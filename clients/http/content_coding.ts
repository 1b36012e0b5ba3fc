/** Undoing Content-Encoding: RFC 9110 section 8.4. */
import zlib from "node:zlib";
import { ProtocolError } from "../../tools/protocol/error.ts";
import {
  gzipHeaderLength,
  gzipTrailer,
  isGzip,
  TRAILER_LENGTH,
} from "../../tools/protocol/gzip.ts";
import type { Fields } from "../../tools/protocol/http_fields.ts";
import { visible } from "../../tools/protocol/text.ts";
import { broken, CodedInput, run } from "./decoder.ts";

// Nobody packs more often than this in earnest; each layer costs memory.
const MOST_CODINGS = 5;
// What a decoder gives at a time: large, so that it is not asked too often.
const OPTIONS = { chunkSize: 256 * 1024 };

/**
 * The content with the codings that `fields` name undone, the last one first. What follows the end
 * of a coding is ignored: some servers send junk there. Throws ProtocolError.
 */
export function decoded(
  body: AsyncIterable<Uint8Array>,
  fields: Fields,
): AsyncIterable<Uint8Array> {
  const codings = fields.list("Content-Encoding").filter((coding) => coding !== "identity");
  if (codings.length > MOST_CODINGS) {
    throw new ProtocolError(`the body is coded ${codings.length} times over`);
  }
  return codings.reduceRight((content, coding) => {
    const undo = Object.hasOwn(CODINGS, coding) ? CODINGS[coding] : undefined;
    if (undo === undefined) {
      throw new ProtocolError(`the content coding "${visible(coding)}" is not known here`);
    }
    return undone(undo, content);
  }, body);
}

type Undo = (input: CodedInput) => AsyncGenerator<Uint8Array>;

const CODINGS: Record<string, Undo> = {
  gzip,
  "x-gzip": gzip,
  deflate,
  br: (input) => run(zlib.createBrotliDecompress(OPTIONS), input, "br"),
  zstd,
};

async function* undone(undo: Undo, coded: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const input = new CodedInput(coded);
  // An empty body is coded as nothing at all.
  if ((await input.peek(1)).length > 0) yield* undo(input);
}

/** RFC 1952: members, one after the other. */
async function* gzip(input: CodedInput): AsyncGenerator<Uint8Array> {
  do {
    await skipGzipHeader(input);
    let [crc, size] = [0, 0];
    for await (const content of run(zlib.createInflateRaw(OPTIONS), input, "gzip")) {
      crc = zlib.crc32(content, crc);
      size += content.length;
      yield content;
    }
    const trailer = await input.peek(TRAILER_LENGTH);
    if (trailer.length < TRAILER_LENGTH) throw broken("gzip", "ends too early");
    const told = gzipTrailer(trailer);
    if (crc !== told.crc || size % 2 ** 32 !== told.size) throw broken("gzip", "is damaged");
    input.leave((await input.take()).subarray(TRAILER_LENGTH));
  } while (isGzip(await input.peek(2)));
}

async function skipGzipHeader(input: CodedInput): Promise<void> {
  for (let least = 1;; least++) {
    const bytes = await input.peek(least);
    const length = gzipHeaderLength(bytes);
    if (length !== undefined) return input.leave((await input.take()).subarray(length));
    if (bytes.length < least) throw broken("gzip", "ends too early");
    least = bytes.length;
  }
}

/** RFC 9110 section 8.4.1.2 means the zlib format; some servers leave its header out. */
async function* deflate(input: CodedInput): AsyncGenerator<Uint8Array> {
  const [first = 0, second = 0] = await input.peek(2);
  // RFC 1950: method 8 in the low bits, and a checksum that makes both bytes a multiple of 31.
  const hasHeader = (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
  yield* run(
    hasHeader ? zlib.createInflate(OPTIONS) : zlib.createInflateRaw(OPTIONS),
    input,
    "deflate",
  );
}

/** RFC 8878 section 3: frames, one after the other. */
async function* zstd(input: CodedInput): AsyncGenerator<Uint8Array> {
  if (!isZstdFrame(await input.peek(4))) throw broken("zstd", "is damaged");
  do {
    yield* run(zlib.createZstdDecompress(OPTIONS), input, "zstd");
  } while (isZstdFrame(await input.peek(4)));
}

/** Whether `bytes` begin like a frame, or like one to skip. */
function isZstdFrame([a = 0, b = 0, c = 0, d = 0]: Uint8Array): boolean {
  return a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd ||
    a >> 4 === 5 && b === 0x2a && c === 0x4d && d === 0x18;
}
