import { assertEquals } from "@std/assert";
import { hexDump } from "../../../tools/protocol/hex_dump.ts";

Deno.test("hexDump: as hexdump -C shows it, from any offset", () => {
  const table: [bytes: Uint8Array, offset: number, lines: string[]][] = [
    [new Uint8Array(0), 0, []],
    [
      new TextEncoder().encode("GET / HTTP/1.1\r\n\x1b[2J\x7fé"),
      0,
      [
        "00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |GET / HTTP/1.1..|",
        "00000010  1b 5b 32 4a 7f c3 a9                              |.[2J...|",
      ],
    ],
    [
      Uint8Array.of(0x20, 0x7e, 0xff),
      0xfffffff0,
      ["fffffff0  20 7e ff                                          | ~.|"],
    ],
    [
      new Uint8Array(9),
      1,
      ["00000001  00 00 00 00 00 00 00 00  00                       |.........|"],
    ],
  ];
  for (const [bytes, offset, lines] of table) assertEquals(hexDump(bytes, offset), lines);
});
