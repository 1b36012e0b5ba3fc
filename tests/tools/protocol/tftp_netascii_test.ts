import { assertEquals } from "@std/assert";
import fc from "fast-check";
import type { Source } from "../../../tools/protocol/tftp_blocks.ts";
import { netasciiSink, netasciiSource } from "../../../tools/protocol/tftp_netascii.ts";
import { BytesSink, bytesSource } from "../../support/tftp_line.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Everything from `source`, in blocks of `blksize`. */
function blocks(source: Source, blksize: number): string[] {
  const all: string[] = [];
  const buffer = new Uint8Array(blksize);
  for (;;) {
    const length = source.read(buffer);
    all.push(decoder.decode(buffer.subarray(0, length)));
    if (length < blksize) return all;
  }
}

/** What the sink makes of `wire`, when it comes in pieces of `size`. */
function received(wire: Uint8Array, size: number): Uint8Array {
  const sink = new BytesSink();
  const decoding = netasciiSink(sink);
  for (let at = 0; at < wire.length; at += size) decoding.write(wire.subarray(at, at + size));
  decoding.end();
  return sink.data;
}

const TEXTS: [local: string, wire: string][] = [
  ["", ""],
  ["plain", "plain"],
  ["a\nb\n", "a\r\nb\r\n"],
  ["a\rb", "a\r\0b"],
  ["a\r\nb", "a\r\0\r\nb"],
  ["\n\n\r\r", "\r\n\r\n\r\0\r\0"],
];

Deno.test("netascii: LF is CR LF and CR is CR NUL on the wire, over every edge of a block", () => {
  for (const [local, wire] of TEXTS) {
    for (let size = 1; size <= 9; size++) {
      const sent = blocks(netasciiSource(bytesSource(encoder.encode(local))), size);
      assertEquals(sent.join(""), wire);
      assertEquals(sent.slice(0, -1).every((block) => block.length === size), true);
      assertEquals(decoder.decode(received(encoder.encode(wire), size)), local);
    }
  }
});

Deno.test("netascii: a CR that stands for nothing stays", () => {
  for (const size of [1, 2, 100]) {
    assertEquals(decoder.decode(received(encoder.encode("a\rb\r\r\nc\r"), size)), "a\rb\r\nc\r");
  }
});

Deno.test("netascii: any file comes back as it was, in blocks and pieces of any size", () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((bytes) =>
    bytes.map((byte) => [10, 13, 0][byte % 5] ?? byte)
  );
  fc.assert(fc.property(bytes, fc.integer({ min: 1, max: 64 }), (data, size) => {
    const sink = new BytesSink();
    const decoding = netasciiSink(sink);
    const source = netasciiSource(bytesSource(data));
    const buffer = new Uint8Array(size);
    let length;
    do {
      length = source.read(buffer);
      decoding.write(buffer.subarray(0, length));
    } while (length === size);
    decoding.end();
    assertEquals(sink.data, data);
  }));
});

Deno.test("netascii: a file longer than a piece of it", () => {
  const data = new Uint8Array(100_000).map((_, i) => i % 7 === 0 ? 10 : 65 + i % 20);
  const sent = blocks(netasciiSource(bytesSource(data)), 512).join("");
  assertEquals(sent, decoder.decode(data).replaceAll("\n", "\r\n"));
  assertEquals(received(encoder.encode(sent), 1000), data);
});
