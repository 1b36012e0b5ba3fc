/** Undoing Content-Encoding: RFC 9110 section 8.4. */
import { PassThrough, pipeline, Readable, type Transform } from "node:stream";
import zlib from "node:zlib";
import { ProtocolError } from "../../tools/protocol/error.ts";
import type { Fields } from "../../tools/protocol/http_fields.ts";
import { visible } from "../../tools/protocol/text.ts";

// Nobody packs more often than this in earnest; each layer costs memory.
const MOST_CODINGS = 5;

/** The content with the codings that `fields` name undone, the last one first. Throws ProtocolError. */
export async function* decoded(
  body: AsyncIterable<Uint8Array>,
  fields: Fields,
): AsyncGenerator<Uint8Array> {
  const codings = fields.list("Content-Encoding").filter((coding) => coding !== "identity");
  if (codings.length > MOST_CODINGS) {
    throw new ProtocolError(`the body is coded ${codings.length} times over`);
  }
  const source = body[Symbol.asyncIterator]();
  const first = await source.next();
  if (first.done) return; // An empty body is coded as nothing at all.
  const transforms = codings.reverse().map((coding, index) =>
    decoderFor(coding, index === 0 ? first.value : undefined)
  );
  const output = new PassThrough();
  pipeline(
    [Readable.from(copies(first.value, source)), ...transforms, output],
    () => {},
  );
  try {
    yield* output;
  } catch (error) {
    const { code = "", message } = error as { code?: string; message: string };
    // An error of the body itself comes through as it is.
    if (
      !/^(Z_|ERR_|ZSTD)/.test(code) &&
      !/zlib|brotli|zstd|decompress/i.test(message)
    ) throw error;
    throw new ProtocolError(
      `the body is not good ${visible(codings.join(", "))}: ${message}`,
    );
  }
}

/** Streams keep what they are given, so they get copies of pieces that are used again. */
async function* copies(
  first: Uint8Array,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield first.slice();
  for (let next = await rest.next(); !next.done; next = await rest.next()) {
    yield next.value.slice();
  }
}

function decoderFor(
  coding: string,
  beginning: Uint8Array | undefined,
): Transform {
  switch (coding) {
    case "gzip":
    case "x-gzip":
      return zlib.createGunzip();
    case "br":
      return zlib.createBrotliDecompress();
    case "zstd":
      return zlib.createZstdDecompress();
    case "deflate":
      // RFC 9110 section 8.4.1.2 means the zlib format; some servers leave its header out.
      return beginning && !hasZlibHeader(beginning)
        ? zlib.createInflateRaw()
        : zlib.createInflate();
  }
  throw new ProtocolError(
    `the content coding "${visible(coding)}" is not known here`,
  );
}

/** RFC 1950: method 8 in the low bits, and a checksum that makes both bytes a multiple of 31. */
function hasZlibHeader([first = 0, second = 0]: Uint8Array): boolean {
  return (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
}
