import { assertEquals } from "@std/assert";
import { TelnetFilter } from "../../../tools/protocol/telnet.ts";

const text = (word: string): number[] => [...new TextEncoder().encode(word)];
const [SE, NOP, SB, WILL, WONT, DO, DONT, IAC] = [240, 241, 250, 251, 252, 253, 254, 255] as const;
const LF = 10;

Deno.test("TelnetFilter takes commands out of the text, however it is split", () => {
  const rows: [input: number[], output: number[]][] = [
    [text("déjà vu\r\n"), text("déjà vu\r\n")],
    [[IAC, WILL, 31, ...text("a"), IAC, WONT, 1, ...text("b")], text("ab")],
    // An option with the number of a line feed ends no line.
    [[...text("a"), IAC, DO, LF, IAC, DONT, LF, ...text("b")], text("ab")],
    [[...text("a"), IAC, SB, 24, 0, LF, IAC, IAC, 120, IAC, SE, ...text("b")], text("ab")],
    [[...text("a"), IAC, NOP, ...text("b")], text("ab")],
    [[...text("a"), IAC, IAC, ...text("b")], [...text("a"), IAC, ...text("b")]],
    [[...text("a"), IAC], text("a")],
  ];
  for (const [input, output] of rows) {
    for (const size of [1, 2, 3, 100]) {
      const filter = new TelnetFilter();
      const filtered: number[] = [];
      for (let at = 0; at < input.length; at += size) {
        filtered.push(...filter.filter(Uint8Array.from(input.slice(at, at + size))));
      }
      assertEquals(filtered, output, `${input} by ${size}`);
    }
  }
});
