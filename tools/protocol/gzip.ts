/** The frame of a gzip member around its deflate data: RFC 1952 section 2.3. */
import { ProtocolError } from "./error.ts";

// Names and comments are short; somebody who sends megabytes of them wants us to keep them.
const LONGEST_HEADER = 8 * 1024;

/** The length of the trailer: CRC-32 and size of the content. */
export const TRAILER_LENGTH = 8;

const FHCRC = 2;
const FEXTRA = 4;
const FNAME = 8;
const FCOMMENT = 16;

/** Whether `bytes` begin like a member. */
export function isGzip([first, second]: Uint8Array): boolean {
  return first === 0x1f && second === 0x8b;
}

/** The length of the header that `bytes` begin with; undefined when it goes on. Throws ProtocolError. */
export function gzipHeaderLength(bytes: Uint8Array): number | undefined {
  const [, , method = 8, flags = 0] = bytes;
  // The upper three flags are reserved, and what they would add is unknown.
  if (bytes.length >= 2 && !isGzip(bytes) || method !== 8 || flags > 31) {
    throw new ProtocolError("the gzip coding of the body is damaged");
  }
  let length: number | undefined = 10;
  if (flags & FEXTRA) length += 2 + (bytes[10] ?? 0) + 256 * (bytes[11] ?? 0);
  if (flags & FNAME) length = afterZero(bytes, length);
  if (flags & FCOMMENT) length = afterZero(bytes, length);
  if (flags & FHCRC && length !== undefined) length += 2;
  if (length !== undefined && length <= bytes.length) return length;
  if (bytes.length > LONGEST_HEADER) {
    throw new ProtocolError(`a gzip header is longer than ${LONGEST_HEADER} bytes`);
  }
  return undefined;
}

function afterZero(bytes: Uint8Array, start: number | undefined): number | undefined {
  const at = start === undefined ? -1 : bytes.indexOf(0, start);
  return at < 0 ? undefined : at + 1;
}

/** What the trailer in `bytes` says of the content; its size is modulo 2^32. */
export function gzipTrailer(bytes: Uint8Array): { crc: number; size: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return { crc: view.getUint32(0, true), size: view.getUint32(4, true) };
}
