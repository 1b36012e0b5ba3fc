import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concat } from "../../../tools/protocol/bytes.ts";
import { AsciiDecoder, AsciiEncoder } from "../../../tools/protocol/ftp_ascii.ts";
import { charset } from "../../../tools/protocol/ftp_charset.ts";
import { monthNumber, MONTHS } from "../../../tools/protocol/ftp_month.ts";
import { formatTimeVal, isTellable, parseTimeVal } from "../../../tools/protocol/ftp_time.ts";
import { latin1, latin1Bytes } from "../../../tools/protocol/text.ts";

Deno.test("times are written and read (RFC 3659 section 2.3)", () => {
  const cases: [text: string, date: string][] = [
    ["20201123004012", "2020-11-23T00:40:12.000Z"],
    ["20201123004012.050", "2020-11-23T00:40:12.050Z"],
    ["19700101000000", "1970-01-01T00:00:00.000Z"],
    ["20240229235959.999", "2024-02-29T23:59:59.999Z"],
  ];
  for (const [text, date] of cases) {
    assertEquals(parseTimeVal(text)?.toISOString(), date);
    assertEquals(formatTimeVal(new Date(date)), text);
  }
  assertEquals(parseTimeVal("20201123004012.5")?.toISOString(), "2020-11-23T00:40:12.500Z");
  assertEquals(parseTimeVal("20201123004012.1234567")?.toISOString(), "2020-11-23T00:40:12.123Z");
  // A leap second.
  assertEquals(parseTimeVal("20161231235960")?.toISOString(), "2017-01-01T00:00:00.000Z");
  for (
    const text of [
      "",
      "20201123",
      "20201323004012",
      "20200230004012",
      "20201123240012",
      "20201123006012",
      "20201123004012.",
      "20201123004012Z",
      " 20201123004012",
      "191001123004012",
      "99991231235960",
    ]
  ) {
    assertEquals(parseTimeVal(text), undefined, text);
  }
  fc.assert(
    fc.property(
      fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true }),
      (date) => {
        assertEquals(parseTimeVal(formatTimeVal(date)), date);
      },
    ),
  );
});

Deno.test("a time is told in the years of four digits", () => {
  const first = Date.parse("0000-01-01T00:00:00Z");
  const end = Date.UTC(10_000, 0);
  assert([first, 0, end - 1].every((time) => isTellable(new Date(time))));
  assert(![first - 1, end, NaN].some((time) => isTellable(new Date(time))));
});

/** `text` through `step`, in pieces of `size` bytes. */
function through(step: (data: Uint8Array) => Uint8Array, text: string, size: number): string {
  const data = latin1Bytes(text);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += size) pieces.push(step(data.subarray(at, at + size)));
  return latin1(concat(pieces));
}

function encode(text: string, size: number): string {
  const encoder = new AsciiEncoder();
  return through((data) => encoder.encode(data), text, size);
}

function decode(text: string, size: number): string {
  const decoder = new AsciiDecoder();
  return through((data) => decoder.decode(data), text, size) + latin1(decoder.end());
}

Deno.test("TYPE A turns line ends into CRLF and back, however they are cut", () => {
  const cases: [local: string, wire: string][] = [
    ["", ""],
    ["a", "a"],
    ["a\nb\n", "a\r\nb\r\n"],
    ["\n\n", "\r\n\r\n"],
    ["a\rb\r", "a\rb\r"],
  ];
  for (const size of [1, 2, 3, 100]) {
    for (const [local, wire] of cases) {
      assertEquals(encode(local, size), wire);
      assertEquals(decode(wire, size), local);
    }
    // What is CRLF already stays so.
    assertEquals(encode("a\r\nb\r\n", size), "a\r\nb\r\n");
    assertEquals(decode("a\r\r\nb", size), "a\r\nb");
  }
  const text = fc.string({ unit: fc.constantFrom("a", "\n", "\r") });
  fc.assert(fc.property(text, fc.integer({ min: 1, max: 5 }), (text, size) => {
    assertEquals(encode(text, size), text.replace(/(?<!\r)\n/g, "\r\n"));
    assertEquals(decode(text, size), text.replaceAll("\r\n", "\n"));
  }));
});

Deno.test("names are written and read in the character set of the server", () => {
  const cases: [label: string, text: string, bytes: number[]][] = [
    ["utf-8", "\u00fc\u20ac", [0xc3, 0xbc, 0xe2, 0x82, 0xac]],
    ["UTF8", "\ufeffa", [0xef, 0xbb, 0xbf, 0x61]],
    ["latin1", "a\u00fc\u20ac", [0x61, 0xfc, 0x80]],
    ["iso-8859-15", "\u20ac", [0xa4]],
    ["koi8-r", "\u0434\u0430", [0xc4, 0xc1]],
    ["ibm866", "\u0434\u0430", [0xa4, 0xa0]],
    ["gbk", "a\u4e2d\u6587", [0x61, 0xd6, 0xd0, 0xce, 0xc4]],
    ["shift_jis", "\u65e5\uff71", [0x93, 0xfa, 0xb1]],
    // Two ways to write it: the first one.
    ["shift_jis", "\u2235", [0x81, 0xe6]],
    ["big5", "\u4e2d", [0xa4, 0xa4]],
    ["euc-kr", "\ud55c", [0xc7, 0xd1]],
  ];
  for (const [label, text, bytes] of cases) {
    const names = charset(label);
    assertEquals([...names.encode(text)], bytes, label);
    assertEquals(names.decode(Uint8Array.from(bytes)), text, label);
  }
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const names = charset("latin1");
  assertEquals(names.encode(names.decode(all)), all);
});

Deno.test("what a character set does not have is refused, and so are sets that are none", () => {
  assertThrows(() => charset("latin1").encode("\u0434"), RangeError, "not in windows-1252");
  assertThrows(() => charset("latin1").encode("a\x1b\u0434\u202e"), RangeError, "\u0434 is not");
  assertThrows(() => charset("nonsense"), RangeError);
  for (const label of ["utf-16", "utf-16be", "iso-2022-jp", "replacement"]) {
    assertThrows(() => charset(label), RangeError);
  }
});

Deno.test("monthNumber knows the abbreviations of ls in many languages", () => {
  MONTHS.forEach((month, i) => {
    assertEquals(monthNumber(month), i + 1);
    assertEquals(monthNumber(month.toUpperCase()), i + 1);
  });
  const cases: [word: string, month: number | undefined][] = [
    ["janv.", 1],
    ["ao\u00fbt", 8],
    ["Mai", 5],
    ["Okt", 10],
    ["Dez", 12],
    ["ene", 1],
    ["dic", 12],
    ["gen", 1],
    ["kwi", 4],
    ["marras", 11],
    ["\u044f\u043d\u0432", 1],
    ["\u043c\u0430\u0439", 5],
    ["3\u6708", 3],
    ["12\uc6d4", 12],
    ["Jax", undefined],
    ["Ja", undefined],
    ["", undefined],
    ["123", undefined],
  ];
  for (const [word, month] of cases) assertEquals(monthNumber(word), month, word);
});
