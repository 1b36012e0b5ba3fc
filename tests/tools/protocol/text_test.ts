import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  escapedBytes,
  latin1,
  latin1Bytes,
  UNSAFE,
  visible,
  visibleBytes,
  visibleLines,
} from "../../../tools/protocol/text.ts";

Deno.test("visible: what could steer a terminal is escaped, all else stays", () => {
  const table: [text: string, shown: string][] = [
    ["plain text, é and 日本", "plain text, é and 日本"],
    ["a\tb\r\n", "a\\tb\\r\\n"],
    ["\x1b]52;c;\x07", "\\x1b]52;c;\\x07"],
    ["\0\x7f", "\\x00\\x7f"],
    ["\x9b2J\x80\x9f", "\\x9b2J\\x80\\x9f"], // C1: some terminals take U+009B for ESC [.
    ["\u202egnp.exe", "\\u{202e}gnp.exe"],
    [
      "\u200e\u200f\u061c\u2066\u2069",
      "\\u{200e}\\u{200f}\\u{61c}\\u{2066}\\u{2069}",
    ],
    ["\u2028\u2029\ufeff", "\\u{2028}\\u{2029}\\u{feff}"],
  ];
  for (const [text, shown] of table) assertEquals(visible(text), shown);
});

Deno.test("visible: nothing unsafe is left of any text", () => {
  fc.assert(fc.property(
    fc.string({ unit: "binary" }),
    (text) => assertEquals(visible(text).match(UNSAFE), null),
  ));
});

Deno.test("visibleLines() lets lines and tabs through, and nothing that steers a terminal", () => {
  assertEquals(visibleLines("a\tb\r\nc\n"), "a\tb\nc\n");
  assertEquals(visibleLines("\x1b[2Jé\x07\x9b\u202e\rx"), "\\x1b[2Jé\\x07\\x9b\\u{202e}\\rx");
});

Deno.test("visibleBytes: bytes that are not UTF-8 become U+FFFD, a byte order mark is shown", () => {
  assertEquals(visibleBytes(new Uint8Array([0x61, 0xff, 0x62])), "a\ufffdb");
  assertEquals(
    visibleBytes(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])),
    "\\u{feff}a",
  );
});

Deno.test("escapedBytes: text in UTF-8 is shown, all that is not plain as escapes", () => {
  const table: [bytes: number[] | string, shown: string][] = [
    ["plain text, é, 日本 and 😀", "plain text, é, 日本 and 😀"],
    ["GET / HTTP/1.1\r\n\t", "GET / HTTP/1.1\\r\\n\\t"],
    ["\x1b]52;c;\x07\0\x7f", "\\x1b]52;c;\\x07\\x00\\x7f"],
    ["\u202egnp.exe\ufeff", "\\u{202e}gnp.exe\\u{feff}"],
    ["C:\\new\\x41", "C:\\\\new\\\\x41"],
    // U+009B in UTF-8 is not the byte 9b.
    ["\x9b2J", "\\u{9b}2J"],
    [[0x9b, 0x32, 0x4a], "\\x9b2J"],
    // One byte that is no UTF-8 spoils nothing beside it.
    [[0xc3, 0xa9, 0xff, 0xc3, 0xa9], "é\\xffé"],
    [[0xc3], "\\xc3"],
    [[0xc3, 0x0a], "\\xc3\\n"],
    [[0x5c, 0x80], "\\\\\\x80"],
    [[0xe2, 0x80, 0xae, 0x80], "\\u{202e}\\x80"],
    // Too long a form, half of a surrogate pair, beyond the last character.
    [[0xc0, 0x80], "\\xc0\\x80"],
    [[0xe0, 0x80, 0x80], "\\xe0\\x80\\x80"],
    [[0xed, 0xa0, 0x80], "\\xed\\xa0\\x80"],
    [[0xf4, 0x90, 0x80, 0x80], "\\xf4\\x90\\x80\\x80"],
    [[], ""],
  ];
  for (const [bytes, shown] of table) {
    assertEquals(
      escapedBytes(
        typeof bytes === "string" ? new TextEncoder().encode(bytes) : Uint8Array.from(bytes),
      ),
      shown,
    );
  }
});

/** The bytes that `escapedBytes` showed. */
function unescaped(shown: string): Uint8Array {
  const named: Record<string, number> = { "\\": 0x5c, t: 9, n: 10, r: 13 };
  const parts = shown.match(/\\x..|\\u\{[^}]*\}|\\.|[^\\]/gu) ?? [];
  return Uint8Array.from(parts.flatMap((part) => {
    if (part.startsWith("\\x")) return [parseInt(part.slice(2), 16)];
    const char = part.startsWith("\\u") ? String.fromCodePoint(parseInt(part.slice(3), 16)) : part;
    return char.startsWith("\\")
      ? [named[char.charAt(1)] ?? -1]
      : [...new TextEncoder().encode(char)];
  }));
}

Deno.test("escapedBytes: nothing unsafe is left, and the bytes can be told again", () => {
  const bytes = fc.oneof(
    fc.uint8Array(),
    fc.string({ unit: "binary" }).map((text) => new TextEncoder().encode(text)),
    fc.tuple(fc.string({ unit: "grapheme" }), fc.uint8Array()).map(([text, tail]) =>
      Uint8Array.of(...new TextEncoder().encode(text), ...tail)
    ),
  );
  fc.assert(
    fc.property(bytes, (bytes) => {
      const shown = escapedBytes(bytes);
      assertEquals(shown.match(UNSAFE), null);
      assertEquals(unescaped(shown), bytes);
    }),
    { numRuns: 500 },
  );
});

Deno.test("latin1: each byte is one character, and back", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 20_000, size: "max" }),
      (bytes) => {
        const text = latin1(bytes);
        assert(text.length === bytes.length);
        assertEquals(new Uint8Array(latin1Bytes(text)), bytes);
      },
    ),
    { numRuns: 20 },
  );
  assertEquals(latin1(new Uint8Array([0, 0xe9, 0xff])), "\0éÿ");
  assertThrows(() => latin1Bytes("a€"), RangeError, "not a byte: €");
});
