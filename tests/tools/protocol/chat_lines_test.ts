import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { LineCutter } from "../../../tools/protocol/chat_lines.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The lines of `pieces`, and what is left. */
function cut(longest: number, pieces: Uint8Array[]): { lines: string[]; rest: string } {
  const cutter = new LineCutter(longest);
  const lines: string[] = [];
  for (const piece of pieces) {
    for (const line of cutter.lines(piece)) lines.push(decoder.decode(line));
  }
  const rest = decoder.decode(cutter.end());
  assertEquals(cutter.end().length, 0);
  return { lines, rest };
}

/** `data` in pieces of `size` bytes. */
function pieces(data: Uint8Array, size: number): Uint8Array[] {
  return Array.from(
    { length: Math.ceil(data.length / size) },
    (_, i) => data.subarray(i * size, (i + 1) * size),
  );
}

Deno.test("LineCutter cuts lines, whole, byte by byte, and with more behind", () => {
  const rows: [text: string, lines: string[]][] = [
    ["", []],
    ["one\n", ["one"]],
    ["one\r\ntwo\n", ["one", "two"]],
    ["\r\n\n", ["", ""]],
    ["a\rb\r\r\n", ["a\rb\r"]],
    ["déjà vu\r\n你好\n", ["déjà vu", "你好"]],
    ["12345678\n12345678\r\n", ["12345678", "12345678"]],
    ["123456789abc\nok\r\n", ["12345678", "ok"]],
  ];
  for (const [text, lines] of rows) {
    for (const rest of ["", "more"]) {
      const data = encoder.encode(text + rest);
      const longest = text.startsWith("1") ? 8 : 100;
      for (const size of [1, 2, 3, 1000]) {
        assertEquals(cut(longest, pieces(data, size)), { lines, rest }, `${text} by ${size}`);
      }
    }
  }
});

Deno.test("LineCutter gives the same lines however the data comes", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("a", "é", "\r", "\n", "\r\n", "long text"), { maxLength: 40 }),
      fc.integer({ min: 1, max: 10 }),
      fc.integer({ min: 1, max: 30 }),
      (words, size, longest) => {
        const data = encoder.encode(words.join(""));
        const parts = cut(longest, pieces(data, size));
        assert(
          [...parts.lines, parts.rest].every((line) => encoder.encode(line).length <= longest + 4),
        );
        // A CR where a line is cut may or may not be its end.
        if (longest > data.length) assertEquals(parts, cut(longest, [data]));
      },
    ),
  );
});

Deno.test("LineCutter keeps no more than the longest line of one that never ends", () => {
  const cutter = new LineCutter(1000);
  const piece = new Uint8Array(100_000).fill(97);
  for (let i = 0; i < 100; i++) {
    assertEquals([...cutter.lines(piece)], []);
    assert(cutter.full);
  }
  // What it holds is all it can give.
  assertEquals([...cutter.lines(encoder.encode("\nnext\n"))].map((line) => line.length), [1000, 4]);
  assert(!cutter.full);
});
