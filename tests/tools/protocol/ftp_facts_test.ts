import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { formatMode, parseMode } from "../../../tools/protocol/ftp_entry.ts";
import { type FactsEntry, formatFacts, parseFacts } from "../../../tools/protocol/ftp_facts.ts";

/** What a line says, without what is undefined. */
function parse(line: string): Record<string, unknown> | undefined {
  const facts = parseFacts(line);
  return facts && JSON.parse(JSON.stringify(facts));
}

const EXACT = { modified: "2020-11-23T00:40:12.000Z", exact: true };

/** Each is read; the first ones are written too. */
const LINES: [line: string, entry: Record<string, unknown>][] = [
  [
    "type=file;size=5;modify=20201123004012;perm=r;unique=1g2;UNIX.mode=0644;UNIX.uid=0;UNIX.gid=0; a b",
    {
      name: "a b",
      type: "file",
      size: 5,
      ...EXACT,
      perm: "r",
      unique: "1g2",
      mode: 0o644,
      owner: "0",
      group: "0",
    },
  ],
  ["type=dir; d", { name: "d", type: "dir", exact: false }],
  ["type=cdir; /pub", { name: "/pub", type: "dir", role: "self", exact: false }],
  ["type=pdir; ..", { name: "..", type: "dir", role: "parent", exact: false }],
  ["type=OS.unix=slink:../b c; l", { name: "l", type: "link", target: "../b c", exact: false }],
  ["type=OS.unix=slink; l", { name: "l", type: "link", exact: false }],
];
const READ: [line: string, entry: Record<string, unknown> | undefined][] = [
  [
    "Type=FILE;SIZE=5;Modify=20201123004012.5; a",
    {
      name: "a",
      type: "file",
      size: 5,
      modified: "2020-11-23T00:40:12.500Z",
      exact: true,
    },
  ],
  ["type=OS.unix=symlink; l", { name: "l", type: "link", exact: false }],
  ["type=OS.unix=chr-13/29; tty", { name: "tty", type: "other", exact: false }],
  ["unix.mode=0o644;unix.owner=ftp;unix.group=ftp; a", {
    name: "a",
    type: "file",
    exact: false,
    mode: 0o644,
    owner: "ftp",
    group: "ftp",
  }],
  ["UNIX.ownername=u;UNIX.owner=1;UNIX.groupname=g;UNIX.group=2; a", {
    name: "a",
    type: "file",
    exact: false,
    owner: "u",
    group: "g",
  }],
  ["unix.mode=0100644; a", { name: "a", type: "file", exact: false, mode: 0o644 }],
  ["type=file;size=x;modify=yesterday;unix.mode=9; a", { name: "a", type: "file", exact: false }],
  ["x.unknown=a b=c;type=dir;  lead", { name: " lead", type: "dir", exact: false }],
  [" a=b; c", { name: "a=b; c", type: "file", exact: false }],
  ["type=file;a", undefined],
  ["type=file; ", undefined],
  ["", undefined],
  ["-rw-r--r-- 1 o g 5 Nov 23 00:40 a", undefined],
];

Deno.test("facts are written and read (RFC 3659 section 7)", () => {
  for (const [line, entry] of LINES) {
    assertEquals(parse(line), entry, line);
    assertEquals(formatFacts(parseFacts(line) ?? { name: "", type: "file", exact: false }), line);
  }
  for (const [line, entry] of READ) assertEquals(parse(line), entry, line);
});

Deno.test("formatFacts tells the facts that were asked for, and those there are", () => {
  const entry: FactsEntry = { name: "a", type: "other", exact: true, size: 5 };
  assertEquals(formatFacts(entry), "type=OS.unix=special;size=5; a");
  assertEquals(formatFacts(entry, ["size", "modify"]), "size=5; a");
  assertEquals(formatFacts(entry, []), " a");
});

Deno.test("facts survive, whatever the name is", () => {
  const name = fc.string({
    minLength: 1,
    unit: fc.constantFrom(" ", ";", "=", "a", "\u00fc", "/"),
  });
  fc.assert(fc.property(name, fc.boolean(), (name, bare) => {
    const line = formatFacts({ name, type: "dir", exact: false }, bare ? [] : ["type"]);
    assertEquals([parseFacts(line)?.name, parseFacts(line)?.type], [name, bare ? "file" : "dir"]);
  }));
});

Deno.test("modes are written and read", () => {
  const cases: [number, string][] = [
    [0, "---------"],
    [0o644, "rw-r--r--"],
    [0o755, "rwxr-xr-x"],
    [0o7777, "rwsrwsrwt"],
    [0o7666, "rwSrwSrwT"],
    [0o1777, "rwxrwxrwt"],
  ];
  for (const [mode, letters] of cases) {
    assertEquals(formatMode(mode), letters);
    assertEquals(parseMode(letters), mode);
  }
  assertEquals(parseMode("rw-r-lr--"), 0o2644);
  for (const letters of ["", "rw-r--r-", "rw-r--r--x", "wr-r--r--", "rw-r--r-s"]) {
    assertEquals(parseMode(letters), undefined, letters);
  }
  for (let mode = 0; mode <= 0o7777; mode++) assertEquals(parseMode(formatMode(mode)), mode);
});
