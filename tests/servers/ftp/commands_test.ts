/** What each command of the FTP server answers, and when. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { FOREIGN, NOT_SERVED } from "../../../servers/ftp/command.ts";
import { COMMANDS } from "../../../servers/ftp/commands.ts";
import { LONGEST_COMMAND } from "../../../servers/ftp/request.ts";
import { ftpTest } from "../../support/ftp_server.ts";

const VERBS = COMMANDS.flatMap(({ verbs }) => verbs);

Deno.test("ftpd: no two commands have the same verb", () => {
  const all = [...VERBS, ...NOT_SERVED, ...FOREIGN];
  assertEquals(all.length, new Set(all).size);
});

ftpTest("before the login only some commands are served", async ({ connect }) => {
  const client = await connect();
  const open = "ACCT AUTH PBSZ PROT REIN STAT SYST FEAT OPTS CLNT NOOP HELP ABOR PASS USER QUIT"
    .split(" ");
  for (const { verbs, needs } of COMMANDS) {
    for (const verb of verbs) {
      assertEquals(needs === "nothing", open.includes(verb), verb);
      if (needs !== "nothing") assertEquals(await client.codes(verb), [530], verb);
    }
  }
});

ftpTest("an argument that is missing, or one too many, is 501", async ({ login }) => {
  const client = await login();
  for (const { verbs: [verb], argument } of COMMANDS) {
    if (argument === "required") assertEquals(await client.codes(verb), [501], verb);
    if (argument === "none") assertEquals(await client.codes(`${verb} x`), [501], verb);
  }
});

ftpTest("what is unknown is 500, what is not served 502", async ({ login }) => {
  const client = await login();
  assertEquals(await client.codes("BOGUS", "", " ", "FOO BAR"), [500, 500, 500, 500]);
  for (const verb of NOT_SERVED) assertEquals(await client.codes(`${verb} x`), [502], verb);
});

/** Commands and the replies to them, after a login, in one session. */
const DIALOGUE: [command: string, reply: RegExp][] = [
  ["ACCT me", /^202 /],
  ["EPSV x", /^501 /],
  ["EPSV 3", /^522 .*\(1\)$/],
  ["syst", /^215 UNIX Type: L8$/],
  ["NoOp", /^200 /],
  ["NOOP x", /^200 /],
  ["CLNT test", /^200 /],
  ["OPTS UTF8 ON", /^200 /],
  ["OPTS utf8", /^200 /],
  ["OPTS UTF8 OFF", /^504 /],
  ["OPTS BOGUS", /^501 /],
  ["OPTS MLST size;TYPE;bogus;unix.mode;", /^200 MLST OPTS type;size;UNIX.mode;$/],
  ["MLST hello", /^250-Listing \/hello\n type=file;size=6;UNIX.mode=0\d{3}; \/hello\n250 End$/],
  ["OPTS MLST", /^200 MLST OPTS$/],
  ["MLST hello", /^250-Listing \/hello\n {2}\/hello\n250 End$/],
  [
    "HASH hello",
    /^213 SHA-256 0-6 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03 \/hello$/,
  ],
  ["OPTS HASH MD5", /^200 MD5$/],
  ["OPTS HASH", /^200 MD5$/],
  ["OPTS HASH CRC32", /^501 /],
  ["HASH hello", /^213 MD5 0-6 b1946ac92492d2347c6235b4d2611184 \/hello$/],
  ["HASH sub", /^550 /],
  ["HASH nothing", /^550 /],
  ["TYPE A", /^200 /],
  ["TYPE A N", /^200 /],
  ["SIZE hello", /^550 /],
  ["TYPE I", /^200 /],
  ["TYPE L 8", /^200 /],
  ["TYPE L8", /^200 /],
  ["type i", /^200 /],
  ["TYPE E", /^504 /],
  ["TYPE A T", /^504 /],
  ["TYPE A C", /^504 /],
  ["TYPE L 36", /^504 /],
  ["TYPE X", /^504 /],
  ["TYPE I I", /^504 /],
  ["STAT", /^211-[^]* TYPE I, /],
  ["MODE S", /^200 /],
  ["mode s", /^200 /],
  ["MODE B", /^504 /],
  ["MODE C", /^504 /],
  ["MODE Z", /^504 /],
  ["STRU F", /^200 /],
  ["STRU R", /^504 /],
  ["STRU P", /^504 /],
  ["ALLO", /^202 /],
  ["ALLO 100", /^202 /],
  ["ALLO 100 R 10", /^202 /],
  ["OPTS utf-8 on", /^200 /],
  ["OPTS MLST type;type;", /^200 MLST OPTS type;$/],
  ["OPTS HASH sha-1", /^200 SHA-1$/],
  ["OPTS HASH MD5", /^200 MD5$/],
  ["SITE", /^501 /],
  ["site chmod 0640 hello", /^200 /],
  ["SITE CHMOD u+x hello", /^501 /],
  ["SITE CHMOD 644", /^501 /],
  ["SITE UTIME 20010101000000", /^501 /],
  ["SITE UTIME 20010231000000 hello", /^501 /],
  ["SITE HELP CHMOD", /^214-/],
  ["HELP SITE", /^214 SITE /],
  ["RNFR hello", /^350 /],
  ["RNFR sub", /^350 /],
  ["RNTO hello/x", /^550 /],
  ["RNTO y", /^503 /],
  ["SIZE hello", /^213 6$/],
  ["SIZE sub", /^550 /],
  ["SIZE nothing", /^550 /],
  ["MFMT 19991231235959 hello", /^213 Modify=19991231235959; \/hello$/],
  ["MDTM hello", /^213 19991231235959$/],
  ["MDTM 20000101000000 hello", /^213 /],
  ["MDTM hello", /^213 20000101000000$/],
  ["SITE UTIME 20010101000000 hello", /^213 /],
  ["MDTM hello", /^213 20010101000000$/],
  ["SITE UTIME hello 20020101000000 20020202000000 20020303000000 UTC", /^213 /],
  ["MDTM hello", /^213 20020202000000$/],
  ["MFMT 20021301000000 hello", /^501 /],
  ["MFMT hello", /^501 /],
  ["SITE UTIME x hello", /^501 /],
  ["MDTM sub", /^550 /],
  ["SITE CHMOD 600 hello", /^200 /],
  ["SITE CHMOD 4640 hello", /^200 The mode is 640\.$/],
  ["SITE CHMOD 888 hello", /^501 /],
  ["SITE BOGUS", /^504 /],
  ["SITE HELP", /^214-[^]*CHMOD[^]*UTIME[^]*\n214 End$/],
  ["PWD", /^257 "\/" /],
  ["CWD sub", /^250 /],
  ["XPWD", /^257 "\/sub" /],
  ["CDUP", /^250 /],
  ["CWD ..", /^250 "\/" /],
  ["CWD ../../..//sub/./", /^250 "\/sub" /],
  ["CWD", /^250 "\/" /],
  ["CWD hello", /^550 /],
  ["CWD nothing", /^550 /],
  ['MKD say "hi"', /^257 "\/say ""hi""" /],
  ['CWD say "hi"', /^250 /],
  ["PWD", /^257 "\/say ""hi""" /],
  ["CDUP", /^250 /],
  ['RMD say "hi"', /^250 /],
  ["RMD sub", /^550 .*not empty/],
  ["RMD hello", /^550 /],
  ["DELE sub", /^550 /],
  ["DELE nothing", /^550 /],
  ["RNTO x", /^503 /],
  ["RNFR nothing", /^550 /],
  ["RNFR hello", /^350 /],
  ["NOOP", /^200 /],
  ["RNTO x", /^503 /],
  ["RNFR hello", /^350 /],
  ["RNTO ../../sub/moved", /^250 /],
  ["RNFR sub/moved", /^350 /],
  ["RNTO  leading", /^250 /],
  ["SIZE  leading", /^213 6$/],
  ["DELE  leading", /^250 /],
  ["REST 0", /^350 /],
  ["REST 99", /^350 /],
  ["REST -1", /^501 /],
  ["REST abc", /^501 /],
  ["REST 99999999999999999999", /^501 /],
  ["ABOR", /^226 /],
  ["RETR hello", /^425 /],
  ["LIST", /^425 /],
  ["MLSD sub/deep", /^501 /],
  ["LIST nothing", /^550 /],
  ["NLST nothing", /^550 /],
  ["HELP", /^214-[^]* RETR file: [^]*\n214 End$/],
  ["HELP retr", /^214 RETR .*RFC 959/],
  ["HELP bogus", /^502 /],
  ["STAT", /^211-[^]*anonymous[^]*\n211 End$/],
  ["STAT sub", /^212-Status:\n -r.* deep\n212 End$/],
  ["STAT sub/deep", /^213-Status:\n -r.* sub\/deep\n213 End$/],
  ["STAT nothing", /^550 /],
  ["USER x", /^530 /],
  ["PASS x", /^230 /],
  ["AUTH TLS", /^502 /],
  ["PBSZ 0", /^502 /],
  ["PROT P", /^502 /],
  ["CWD a\0b", /^501 /],
  ["CWD a\rb", /^501 /],
  ["CWD a\tb", /^550 /],
  ["CWD a\vb", /^553 /],
  [`CWD ${"x".repeat(300)}`, /^553 /],
  ["QUIT", /^221 /],
];

ftpTest("a dialogue with every command", async ({ login }) => {
  const client = await login();
  for (const [command, expected] of DIALOGUE) {
    assertMatch(await client.ask(command), expected, command);
  }
  assertEquals(await client.reply(), "");
});

ftpTest("FEAT lists what the commands have, and never MLSD", async ({ connect }) => {
  assertEquals(
    await (await connect()).ask("FEAT"),
    [
      "211-Features:",
      " CLNT",
      " EPRT",
      " EPSV",
      " HASH SHA-256*;SHA-512;SHA-1;MD5",
      " MDTM",
      " MFMT",
      " MLST type*;size*;modify*;perm*;unique*;UNIX.mode*;UNIX.uid*;UNIX.gid*;",
      " REST STREAM",
      " SIZE",
      " TVFS",
      " UTF8",
      "211 End",
    ].join("\n"),
  );
});

ftpTest("HELP knows every verb", async ({ connect }) => {
  const client = await connect();
  const all = await client.ask("HELP");
  for (const verb of VERBS) {
    assertMatch(all, new RegExp(`[ ,]${verb}[ ,]`));
    assertMatch(await client.ask(`HELP ${verb}`), new RegExp(`^214 ${verb} .*\\(.*\\)$`));
  }
});

ftpTest("a line may end in LF alone; names may be any UTF-8", async ({ login, names }) => {
  const client = await login();
  await client.raw("MKD Käse 🧀\n");
  assertStringIncludes(await client.reply(), '257 "/Käse 🧀"');
  assert(names().includes("Käse 🧀"));
  await client.raw(Uint8Array.of(...new TextEncoder().encode("MKD "), 0xff, 0xfe, 13, 10));
  assertStringIncludes(await client.reply(), "501 ");
});

ftpTest("a thousand commands in one piece are answered in order", async ({ login }) => {
  const client = await login();
  await client.raw(Array.from({ length: 1000 }, (_, i) => `REST ${i}\r\n`).join(""));
  for (let i = 0; i < 1000; i++) assertMatch(await client.reply(), new RegExp(` at ${i}\\.$`));
});

ftpTest("a line that is too long, or never ends, is 500 and the end", async ({ login }) => {
  const fits = `CWD ${"x".repeat(LONGEST_COMMAND - 4)}`;
  const client = await login();
  assertEquals(await client.codes(fits), [553]);
  for (const line of [`${fits}x\r\n`, "x".repeat(100_000)]) {
    const client = await login();
    await client.raw(line);
    assertMatch(await client.reply(), /^500 Cannot go on: a line is longer than 4128 bytes\.$/);
    assertEquals(await client.reply(), "");
  }
});

ftpTest("a line that has no end is no command", async ({ login, names }) => {
  const client = await login();
  await client.raw("MKD half");
  await client.end();
  assertEquals(
    await client.reply(),
    "500 Cannot go on: the connection ended in the middle of a line.",
  );
  assertEquals(await client.reply(), "");
  assertEquals(names(), [".hidden", "hello", "sub"]);
});

ftpTest("what begins as another protocol is refused, and nothing after it heard", async (place) => {
  for (const verb of FOREIGN) {
    const client = await place.connect();
    await client.raw(`${verb} / HTTP/1.1\r\nUSER ftp\r\nPASS x\r\nMKD made\r\n\r\n`);
    assertMatch(await client.reply(), /^500 This is an FTP server/);
    assertEquals(await client.reply(), "");
  }
  assertEquals(place.names(), [".hidden", "hello", "sub"]);
});

ftpTest("an anonymous user who may only read changes nothing", async ({ login, names }) => {
  const client = await login();
  assertEquals(
    await client.codes(
      "MKD x",
      "RMD sub",
      "DELE hello",
      "RNFR hello",
      "RNTO x",
      "STOR x",
      "APPE x",
      "STOU",
      "MFMT 20000101000000 hello",
      "MDTM 20000101000000 hello",
      "SITE CHMOD 777 hello",
      "SITE UTIME 20000101000000 hello",
    ),
    Array(12).fill(550),
  );
  assertEquals(names(), [".hidden", "hello", "sub"]);
  assertMatch(await client.ask("MLST hello"), /;perm=r;/);
  assertMatch(await client.ask("MLST sub"), /;perm=el;/);
}, { anonymous: new Set(["r"]) });
