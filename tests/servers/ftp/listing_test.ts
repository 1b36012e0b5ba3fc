/** Listings of the FTP server. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { MOST_STATUS_LINES } from "../../../servers/ftp/commands_info.ts";
import { Pace } from "../../../servers/ftp/copy.ts";
import { sendLines } from "../../../servers/ftp/listing.ts";
import type { ServedEntry } from "../../../tools/files/jail.ts";
import {
  listingLines,
  parseFactsListing,
  parseListing,
} from "../../../tools/protocol/ftp_listing.ts";
import { ftpTest, withFtpServer } from "../../support/ftp_server.ts";
import { processTestUnless } from "../../support/permissions.ts";
import { runCommand } from "../../support/process.ts";

const sorted = (text: string): string[] => listingLines(text).sort();

/** What NLST gives, in a folder with `hello`, `.hidden` and `sub/deep`. */
const NAMES: [argument: string, names: string[]][] = [
  ["NLST", ["hello", "sub"]],
  ["NLST -a", [".", "..", ".hidden", "hello", "sub"]],
  ["NLST -la", [".", "..", ".hidden", "hello", "sub"]],
  ["NLST -l", ["hello", "sub"]],
  ["NLST sub", ["sub/deep"]],
  ["NLST sub/", ["sub/deep"]],
  ["NLST -a -L sub", ["sub/.", "sub/..", "sub/deep"]],
  ["NLST /sub", ["/sub/deep"]],
  ["NLST .", ["./hello", "./sub"]],
  ["NLST hello", ["hello"]],
  ["NLST sub/deep", ["sub/deep"]],
  ["NLST *", ["hello", "sub"]],
  ["NLST h*", ["hello"]],
  ["NLST .h*", [".hidden"]],
  ["NLST sub/d?ep", ["sub/deep"]],
  ["NLST *.txt", []],
];

ftpTest("NLST gives names that can be used as they are", async ({ login }) => {
  const client = await login();
  for (const [line, names] of NAMES) assertEquals(sorted(await client.fetch(line)), names, line);
  assertMatch(await client.fetch("NLST nothing"), /^550 /);
});

ftpTest("a name that begins with a dash is a name", async ({ login, root }) => {
  Deno.writeTextFileSync(`${root}/-la`, "");
  Deno.mkdirSync(`${root}/-dir`);
  const client = await login();
  assertEquals(sorted(await client.fetch("NLST -la")), ["-la"]);
  assertEquals(sorted(await client.fetch("NLST -- -dir")), []);
  assertEquals(sorted(await client.fetch("NLST ./-dir")), []);
});

ftpTest("LIST is as every client reads it", async ({ login, root }) => {
  const now = new Date();
  Deno.utimeSync(`${root}/hello`, 0, new Date("2001-02-03T04:05:06Z"));
  Deno.writeTextFileSync(`${root}/ leading`, "1234");
  Deno.chmodSync(`${root}/hello`, 0o640);
  const client = await login();
  const text = await client.fetch("LIST");
  assertMatch(text, /^-rw-r----- {4}1 \d+ +\d+ +6 Feb {2}3 {2}2001 hello\r\n/m);
  assertMatch(text, /^drwx/m);
  const { entries, unknown } = parseListing(listingLines(text), now);
  assertEquals(unknown, []);
  assertEquals(entries.map(({ name, type, size }) => [name, type, size]).sort(), [
    [" leading", "file", 4],
    ["hello", "file", 6],
    ["sub", "dir", 0],
  ]);
  assertMatch(await client.fetch("LIST hello"), / hello\r\n$/);
  assertMatch(await client.fetch("LIST -a"), / \.\r\n[^]* \.\.\r\n/);
});

ftpTest("LIST shows years, sizes, modes and names as they are", async ({ login, root }) => {
  const year = new Date().getUTCFullYear();
  const rows: [name: string, time: Date, shown: string][] = [
    ["past", new Date(Date.now() - 200 * 86_400_000), ""],
    // Whoever reads a time without a year takes it for one that was.
    ["future", new Date(Date.UTC(year + 1, 0, 2, 3, 4)), `Jan  2  ${year + 1}`],
    ["far", new Date(Date.UTC(2037, 11, 31)), "Dec 31  2037"],
    ["early", new Date(0), "Jan  1  1970"],
  ];
  for (const [name, time] of rows) {
    await Deno.writeTextFile(`${root}/${name}`, "");
    await Deno.utime(`${root}/${name}`, time, time);
  }
  await Deno.chmod(`${root}/far`, 0o4755);
  await Deno.writeTextFile(`${root}/trailing `, "");
  const client = await login();
  const text = await client.fetch("LIST");
  for (const [name, time, shown] of rows) {
    assertMatch(text, new RegExp(`${shown || `  ${time.getUTCFullYear()}`} ${name}\r\n`));
  }
  assertMatch(text, /^-rwsr-xr-x {4}1 .* far\r\n/m);
  assertMatch(text, / trailing \r\n/);
  assertEquals(/^total/m.test(text), false);
  // No option goes down into folders.
  assertEquals(sorted(await client.fetch("LIST -lR")).length, sorted(text).length);
});

/** A disk in memory, which keeps any time. */
const MEMORY = "/dev/shm";
const noMemory = Deno.build.os === "linux" ? undefined : `needs ${MEMORY}`;

processTestUnless(noMemory, "ftpd: a time that no line can tell hides no file", async () => {
  const folder = await Deno.makeTempDir({ dir: MEMORY });
  try {
    // The one is beyond year 9999, the other beyond what Date knows.
    for (
      const [name, seconds] of [["late", 253_402_300_800], ["far", 8_700_000_000_000]] as const
    ) {
      await Deno.writeTextFile(`${folder}/${name}`, "");
      await Deno.utime(`${folder}/${name}`, 0, seconds);
    }
    await withFtpServer(async ({ login }) => {
      const client = await login();
      await client.codes("OPTS MLST type;modify");
      assertEquals(sorted(await client.fetch("MLSD")), ["type=file; far", "type=file; late"]);
      const text = await client.fetch("LIST");
      for (const name of ["far", "late"]) {
        assertMatch(text, new RegExp(` Jan {2}1 {2}1970 ${name}\r\n`));
        assertMatch(await client.ask(`MLST ${name}`), new RegExp(`\n type=file; /${name}\n`));
        assertMatch(await client.ask(`MDTM ${name}`), /^550 /);
      }
    }, { folder });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

ftpTest(
  "a name that is no UTF-8 is not listed, hides no other, and keeps its folder",
  async (served) => {
    const { login, root } = served;
    const { code } = await runCommand("sh", ["-c", 'touch "$0/sub/$(printf "\\377")"', root]);
    assertEquals(code, 0);
    const client = await login();
    for (const verb of ["LIST", "NLST", "MLSD"]) {
      assertMatch(await client.fetch(`${verb} sub`), /^[^\n]*deep\r\n$/);
    }
    assertEquals((await client.ask("STAT sub")).split("\n").length, 3);
    assertEquals(await client.codes("DELE sub/deep"), [250]);
    assertEquals(await client.fetch("LIST sub"), "");
    assertEquals(
      await client.ask("RMD sub"),
      "550 The folder is not empty; not all in it may be listed.",
    );
    assertEquals(await client.codes("RNFR sub", "RNTO other", "CWD other"), [350, 250, 250]);
  },
);

Deno.test("ftpd: of a folder without end no more is read than is sent", async () => {
  let read = 0;
  const info = {} as Deno.FileInfo;
  async function* endless(): AsyncGenerator<ServedEntry> {
    for (;;) yield { name: `${read++}`, info };
  }
  let taken = 0;
  const stream = {
    write(data: Uint8Array): Promise<number> {
      taken += data.length;
      return taken > 1_000_000
        ? Promise.reject(new Deno.errors.BrokenPipe())
        : Promise.resolve(data.length);
    },
  };
  const line = ({ name }: ServedEntry): string => name.padStart(98);
  await assertRejects(
    () => sendLines(stream, endless(), line, new Pace(Infinity)),
    Deno.errors.BrokenPipe,
  );
  assertEquals(read, Math.ceil(taken / 100));
});

ftpTest("MLSD gives the facts, of hidden files too", async ({ login }) => {
  const client = await login();
  const { entries, unknown } = parseFactsListing(listingLines(await client.fetch("MLSD")));
  assertEquals(unknown, []);
  assertEquals(entries.map(({ name, type, perm }) => [name, type, perm]).sort(), [
    [".hidden", "file", "dfraw"],
    ["hello", "file", "dfraw"],
    ["sub", "dir", "dfpelcm"],
  ]);
  await client.codes("OPTS MLST size");
  assertEquals(await client.fetch("MLSD sub"), "size=4; deep\r\n");
});

ftpTest("no file name forges a line", async ({ login, root }) => {
  const name = "x\r\n-rw-r--r-- 1 0 0 0 Jan  1 00:00 forged\x1b[2J";
  Deno.writeTextFileSync(`${root}/sub/${name}`, "");
  Deno.symlinkSync("deep", `${root}/sub/link${name}`);
  const client = await login();
  for (const verb of ["LIST", "NLST", "MLSD"]) {
    const lines = listingLines(await client.fetch(`${verb} sub`));
    assertEquals(lines.length, 3, verb);
    assertMatch(lines.join("\n"), /x\?\?-rw-r--r-- 1 0 0 0 Jan {2}1 00:00 forged\?\[2J$/m);
  }
  assertEquals((await client.ask("STAT sub")).split("\n").length, 5);
});

ftpTest("a tab in a name is like any letter", async ({ login, root, log }) => {
  const name = "a\tb";
  const client = await login();
  await client.codes("TYPE I");
  assertMatch(await client.store(`STOR sub/${name}`, "tab"), /^226 /);
  assertEquals(Deno.readTextFileSync(`${root}/sub/${name}`), "tab");
  assertEquals(sorted(await client.fetch("NLST sub")), [`sub/${name}`, "sub/deep"]);
  const lines = listingLines(await client.fetch("LIST sub"));
  const facts = listingLines(await client.fetch("MLSD sub"));
  for (const { entries } of [parseListing(lines, new Date()), parseFactsListing(facts)]) {
    assertEquals(entries.map(({ name }) => name).sort(), [name, "deep"]);
  }
  assertEquals(await client.fetch(`RETR sub/${name}`), "tab");
  assertEquals(await client.codes(`DELE sub/${name}`), [250]);
  // The fields of a line of the log stay apart.
  await log.says(/ \/sub\/a_b b _ o a anonymous ftp 0 \* c\n/);
});

ftpTest("links out, links to nothing and unfinished uploads are not listed", async (served) => {
  const { root, outside, login } = served;
  Deno.writeTextFileSync(`${outside}/secret`, "");
  Deno.symlinkSync("../../secret", `${root}/sub/out`);
  Deno.symlinkSync("nowhere", `${root}/sub/broken`);
  Deno.symlinkSync("../hello", `${root}/sub/in`);
  Deno.writeTextFileSync(`${root}/sub/.upload-1`, "");
  const client = await login();
  assertEquals(sorted(await client.fetch("NLST -a sub")), [
    "sub/.",
    "sub/..",
    "sub/deep",
    "sub/in",
  ]);
  const { entries } = parseFactsListing(listingLines(await client.fetch("MLSD sub")));
  assertEquals(entries.map(({ name, size }) => [name, size]).sort(), [["deep", 4], ["in", 6]]);
});

ftpTest("a large folder is listed whole", async ({ login, root }) => {
  Deno.mkdirSync(`${root}/many`);
  for (let i = 0; i < 3000; i++) Deno.writeTextFileSync(`${root}/many/file${i}`, "");
  const client = await login();
  assertEquals(new Set(listingLines(await client.fetch("NLST many"))).size, 3000);
  assertEquals(listingLines(await client.fetch("LIST many")).length, 3000);
  // Over the control connection only so many.
  assertEquals((await client.ask("STAT many")).split("\n").length, MOST_STATUS_LINES + 3);
});
