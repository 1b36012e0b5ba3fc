import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { FtpEntry } from "../../../tools/protocol/ftp_entry.ts";
import {
  listingLines,
  parseFactsListing,
  parseListing,
} from "../../../tools/protocol/ftp_listing.ts";
import { formatUnixLine, parseUnixLine } from "../../../tools/protocol/ftp_listing_unix.ts";

const NOW = new Date("2026-11-25T12:00:00Z");

/** The only entry of `line`, without what is undefined. */
function only(line: string, now = NOW): Record<string, unknown> {
  const { entries, unknown } = parseListing([line], now);
  assertEquals([entries.length, unknown], [1, []], line);
  return JSON.parse(JSON.stringify(entries[0]));
}

function file(name: string, more: Partial<FtpEntry> & { at?: string }): Record<string, unknown> {
  const { at, ...rest } = more;
  return { name, type: "file", exact: false, ...at && { modified: `${at}:00.000Z` }, ...rest };
}

const OWNED = { mode: 0o644, owner: "owner", group: "group", size: 123 };
const OLD = { ...OWNED, at: "2020-11-23T00:00" };
const NEW = { ...OWNED, at: "2026-11-23T00:40" };

Deno.test("Unix lines in all their variants", () => {
  const cases: [line: string, entry: Record<string, unknown>][] = [
    ["-rw-r--r--    1 owner    group         123 Nov 23 00:40 name", file("name", NEW)],
    ["-rw-r--r--    1 owner    group         123 Nov 23  2020 name", file("name", OLD)],
    [
      "-rw-r--r-- 1 owner group 123 Nov 3 2020 name",
      file("name", { ...OLD, at: "2020-11-03T00:00" }),
    ],
    // Blanks that belong to the name, and those that do not: the year one space to the left.
    ["-rw-r--r-- 1 owner group 123 Nov 23 00:40   lead and trail ", file("  lead and trail ", NEW)],
    ["-rw-r--r-- 1 owner group 123 Nov 23  2020  lead", file(" lead", OLD)],
    ["-rw-r--r-- 1 owner group 123 Nov 23 2020  name", file("name", OLD)],
    // A mark for an access list, SELinux or extended attributes; eight letters.
    ["-rw-r--r--+ 1 owner group 123 Nov 23 00:40 name", file("name", NEW)],
    ["-rw-r--r--. 1 owner group 123 Nov 23 00:40 name", file("name", NEW)],
    ["-rw-r--r--@ 1 owner group 123 Nov 23 00:40 name", file("name", NEW)],
    [
      "-rw-r--r- 1 owner group 123 Nov 23 00:40 name",
      file("name", { ...OWNED, at: "2026-11-23T00:40", mode: undefined }),
    ],
    // Owner, group and links.
    [
      "-rw-r--r-- 1 1000 1000 123 Nov 23 00:40 name",
      file("name", { ...NEW, owner: "1000", group: "1000" }),
    ],
    ["-rw-r--r-- 1 owner 123 Nov 23 00:40 name", file("name", { ...NEW, group: undefined })],
    [
      "-rw-r--r-- 1 1000 123 Nov 23 00:40 name",
      file("name", { ...NEW, owner: "1000", group: undefined }),
    ],
    ["-rw-r--r-- owner group 123 Nov 23 00:40 name", file("name", NEW)],
    [
      "-rw-r--r-- 1 Domain Users group 123 Nov 23 00:40 name",
      file("name", { ...NEW, owner: "Domain Users" }),
    ],
    [
      "-rw-r--r-- 1 owner group 12345678901 Nov 23 00:40 name",
      file("name", { ...NEW, size: 12345678901 }),
    ],
    [
      "-------r--         326  1391972  1392298 Nov 22  1995 MegaPhone.sit",
      file("MegaPhone.sit", { size: 1392298, at: "1995-11-22T00:00", mode: 4, owner: "1391972" }),
    ],
    [
      "drwxrwxr-x               folder        2 May 10  1996 network",
      file("network", {
        type: "dir",
        size: 2,
        at: "1996-05-10T00:00",
        mode: 0o775,
        owner: "folder",
      }),
    ],
    // Types.
    [
      "drwxr-sr-t 2 owner group 123 Nov 23 00:40 dir",
      file("dir", { ...NEW, type: "dir", mode: 0o3755 }),
    ],
    [
      "drwxr-xr-x 2 owner group 123 Nov 23 00:40 dir/",
      file("dir", { ...NEW, type: "dir", mode: 0o755 }),
    ],
    [
      "lrwxrwxrwx 1 owner group 123 Nov 23 00:40 a -> ../b -> c",
      file("a", { ...NEW, type: "link", mode: 0o777, target: "../b -> c" }),
    ],
    [
      "lrwxrwxrwx 1 owner group 123 Nov 23 00:40 lost",
      file("lost", { ...NEW, type: "link", mode: 0o777 }),
    ],
    ["-rw-r--r-- 1 owner group 123 Nov 23 00:40 a -> b", file("a -> b", NEW)],
    [
      "crw-rw-rw- 1 owner group 4, 64 Nov 23 00:40 tty",
      file("tty", { ...NEW, type: "other", mode: 0o666, size: undefined }),
    ],
    [
      "brw-rw-rw- 1 owner group 4,64 Nov 23 00:40 sda",
      file("sda", { ...NEW, type: "other", mode: 0o666, size: undefined }),
    ],
    [
      "prw-r--r-- 1 owner group 0 Nov 23 00:40 pipe",
      file("pipe", { ...NEW, type: "other", size: 0 }),
    ],
    // Other forms of the date, and a name that looks like one.
    ["-rw-r--r-- 1 owner group 123 2026-11-23 00:40 name", file("name", NEW)],
    ["-rw-r--r-- 1 owner group 123 2026-11-23 00:40:00.123456789 +0000 name", file("name", NEW)],
    ["-rw-r--r-- 1 owner group 123 2026-11-23 02:10:00 +0130 name", file("name", NEW)],
    ["-rw-r--r-- 1 owner group 123 23 Nov 00:40 name", file("name", NEW)],
    ["-rw-r--r-- 1 owner group 123 Nov 23 00:40 7 Dec 24 10:00 x", file("7 Dec 24 10:00 x", NEW)],
    // Months in other languages.
    ["-rw-r--r-- 1 owner group 123 23 nov. 00:40 nom", file("nom", NEW)],
    [
      "-rw-r--r-- 1 owner group 123 f\u00e9vr. 3  2020 nom",
      file("nom", { ...OLD, at: "2020-02-03T00:00" }),
    ],
    [
      "-rw-r--r-- 1 owner group 123 3. M\u00e4r 2020 Name",
      file("Name", { ...OLD, at: "2020-03-03T00:00" }),
    ],
    ["-rw-r--r-- 1 owner group 123 \u043d\u043e\u044f 23 00:40 name", file("name", NEW)],
    ["-rw-r--r-- 1 owner group 123 11\u6708 23 00:40 name", file("name", NEW)],
    ["-rw-r--r-- 1 owner group 123 11\u6708 23\u65e5 00:40 name", file("name", NEW)],
    ["-rw-r--r-- 1 owner group 123 Xyz 23 00:40 name", file("name", OWNED)],
    ["-rw-r--r-- 1 owner group 123 f\ufffdv 23 00:40 name", file("name", OWNED)],
    ["-rw-r--r-- 1 owner group 123 Feb 30  2020 name", file("name", OWNED)],
  ];
  for (const [line, entry] of cases) {
    assertEquals(only(line), JSON.parse(JSON.stringify(entry)), line);
  }
});

Deno.test("a date without a year is the last one that is past", () => {
  const cases: [now: string, date: string, expected: string][] = [
    ["2026-11-25T12:00:00Z", "Nov 25 11:59", "2026-11-25T11:59"],
    ["2026-11-25T12:00:00Z", "Dec 31 23:59", "2025-12-31T23:59"],
    // Up to a day ahead: clocks and time zones differ.
    ["2026-11-25T12:00:00Z", "Nov 26 11:00", "2026-11-26T11:00"],
    ["2026-11-25T12:00:00Z", "Nov 26 13:00", "2025-11-26T13:00"],
    ["2026-12-31T20:00:00Z", "Jan  1 01:00", "2027-01-01T01:00"],
    ["2026-03-01T00:00:00Z", "Feb 29 10:00", "2024-02-29T10:00"],
  ];
  for (const [now, date, expected] of cases) {
    const { modified } = only(
      `-rw-r--r-- 1 o g 1 ${date} name`,
      new Date(now),
    );
    assertEquals(String(modified), `${expected}:00.000Z`, date);
  }
});

Deno.test("DOS lines", () => {
  const cases: [line: string, entry: Record<string, unknown>][] = [
    [
      "07-13-98  09:06PM       <DIR>           lead",
      file(" lead", { type: "dir", at: "1998-07-13T21:06" }),
    ],
    [
      "07-13-98  09:06PM       <DIR>          aspnet_client",
      file("aspnet_client", { type: "dir", at: "1998-07-13T21:06" }),
    ],
    [
      "10-13-2009  12:05AM                 1024 two  words",
      file("two  words", { size: 1024, at: "2009-10-13T00:05" }),
    ],
    [
      "10-13-2009  12:05PM            1,024,000 a",
      file("a", { size: 1024000, at: "2009-10-13T12:05" }),
    ],
    [
      "10-13-09  17:45                  1024  lead",
      file(" lead", { size: 1024, at: "2009-10-13T17:45" }),
    ],
    [
      "2020-11-23  17:00       <DIR>          d",
      file("d", { type: "dir", at: "2020-11-23T17:00" }),
    ],
    [
      "07-13-98  09:06PM       <SYMLINKD>     s [C:\\x]",
      file("s", { type: "link", at: "1998-07-13T21:06", target: "C:\\x" }),
    ],
    [
      "07-13-98  09:06PM       <JUNCTION>     j",
      file("j", { type: "link", at: "1998-07-13T21:06" }),
    ],
  ];
  for (const [line, entry] of cases) assertEquals(only(line), entry, line);
});

Deno.test("EPLF lines", () => {
  assertEquals(only("+i8388621.48594,m825718503,r,s280,\tdjb.html"), {
    name: "djb.html",
    type: "file",
    exact: true,
    size: 280,
    modified: "1996-03-01T22:15:03.000Z",
    unique: "8388621.48594",
  });
  assertEquals(only("+/,up755,\t514 a"), { name: "514 a", type: "dir", exact: false, mode: 0o755 });
});

Deno.test("a listing is read line by line: totals and blank lines are nothing, messages are unknown", () => {
  const text = [
    "total 0",
    "Total 123",
    "",
    "drwxr-xr-x 2 o g 1 Nov 23 00:40 .",
    "drwxr-xr-x 2 o g 1 Nov 23 00:40 ..",
    "-rw-r--r-- 1 o g 1 Nov 23 00:40 a",
    "-rw-r--r-- 1 o g 1 Nov 23 00:40 total 1",
    "type=file;size=5; b",
    "ls: cannot open directory",
    "-rw-r--r-- 1 o g no date here",
    "x".repeat(20_000),
    `-rw-r--r-- 1 o g 1 Nov 23 00:40 ${"y".repeat(16_384)}`,
  ].join("\r\n");
  const { entries, unknown } = parseListing(listingLines(text), NOW);
  assertEquals(entries.map(({ name }) => name), ["a", "total 1", "b"]);
  assertEquals(unknown.map((line) => line.slice(0, 40)), [
    "ls: cannot open directory",
    "-rw-r--r-- 1 o g no date here",
    "x".repeat(40),
    "-rw-r--r-- 1 o g 1 Nov 23 00:40 yyyyyyyy",
  ]);
  assertEquals(listingLines("a\nb\r\n\r\nc"), ["a", "b", "c"]);
});

Deno.test("MLSD: the folder itself and its parent are left out, and a name may be all there is", () => {
  const { entries, unknown } = parseFactsListing([
    "type=cdir;modify=20201123004000; /pub",
    "type=pdir; ..",
    "Type=dir;Modify=20201123004000; a",
    " just a name",
    "nonsense",
  ]);
  assertEquals(entries.map(({ name, type }) => [name, type]), [["a", "dir"], [
    "just a name",
    "file",
  ]]);
  assertEquals(unknown, ["nonsense"]);
});

const entry = fc.record({
  name: fc.string({
    minLength: 1,
    unit: fc.constantFrom(" ", "a", "-", ">", "\u00fc", "7", ":", "."),
  })
    .filter((name) => name !== "." && name !== ".."),
  type: fc.constantFrom<FtpEntry["type"]>("file", "dir", "other"),
  size: fc.nat(2 ** 40),
  mode: fc.nat(0o7777),
  owner: fc.constantFrom("root", "1000"),
  group: fc.constantFrom("wheel", "0"),
  modified: fc.integer({ min: 0, max: NOW.getTime() / 60_000 }),
});

Deno.test("formatUnixLine writes what parseListing reads", () => {
  fc.assert(fc.property(entry, ({ modified, ...rest }) => {
    const age = NOW.getTime() - modified * 60_000;
    const half = age < 180 * 86_400_000;
    const shown = half ? modified * 60_000 : Math.floor(modified / 1440) * 86_400_000;
    const line = formatUnixLine(
      { ...rest, exact: false, modified: new Date(modified * 60_000) },
      NOW,
    );
    assertEquals(
      parseListing([line], NOW).entries,
      [{
        ...rest,
        exact: false,
        modified: new Date(shown),
        target: undefined,
      } as FtpEntry].map(({ target: _, ...expected }) => expected),
    );
  }));
});

Deno.test("formatUnixLine keeps to the columns that clients rely on", () => {
  const base = { name: "a", exact: true, size: 5, owner: "ftp", group: "ftp" } as const;
  assertEquals(
    formatUnixLine({
      ...base,
      type: "file",
      mode: 0o644,
      modified: new Date("2026-11-03T04:05:06Z"),
    }, NOW),
    "-rw-r--r--    1 ftp      ftp                 5 Nov  3 04:05 a",
  );
  assertEquals(
    formatUnixLine({
      ...base,
      type: "link",
      mode: 0o777,
      target: "b",
      modified: new Date("2026-11-26T04:05:06Z"),
    }, NOW),
    "lrwxrwxrwx    1 ftp      ftp                 5 Nov 26  2026 a -> b",
  );
});

Deno.test("a date that comes late in a line is no date of an entry", () => {
  const line = (words: number): string => `-rw-r--r-- 1 ${"o ".repeat(words)}123 Nov 23 00:40 name`;
  assertEquals(parseUnixLine(line(15), NOW)?.name, "name");
  assertEquals(parseUnixLine(line(25), NOW), undefined);
});

Deno.test("parseListing takes any line, and quickly", () => {
  const part = fc.constantFrom(
    "-rw-r--r--",
    " ",
    "1",
    "123",
    "Nov",
    "23",
    "00:40",
    "2020-11-23",
    ",",
    "<DIR>",
    "+",
    "\t",
    "=",
    ";",
    "\u00fc",
    "\0",
    "PM",
  );
  fc.assert(fc.property(fc.array(part), (parts) => {
    const { entries, unknown } = parseListing([parts.join("")], NOW);
    assert(entries.length + unknown.length <= 1);
  }));
  for (const unit of ["1", " ", "1 ", "Nov 23 ", "-", "a=;", "1-1-11 1:1 "]) {
    parseListing([
      unit.repeat(16_000 / unit.length),
      `-rw-r--r-- ${unit.repeat(16_000 / unit.length)}`,
    ], NOW);
    assertEquals(parseUnixLine(unit.repeat(100), NOW), undefined);
  }
});
