/** Reading control connections with urgent data. */
import { assertEquals } from "@std/assert";
import { withUrgentData } from "../../../servers/ftp/urgent.ts";
import { ByteReader } from "../../../tools/net/reader.ts";
import { streamOf } from "../../support/stream.ts";

/** What comes in pieces, as a socket gives them, and the lines that it means. */
const CASES: [pieces: string[], lines: string[]][] = [
  [["NOOP\r\nPWD\r\n"], ["NOOP", "PWD"]],
  [["N", "OO", "P\r", "\n", "PWD\r\n"], ["NOOP", "PWD"]],
  [["ABOR\r\n", "PWD\r\n"], ["ABOR", "PWD"]],
  [["ABOR\r", "\n", "PWD\r\n"], ["ABOR", "PWD"]],
  // The LF was urgent, and never comes.
  [["ABOR\r", "PWD\r\n"], ["ABOR", "PWD"]],
  [["ABOR\r"], ["ABOR"]],
  [["NOOP\r\nABOR\r", "\r\n"], ["NOOP", "ABOR", ""]],
  [["\xff\xf4", "\xf2ABOR\r\n"], ["\xff\xf4\xf2ABOR"]],
  [["\xff\xf4\xff", "ABOR\r\n"], ["\xff\xf4\xffABOR"]],
];

Deno.test("ftpd: urgent data costs no command, and makes none", async () => {
  for (const [pieces, lines] of CASES) {
    const stream = streamOf(
      ...pieces.map((piece) => Uint8Array.from(piece, (char) => char.charCodeAt(0))),
    );
    const reader = new ByteReader(withUrgentData(stream, () => true));
    const read: string[] = [];
    for (let line; (line = await reader.readLine({ longest: 100, end: "lf" })) !== null;) {
      read.push(String.fromCharCode(...line));
    }
    assertEquals(read, lines, pieces.join("|"));
  }
});

Deno.test("ftpd: what comes before a letter is read one byte at a time", async () => {
  const asked: number[] = [];
  const inner = streamOf(Uint8Array.of(0xff, 0xf4, 0xf2, 65, 66, 13, 10));
  let mayCome = true;
  const stream = withUrgentData(
    {
      read(buffer): Promise<number | null> {
        asked.push(buffer.length);
        return inner.read(buffer);
      },
    },
    () => mayCome,
  );
  while (await stream.read(new Uint8Array(100)) !== null);
  assertEquals(asked, [1, 1, 1, 1, 100, 1]);
  mayCome = false;
  await stream.read(new Uint8Array(100));
  assertEquals(asked.at(-1), 100);
});
