import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  latin1,
  latin1Bytes,
  UNSAFE,
  visible,
  visibleBytes,
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

Deno.test("visibleBytes: bytes that are not UTF-8 become U+FFFD, a byte order mark is shown", () => {
  assertEquals(visibleBytes(new Uint8Array([0x61, 0xff, 0x62])), "a\ufffdb");
  assertEquals(
    visibleBytes(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])),
    "\\u{feff}a",
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
