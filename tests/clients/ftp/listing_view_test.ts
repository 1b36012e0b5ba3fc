import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { displayWidth, longListing, shortListing } from "../../../clients/ftp/listing_view.ts";
import type { FtpEntry } from "../../../tools/protocol/ftp_entry.ts";

function entry(name: string, more: Partial<FtpEntry> = {}): FtpEntry {
  return { name, type: name.endsWith("/") ? "dir" : "file", exact: true, ...more };
}

Deno.test("longListing() shows what is known, in columns", () => {
  const modified = new Date("2026-11-25T09:26:59Z");
  assertEquals(
    longListing([
      entry("cake.iso", { size: 734003200, modified, mode: 0o644, owner: "me", group: "users" }),
      entry("pub", { type: "dir", mode: 0o755, owner: "root", group: "root" }),
      entry("new", { type: "link", target: "cake\x1b.iso", mode: 0o777 }),
      entry("sock\u202e", { type: "other" }),
    ]),
    [
      "-rw-r--r--  me    users  734003200  2026-11-25 09:26  cake.iso",
      "drwxr-xr-x  root  root                                pub/",
      "lrwxrwxrwx                                            new -> cake\\x1b.iso",
      "?                                                     sock\\u{202e}",
      "",
    ].join("\n"),
  );
  assertEquals(
    longListing([entry("a", { size: 5 }), entry("b", { size: 10 })]),
    "-   5  a\n-  10  b\n",
  );
  assertEquals(longListing([]), "");
});

Deno.test("shortListing() fills the screen downwards, and no more than it", () => {
  const names = ["one", "two", "three", "four", "five", "six", "seven"];
  const list = (width: number): string => shortListing(names.map((name) => entry(name)), width);
  assertEquals(list(80), "one  two  three  four  five  six  seven\n");
  assertEquals(list(22), "one    four  seven\ntwo    five\nthree  six\n");
  assertEquals(list(12), "one    five\ntwo    six\nthree  seven\nfour\n");
  assertEquals(list(4), names.map((name) => `${name}\n`).join(""));
  assertEquals(list(0), names.map((name) => `${name}\n`).join(""));
  assertEquals(shortListing([], 80), "");
  assertEquals(shortListing([entry("a\x9b", { type: "dir" })], 80), "a\\x9b/\n");
});

Deno.test("shortListing() shows each name once, and lines that fit", () => {
  const name = fc.string({
    minLength: 1,
    maxLength: 30,
    unit: fc.constantFrom("a", "é", "漢", "🎉"),
  });
  fc.assert(fc.property(fc.uniqueArray(name, { maxLength: 60 }), fc.nat(200), (names, width) => {
    const lines = shortListing(names.map((name) => entry(name)), width).split("\n").slice(0, -1);
    assertEquals(lines.flatMap((line) => line.split(/ +/)).sort(), names.toSorted());
    for (const line of lines) assert(displayWidth(line) <= width || !line.includes(" "));
  }));
});

Deno.test("displayWidth() counts places on a terminal", () => {
  const cases: [text: string, width: number][] = [
    ["", 0],
    ["abc", 3],
    ["é", 1],
    ["e\u0301", 1],
    ["漢字", 4],
    ["🎉", 2],
    ["ｱｲ", 2],
  ];
  for (const [text, width] of cases) assertEquals(displayWidth(text), width, text);
});
