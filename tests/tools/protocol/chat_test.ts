import { assertEquals } from "@std/assert";
import { safeText } from "../../../tools/protocol/chat.ts";

Deno.test("safeText() leaves text as it is, and writes what steers a terminal as escapes", () => {
  const rows: [text: string, safe: string][] = [
    ["Grüße, 你好 👩‍👩‍👧", "Grüße, 你好 👩‍👩‍👧"],
    ["\tif (a < b)", "\tif (a < b)"],
    ["\x1b[2J", "\\x1b[2J"],
    ["\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"],
    ["a\rb\0c\bd\x7f", "a\\rb\\x00c\\x08d\\x7f"],
    ["\x9b31m", "\\x9b31m"],
    ["a\u202eb\u2066c\u200fd", "a\\u{202e}b\\u{2066}c\\u{200f}d"],
    ["a\u2028b", "a\\u{2028}b"],
  ];
  for (const [text, safe] of rows) {
    assertEquals(safeText(text), safe);
    assertEquals(safeText(safe), safe);
  }
});
