import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { ByteReader, type LineEnd } from "../../../tools/net/reader.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { latin1, latin1Bytes } from "../../../tools/protocol/text.ts";
import { readAll, streamOf } from "../../support/stream.ts";

const LONGEST = 10;
const TOO_LONG = `! a line is longer than ${LONGEST} bytes`;
const CUT = "! the connection ended in the middle of a line";
const BARE = "! a line ends in LF alone, not in CRLF";

/** What a stream holds, and the lines it is read as; `!` and why, where the reading stops. */
const TABLE: { text: string; end: LineEnd; lines: string[] }[] = [
  { text: "", end: "crlf", lines: [] },
  { text: "one\r\n", end: "crlf", lines: ["one"] },
  { text: "one\r\ntwo\r\n\r\nfour\r\n", end: "crlf", lines: ["one", "two", "", "four"] },
  { text: "\r\n", end: "crlf", lines: [""] },
  { text: "0123456789\r\n", end: "crlf", lines: ["0123456789"] },
  { text: "0123456789x\r\n", end: "crlf", lines: [TOO_LONG] },
  { text: "a\r\n0123456789x", end: "crlf", lines: ["a", CUT] },
  { text: "0123456789xy", end: "crlf", lines: [TOO_LONG] },
  { text: "0123456789\r", end: "crlf", lines: [CUT] },
  { text: "one\ntwo\r\n", end: "crlf", lines: [BARE] },
  { text: "one\r\n\n", end: "crlf", lines: ["one", BARE] },
  { text: "one\ntwo\r\n\n", end: "lf", lines: ["one", "two", ""] },
  { text: "0123456789\n", end: "lf", lines: ["0123456789"] },
  { text: "0123456789x\n", end: "lf", lines: [TOO_LONG] },
  { text: "one\r\ntw", end: "crlf", lines: ["one", CUT] },
  { text: "one\r", end: "lf", lines: [CUT] },
  // CR is the end of a line with LF alone; what a line may hold is for the grammar.
  { text: "a\rb\r\r\n", end: "crlf", lines: ["a\rb\r"] },
  { text: "\0\xff\x80\r\n", end: "crlf", lines: ["\0\xff\x80"] },
];

/** All lines, and what the ProtocolError says that stopped the reading if one did. */
async function linesOf(reader: ByteReader, end: LineEnd): Promise<string[]> {
  const lines: string[] = [];
  try {
    for (
      let line = await reader.readLine({ longest: LONGEST, end });
      line !== null;
      line = await reader.readLine({ longest: LONGEST, end })
    ) lines.push(latin1(line));
  } catch (error) {
    assert(error instanceof ProtocolError);
    lines.push(`! ${error.message}`);
  }
  return lines;
}

/** A stream that gives `data` in pieces of the sizes of `steps`, again and again. */
function inSteps(data: Uint8Array, steps: number[]): ReturnType<typeof streamOf> {
  const pieces = [];
  for (let at = 0, i = 0; at < data.length; i++) {
    const step = steps[i % steps.length] ?? data.length;
    pieces.push(data.subarray(at, at += step));
  }
  return streamOf(...pieces);
}

for (const { text, end, lines } of TABLE) {
  Deno.test(`reader: ${JSON.stringify(text)} as ${end} lines, whole and byte by byte`, async () => {
    for (const steps of [[text.length], [1], [2, 3]]) {
      assertEquals(await linesOf(new ByteReader(inSteps(latin1Bytes(text), steps)), end), lines);
    }
  });
}

Deno.test("reader: what comes after a line is there for whoever reads next, by lines or bytes", async () => {
  const data = latin1Bytes("first\r\nbinary\r\ndata");
  for (const steps of [[data.length], [1], [8], [7, 5]]) {
    const reader = new ByteReader(inSteps(data, steps));
    assertEquals(latin1(await reader.readLine({ longest: 10, end: "crlf" }) ?? data), "first");
    const buffer = new Uint8Array(4);
    const length = await reader.read(buffer) ?? 0;
    assert(length > 0);
    const rest = latin1(buffer.subarray(0, length)) + latin1(await readAll(reader));
    assertEquals(rest, "binary\r\ndata");
    assertEquals(await reader.read(buffer), null);
    assertEquals(await reader.readLine({ longest: 10, end: "crlf" }), null);
  }
});

Deno.test("reader: buffered tells what was received and not read", async () => {
  const reader = new ByteReader(streamOf("STARTTLS\r\nNOOP\r\n", "more"));
  assertEquals(reader.buffered, 0);
  await reader.readLine({ longest: 100, end: "crlf" });
  assertEquals(reader.buffered, 6);
  await reader.read(new Uint8Array(4));
  assertEquals(reader.buffered, 2);
  await reader.readLine({ longest: 100, end: "crlf" });
  assertEquals(reader.buffered, 0);
});

Deno.test("reader: a read of bytes goes straight to the stream when nothing is buffered", async () => {
  const sizes: number[] = [];
  const reader = new ByteReader({
    read(buffer): Promise<number> {
      sizes.push(buffer.length);
      return Promise.resolve(buffer.length);
    },
  });
  assertEquals(await reader.read(new Uint8Array(1_000_000)), 1_000_000);
  assertEquals(sizes, [1_000_000]);
});

Deno.test("reader: lines longer than the first buffer, and many lines in one read", async () => {
  const lines = [5000, 1, 70_000, 4096, 4095, 4094, 0, 20_000].map((length, i) =>
    String(i).repeat(length)
  );
  const data = latin1Bytes(lines.map((line) => `${line}\r\n`).join(""));
  for (const [steps, least] of [[[data.length]], [[1000]], [[4097]], [[1000], 64]] as const) {
    const reader = new ByteReader(inSteps(data, [...steps]), least);
    for (const line of lines) {
      const read = await reader.readLine({ longest: 70_000, end: "crlf" });
      assertEquals(read && latin1(read), line);
    }
  }
});

Deno.test("reader: a line without an end costs no more memory than its maximum asks for", async () => {
  let read = 0;
  const reader = new ByteReader({
    read(buffer): Promise<number> {
      read += buffer.length;
      buffer.fill(120);
      return Promise.resolve(buffer.length);
    },
  });
  await assertRejects(() => reader.readLine({ longest: 10_000, end: "lf" }), ProtocolError);
  assert(read <= 20_000, `${read}`);
});

Deno.test("reader: after a long line the connection holds little memory again", async () => {
  const held: number[] = [];
  const reader = new ByteReader({
    read(buffer): Promise<number> {
      held.push(buffer.buffer.byteLength);
      const ends = held.length % 8 === 0;
      buffer.fill(ends ? 10 : 120);
      return Promise.resolve(ends ? 1 : buffer.length);
    },
  });
  const line = await reader.readLine({ longest: 1 << 30, end: "lf" });
  assert(line && line.length > 100_000);
  await reader.readLine({ longest: 1 << 30, end: "lf" });
  assertEquals(held[8], held[0]);
});

Deno.test("reader: no byte is searched twice for the end of a line", async () => {
  const length = 10_000;
  let sent = 0;
  const reader = new ByteReader({
    read(buffer): Promise<number> {
      buffer[0] = sent++ < length ? 120 : 10;
      return Promise.resolve(1);
    },
  });
  const { indexOf } = Uint8Array.prototype;
  let searched = 0;
  Uint8Array.prototype.indexOf = function (byte, from = 0): number {
    searched += this.length - from;
    return indexOf.call(this, byte, from);
  };
  try {
    assertEquals((await reader.readLine({ longest: length, end: "lf" }))?.length, length);
  } finally {
    Uint8Array.prototype.indexOf = indexOf;
  }
  assertEquals(searched, length + 1);
});

Deno.test("reader: what the stream throws comes through, and what arrived before it is kept", async () => {
  let reads = 0;
  const reader = new ByteReader({
    read(buffer): Promise<number> {
      if (reads++ > 0) return Promise.reject(new Deno.errors.ConnectionReset());
      buffer.set(latin1Bytes("220 hel"));
      return Promise.resolve(7);
    },
  });
  await assertRejects(
    () => reader.readLine({ longest: 100, end: "crlf" }),
    Deno.errors.ConnectionReset,
  );
  assertEquals(reader.buffered, 7);
});

Deno.test("reader: whatever comes, in whatever pieces: lines and rest are the stream, or a ProtocolError", async () => {
  const piece = fc.constantFrom("\r", "\n", "\r\n", "x", "yz", "0123456789", "\0");
  const property = fc.asyncProperty(
    fc.array(piece, { maxLength: 30 }),
    fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }),
    fc.integer({ min: 0, max: 12 }),
    fc.constantFrom<LineEnd>("crlf", "lf"),
    async (pieces, steps, most, end) => {
      const text = pieces.join("");
      const reader = new ByteReader(inSteps(latin1Bytes(text), steps));
      let seen = 0;
      for (let i = 0; i < most; i++) {
        let line: Uint8Array | null;
        try {
          line = await reader.readLine({ longest: LONGEST, end });
        } catch (error) {
          assert(error instanceof ProtocolError);
          return;
        }
        if (line === null) break;
        assert(line.length <= LONGEST);
        const ended = text.indexOf("\n", seen) + 1;
        const whole = text.slice(seen, ended);
        assertEquals(latin1(line), end === "lf" ? whole.replace(/\r?\n$/, "") : whole.slice(0, -2));
        seen = ended;
      }
      assertEquals(latin1(await readAll(reader)), text.slice(seen));
    },
  );
  await fc.assert(property, { numRuns: 500 });
});
