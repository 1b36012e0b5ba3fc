/** TYPE A between the network and a sink or a source. */
import { AsciiDecoder, AsciiEncoder } from "../../tools/protocol/ftp_ascii.ts";
import type { Sink, Source } from "./copy.ts";

/** A sink for TYPE A: `sink` gets LF where CRLF comes. */
export function decoded(sink: Sink): { sink: Sink; end(): void | Promise<void> } {
  const decoder = new AsciiDecoder();
  return {
    sink: (data) => sink(decoder.decode(data)),
    end: () => {
      const rest = decoder.end();
      if (rest.length > 0) return sink(rest);
    },
  };
}

/** A source for TYPE A: CRLF comes where `source` gives LF. */
export function encoded(source: Source): Source {
  const encoder = new AsciiEncoder();
  let rest = new Uint8Array(0);
  return async (buffer) => {
    while (rest.length === 0) {
      const length = await source(buffer);
      if (length === null) return null;
      rest = encoder.encode(buffer.subarray(0, length));
    }
    const length = Math.min(rest.length, buffer.length);
    buffer.set(rest.subarray(0, length));
    rest = rest.subarray(length);
    return length;
  };
}
