/** Content codings as servers send them, whole and in small pieces, and as they should not. */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import zlib from "node:zlib";
import { decoded } from "../../../clients/http/content_coding.ts";
import { concat } from "../../../tools/protocol/bytes.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { Fields } from "../../../tools/protocol/http_fields.ts";
import { latin1, latin1Bytes } from "../../../tools/protocol/text.ts";

const TEXT = "the same words again and again, ".repeat(2000) + "and an end";
const CONTENT = latin1Bytes(TEXT);
const GZIP = bytes(zlib.gzipSync(CONTENT));
const ZLIB = bytes(zlib.deflateSync(CONTENT));
const RAW = bytes(zlib.deflateRawSync(CONTENT));
const BROTLI = bytes(zlib.brotliCompressSync(CONTENT));
const ZSTD = bytes(zlib.zstdCompressSync(CONTENT));
const JUNK = latin1Bytes("\r\n<!-- junk -->");
// RFC 8878 section 3.1.2: a frame that decoders skip.
const SKIPPABLE = Uint8Array.of(0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);
// A gzip header with everything in it: an extra field, name, comment and checksum.
const LONG_HEADER = concat([
  Uint8Array.of(0x1f, 0x8b, 8, 2 + 4 + 8 + 16, 0, 0, 0, 0, 0, 3, 2, 0, 7, 7),
  latin1Bytes("cake.txt\0a comment\0"),
  Uint8Array.of(0, 0),
  GZIP.subarray(10),
]);

const GOOD: [name: string, coding: string, wire: Uint8Array, text: string][] = [
  ["gzip", "gzip", GZIP, TEXT],
  ["gzip by its old name, in capitals", "X-GZIP", GZIP, TEXT],
  ["gzip in two members", "gzip", concat([GZIP, GZIP]), TEXT + TEXT],
  ["gzip with an empty member", "gzip", concat([bytes(zlib.gzipSync("")), GZIP]), TEXT],
  ["gzip with a long header", "gzip", LONG_HEADER, TEXT],
  ["gzip and junk", "gzip", concat([GZIP, JUNK]), TEXT],
  ["gzip, padded", "gzip", concat([GZIP, new Uint8Array(512)]), TEXT],
  ["deflate", "deflate", ZLIB, TEXT],
  ["deflate and junk", "deflate", concat([ZLIB, JUNK]), TEXT],
  ["deflate without the zlib header", "deflate", RAW, TEXT],
  ["br", "br", BROTLI, TEXT],
  ["br and junk", "br", concat([BROTLI, JUNK]), TEXT],
  ["zstd", "zstd", ZSTD, TEXT],
  ["zstd in two frames", "zstd", concat([ZSTD, SKIPPABLE, ZSTD]), TEXT + TEXT],
  ["zstd and junk", "zstd", concat([ZSTD, JUNK]), TEXT],
  ["gzip in br", "gzip, br", bytes(zlib.brotliCompressSync(GZIP)), TEXT],
  ["identity", "identity", CONTENT, TEXT],
  ["nothing at all, whatever it is called", "gzip", new Uint8Array(0), ""],
];

const BAD: [name: string, coding: string, wire: Uint8Array, error: RegExp][] = [
  ["no gzip", "gzip", JUNK, /gzip coding of the body is damaged/],
  ["no deflate", "deflate", latin1Bytes("<html>"), /deflate coding of the body/],
  ["no br", "br", latin1Bytes("<html>hello</html>"), /br coding of the body is damaged/],
  ["no zstd", "zstd", JUNK, /zstd coding of the body is damaged/],
  ["gzip of an unknown method", "gzip", damaged(GZIP, 2), /is damaged/],
  ["gzip with an unknown flag", "gzip", damaged(GZIP, 3, 0x20), /is damaged/],
  ["gzip with a wrong checksum", "gzip", damaged(GZIP, GZIP.length - 8), /is damaged/],
  ["gzip with a wrong size", "gzip", damaged(GZIP, GZIP.length - 1), /is damaged/],
  ["deflate with a wrong checksum", "deflate", damaged(ZLIB, ZLIB.length - 1), /is damaged/],
  ["a gzip header without an end", "gzip", endless(), /header is longer than 8192/],
];

for (const [name, coding, wire, text] of GOOD) {
  Deno.test(`content coding: ${name}`, async () => {
    for (const step of [wire.length, 1, 7]) assertEquals(await undone(coding, wire, step), text);
  });
}

for (const [name, coding, wire, error] of BAD) {
  Deno.test(`content coding: ${name}`, async () => {
    for (const step of [wire.length, 1]) {
      const caught = await assertRejects(() => undone(coding, wire, step), ProtocolError);
      assertMatch(caught.message, error);
    }
  });
}

Deno.test("content coding: a coding that ends too early is an error, wherever it ends", async () => {
  const small = latin1Bytes("some words");
  const wires = {
    gzip: bytes(zlib.gzipSync(small)),
    deflate: bytes(zlib.deflateSync(small)),
    br: bytes(zlib.brotliCompressSync(small)),
    zstd: bytes(zlib.zstdCompressSync(small)),
  };
  for (const [coding, wire] of Object.entries(wires)) {
    for (let length = 1; length < wire.length; length++) {
      const caught = await assertRejects(
        () => undone(coding, wire.subarray(0, length), length),
        ProtocolError,
        `the ${coding} coding of the body`,
      );
      if (length > 4) assertMatch(caught.message, /ends too early/);
    }
  }
});

Deno.test("content coding: what was decoded before an error is not lost", async () => {
  const noise = crypto.getRandomValues(new Uint8Array(60_000));
  const wires = {
    gzip: zlib.gzipSync(noise),
    deflate: zlib.deflateSync(noise),
    br: zlib.brotliCompressSync(noise),
    zstd: zlib.zstdCompressSync(noise),
  };
  for (const [coding, wire] of Object.entries(wires)) {
    const pieces: Uint8Array[] = [];
    const reading = async (): Promise<void> => {
      for await (const piece of decoded(cut(wire), fields(coding))) pieces.push(piece.slice());
    };
    await assertRejects(reading, ProtocolError, "cut off");
    const got = concat(pieces);
    assertEquals(got, noise.subarray(0, got.length), coding);
    // zstd holds its block of 128 KiB back until it is whole.
    assert(got.length > 40_000 || coding === "zstd", `${coding} ${got.length}`);
  }
});

Deno.test("content coding: a reader that has enough leaves nothing open", async () => {
  for (const [coding, wire] of [["gzip", GZIP], ["br", BROTLI], ["zstd", ZSTD]] as const) {
    for await (const piece of decoded(endlessly(wire), fields(coding))) {
      assert(piece.length > 0);
      break;
    }
  }
});

Deno.test("content coding: unknown ones, and too many layers, are refused", () => {
  for (const coding of ["lzma", "constructor"]) {
    assertThrows(
      () => decoded(pieces(GZIP, 1), fields(coding)),
      ProtocolError,
      "is not known here",
    );
  }
  const many = fields(Array(6).fill("gzip").join());
  assertThrows(() => decoded(pieces(GZIP, 1), many), ProtocolError, "coded 6 times over");
});

Deno.test("content coding: bytes of any kind give content or a ProtocolError", async () => {
  const coding = fc.constantFrom("gzip", "deflate", "br", "zstd");
  const start = fc.constantFrom(GZIP, ZLIB, BROTLI, ZSTD, new Uint8Array(0));
  const property = fc.asyncProperty(
    coding,
    start,
    fc.nat(60),
    fc.uint8Array({ minLength: 1 }),
    fc.integer({ min: 1, max: 50 }),
    async (coding, start, length, rest, step) => {
      try {
        await undone(coding, concat([start.subarray(0, length), rest]), step);
      } catch (error) {
        assert(error instanceof ProtocolError, String(error));
      }
    },
  );
  await fc.assert(property);
});

async function* cut(wire: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < 50_000; at += 1000) yield wire.subarray(at, at + 1000);
  throw new ProtocolError("cut off");
}

async function* endlessly(wire: Uint8Array): AsyncGenerator<Uint8Array> {
  for (;;) yield wire;
}

function bytes(buffer: Uint8Array): Uint8Array {
  return new Uint8Array(buffer);
}

function damaged(wire: Uint8Array, at: number, by = 1): Uint8Array {
  const copy = wire.slice();
  copy[at] = (copy[at] ?? 0) ^ by;
  return copy;
}

function endless(): Uint8Array {
  const name = new Uint8Array(9000).fill(65);
  name.set([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]);
  return name;
}

function fields(coding: string): Fields {
  return new Fields([{ name: "Content-Encoding", value: coding }]);
}

/** Pieces as `readBody` gives them: one that is used again when the next is asked for. */
async function* pieces(wire: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  const buffers = [new Uint8Array(step), new Uint8Array(step)] as const;
  for (let at = 0, turn = 0; at < wire.length; at += step, turn ^= 1) {
    const part = wire.subarray(at, at + step);
    const buffer = turn === 0 ? buffers[0] : buffers[1];
    buffer.set(part);
    yield buffer.subarray(0, part.length);
  }
}

async function undone(coding: string, wire: Uint8Array, step: number): Promise<string> {
  const content: Uint8Array[] = [];
  for await (const piece of decoded(pieces(wire, step), fields(coding))) {
    content.push(piece.slice());
  }
  return latin1(concat(content));
}
