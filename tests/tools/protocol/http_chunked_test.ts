import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concat } from "../../../tools/protocol/bytes.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { ChunkedDecoder } from "../../../tools/protocol/http_chunked.ts";
import { latin1, latin1Bytes } from "../../../tools/protocol/text.ts";

function decode(
  pieces: Uint8Array[],
): { content: string; decoder: ChunkedDecoder } {
  const decoder = new ChunkedDecoder();
  const content = pieces.map((piece) => decoder.decode(piece).slice());
  return { content: latin1(concat(content)), decoder };
}

Deno.test("ChunkedDecoder gives back the chunks, however the bytes are cut", () => {
  fc.assert(fc.property(
    fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 })),
    fc.array(fc.nat(200)),
    (chunks, cuts) => {
      const wire = concat([
        ...chunks.flatMap((chunk) => [
          latin1Bytes(`${chunk.length.toString(16)}\r\n`),
          chunk,
          latin1Bytes("\r\n"),
        ]),
        latin1Bytes("0\r\nA: b\r\n\r\n"),
      ]);
      const at = [
        0,
        ...cuts.map((cut) => Math.min(cut, wire.length)),
        wire.length,
      ]
        .sort((a, b) => a - b);
      const pieces = at.slice(1).map((end, i) => wire.subarray(at[i], end));
      const { content, decoder } = decode(pieces);
      assert(decoder.done);
      assertEquals(content, latin1(concat(chunks)));
      assertEquals([...decoder.trailers], [{ name: "A", value: "b" }]);
    },
  ));
});

Deno.test("ChunkedDecoder leaves alone what follows the end", () => {
  const { content, decoder } = decode([
    latin1Bytes("1\r\na\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"),
  ]);
  assertEquals([content, decoder.done], ["a", true]);
  assertEquals(decoder.decode(latin1Bytes("more")).length, 0);
});

Deno.test("ChunkedDecoder throws nothing but ProtocolError", () => {
  const noise = fc.array(
    fc.constantFrom("0", "5", "f", "\r", "\n", "\r\n", ";", "x", " ", "\0"),
  );
  fc.assert(fc.property(noise, (parts) => {
    try {
      decode(parts.map(latin1Bytes));
    } catch (error) {
      assert(error instanceof ProtocolError, String(error));
    }
  }));
});

Deno.test("ChunkedDecoder does not wait for the line end to refuse a chunk that goes on", () => {
  assertThrows(
    () => decode([latin1Bytes("3\r\nhell")]),
    ProtocolError,
    "longer than its size",
  );
});
