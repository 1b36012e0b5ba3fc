/** Reading the body of a response, by its framing. */
import { isGone } from "../../tools/net/errors.ts";
import type { ByteReader } from "../../tools/net/reader.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import { ChunkedDecoder } from "../../tools/protocol/http_chunked.ts";
import type { Fields } from "../../tools/protocol/http_fields.ts";
import type { Framing } from "../../tools/protocol/http_response.ts";

// What arrives while a piece is written is read at once: the fewer reads, the fewer waits for the peer.
const BUFFER_SIZE = 1024 * 1024;

/** What the body has to do with the rest of the exchange. */
export interface BodyOptions {
  /** Is given the trailer fields. */
  onTrailers(trailers: Fields): void;
  /** Whether the connection, which has ended, ended in a way in which anybody could have ended it. */
  isCut(): boolean;
}

/**
 * The content of a body in pieces. A piece stays valid while the next one is
 * awaited, and no longer: two buffers take turns, so that a piece can be
 * written to disk while the next one arrives. Throws ProtocolError when the
 * body ends too early (RFC 9112 section 8) or is badly framed.
 */
export async function* readBody(
  reader: ByteReader,
  framing: Framing,
  { onTrailers, isCut }: BodyOptions,
): AsyncGenerator<Uint8Array> {
  if (framing.kind === "none") return;
  const chunked = framing.kind === "chunked" ? new ChunkedDecoder() : undefined;
  let left = framing.kind === "length" ? framing.length : Infinity;
  let received = 0;
  const size = Math.min(BUFFER_SIZE, left);
  let [current, other] = [new Uint8Array(size), new Uint8Array(size)];
  while (left > 0) {
    const length = await readSome(reader, current.subarray(0, left), received);
    if (length === null) {
      if (framing.kind === "close") {
        if (!isCut()) return;
        // RFC 9112 section 9.8: only the farewell of TLS tells the end of such a body from a cut.
        throw new ProtocolError(
          `the body may be cut after ${received} bytes: the connection ended without TLS's farewell`,
        );
      }
      throw truncated(received, framing);
    }
    const bytes = current.subarray(0, length);
    [current, other] = [other, current];
    const piece = chunked?.decode(bytes) ?? bytes;
    received += piece.length;
    if (piece.length > 0) yield piece;
    left -= length;
    if (chunked?.done) {
      onTrailers(chunked.trailers);
      return;
    }
  }
}

async function readSome(
  reader: ByteReader,
  buffer: Uint8Array,
  received: number,
): Promise<number | null> {
  try {
    return await reader.read(buffer);
  } catch (error) {
    if (!isGone(error)) throw error;
    throw new ProtocolError(
      `the connection broke after ${received} bytes of the body`,
    );
  }
}

function truncated(received: number, framing: Framing): ProtocolError {
  return new ProtocolError(
    framing.kind === "length"
      ? `the body ended after ${received} of ${framing.length} bytes`
      : `the body ended after ${received} bytes, before its last chunk`,
  );
}
