import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  formatSize,
  parseCount,
  parseDuration,
  parsePort,
  parsePortRange,
  parseSize,
} from "../../../tools/protocol/units.ts";

type Row = [text: string, value: number | "refused"];

const TABLES: [name: string, parse: (text: string) => number, rows: Row[]][] = [
  ["duration", parseDuration, [
    ["250ms", 250],
    ["5s", 5000],
    ["5", 5000],
    ["1.5s", 1500],
    ["2m", 120_000],
    ["1h", 3_600_000],
    ["1ms", 1],
    ["2147483647ms", 2 ** 31 - 1], // The longest a timer holds.
    ["2147483648ms", "refused"],
    ["0", "refused"],
    ["0.5ms", "refused"],
    ["-5s", "refused"],
    ["5 s", "refused"],
    ["5S", "refused"],
    ["1e3", "refused"],
    ["", "refused"],
    ["s", "refused"],
    ["5s\n", "refused"],
  ]],
  ["size", parseSize, [
    ["0", 0],
    ["512", 512],
    ["64K", 65_536],
    ["64k", 65_536],
    ["10M", 10 * 2 ** 20],
    ["1G", 2 ** 30],
    ["1T", 2 ** 40],
    ["8191T", 8191 * 2 ** 40],
    ["8192T", "refused"], // Above what a number holds exactly.
    ["1.5G", "refused"],
    ["1P", "refused"],
    ["-1", "refused"],
    ["", "refused"],
    ["K", "refused"],
    ["1KB", "refused"],
  ]],
  ["count from 0", parseCount, [
    ["0", 0],
    ["007", 7],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
    ["9007199254740992", "refused"],
    ["1.0", "refused"],
    ["-1", "refused"],
    ["0x10", "refused"],
    [" 1", "refused"],
    ["", "refused"],
  ]],
  ["count from 1", (text) => parseCount(text, 1), [["0", "refused"], ["1", 1]]],
  ["port", parsePort, [
    ["1", 1],
    ["65535", 65_535],
    ["0", "refused"],
    ["65536", "refused"],
    ["99999", "refused"],
    ["000080", "refused"],
    ["+80", "refused"],
    ["80 ", "refused"],
    ["", "refused"],
  ]],
  ["port to listen on", (text) => parsePort(text, true), [["0", 0]]],
];

for (const [name, parse, rows] of TABLES) {
  Deno.test(`${name}: what is read and what is refused`, () => {
    for (const [text, value] of rows) {
      if (value === "refused") {
        assertThrows(() => parse(text), RangeError, undefined, text);
      } else assertEquals(parse(text), value, text);
    }
  });

  Deno.test(`${name}: any text gives a number or a RangeError`, () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
      try {
        assert(Number.isFinite(parse(text)));
      } catch (error) {
        assert(error instanceof RangeError, String(error));
      }
    }));
  });
}

Deno.test("formatSize: bytes for people", () => {
  const table: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1536, "1.5 KiB"],
    [2 ** 30, "1.0 GiB"],
    [2 ** 40, "1.0 TiB"],
    [2 ** 50, "1024.0 TiB"],
  ];
  for (const [bytes, shown] of table) assertEquals(formatSize(bytes), shown);
});

Deno.test("parsePortRange: one port, or the first and the last", () => {
  assertEquals(parsePortRange("50000-50100"), { first: 50000, last: 50100 });
  assertEquals(parsePortRange("50000"), { first: 50000, last: 50000 });
  for (const text of ["", "-", "1-", "-2", "2-1", "0-9", "1-65536", "1-2-3", "a-b"]) {
    assertThrows(() => parsePortRange(text), RangeError, undefined, text);
  }
});
