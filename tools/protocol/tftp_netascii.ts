/**
 * The mode netascii (RFC 764, as RFC 1350 section 1 has it): a line ends in
 * CR LF on the wire and in LF here, and a CR that ends no line is CR NUL.
 */
import type { Sink, Source } from "./tftp_blocks.ts";

const NUL = 0;
const CR = 13;
const LF = 10;
// So much of a file is read at once.
const PIECE = 16384;

/** The bytes of `source` as netascii. */
export function netasciiSource(source: Source): Source {
  const piece = new Uint8Array(PIECE);
  let rest = piece.subarray(0, 0);
  // The second byte of a pair whose first one ended a block.
  let held = -1;
  return {
    read(buffer): number {
      let length = 0;
      if (held >= 0 && buffer.length > 0) {
        buffer[length++] = held;
        held = -1;
      }
      while (length < buffer.length) {
        if (rest.length === 0) {
          rest = piece.subarray(0, source.read(piece));
          if (rest.length === 0) break;
        }
        let at = 0;
        while (at < rest.length && length < buffer.length) {
          const byte = rest[at++] ?? 0;
          if (byte !== CR && byte !== LF) {
            buffer[length++] = byte;
            continue;
          }
          const second = byte === LF ? LF : NUL;
          buffer[length++] = CR;
          if (length < buffer.length) buffer[length++] = second;
          else held = second;
        }
        rest = rest.subarray(at);
      }
      return length;
    },
  };
}

/** A sink of netascii whose text goes to `sink`. A CR before anything but LF and NUL stays. */
export function netasciiSink(sink: Sink): Sink {
  let heldCr = false;
  let text = new Uint8Array(0);
  return {
    write(data): void {
      if (text.length <= data.length) text = new Uint8Array(data.length + 1);
      let length = 0;
      for (const byte of data) {
        if (heldCr && byte !== LF) text[length++] = CR;
        const afterCr = heldCr;
        heldCr = byte === CR;
        if (!heldCr && !(afterCr && byte === NUL)) text[length++] = byte;
      }
      sink.write(text.subarray(0, length));
    },
    end(): void {
      if (heldCr) sink.write(Uint8Array.of(CR));
      sink.end();
    },
  };
}
