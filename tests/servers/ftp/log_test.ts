/** What the log of the FTP server says. */
import { assertEquals, assertMatch } from "@std/assert";
import { parseUser } from "../../../tools/protocol/users.ts";
import { ftpTest } from "../../support/ftp_server.ts";

ftpTest("transfers are logged as xferlog has them", async ({ login, log }) => {
  const client = await login();
  await client.codes("TYPE I");
  await client.store("STOR sub/a b", "12345");
  await client.fetch("RETR hello");
  await log.says(/ \/hello /);
  const lines = log.text.split("\n").filter((line) => / ftp 0 /.test(line));
  assertMatch(
    lines.join("\n"),
    /^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} 1 127\.0\.0\.1 5 \/sub\/a_b b _ i a anonymous ftp 0 \* c\n.* 6 \/hello b _ o a anonymous ftp 0 \* c$/,
  );
});

ftpTest(
  "transfers are logged as JSON",
  async ({ login, log }) => {
    const client = await login();
    await client.fetch("RETR hello");
    await log.says(/"download"/);
    const line = log.text.split("\n").find((line) => line.includes('"download"')) ?? "";
    const { event, path, bytes, complete, user, peer, type, tls } = JSON.parse(line);
    assertEquals([event, path, bytes, complete, user, peer, type, tls], [
      "download",
      "/hello",
      6,
      true,
      "anonymous",
      "127.0.0.1",
      "A",
      false,
    ]);
  },
  { form: "json" },
);

const REFUSED: [line: string, command: string, path: string | undefined, reason: string][] = [
  ["RETR nothing", "RETR", "/sub/nothing", "No such file or folder."],
  ["RETR ../sub", "RETR", "/sub", "Not a plain file."],
  ["RETR", "RETR", undefined, "This command needs an argument."],
  ["RETR a\0b", "RETR", undefined, "The argument has characters that no name can have."],
  ["RETR a\x1b[2J", "RETR", "a\x1b[2J", "Not a name that a file here can have."],
  ["stor new", "STOR", "/sub/new", "You have no right to do this here."],
  ["APPE /hello", "APPE", "/hello", "You have no right to do this here."],
  ["STOU", "STOU", undefined, "You have no right to do this here."],
  ["MKD new", "MKD", "/sub/new", "You have no right to do this here."],
  ["XRMD /", "XRMD", "/", "Permission denied."],
  ["DELE nothing", "DELE", "/sub/nothing", "No such file or folder."],
  ["RNFR nothing", "RNFR", "/sub/nothing", "No such file or folder."],
  ["RNTO new", "RNTO", "/sub/new", "RNFR comes first."],
];

ftpTest("what is refused is logged: who, what and why", async ({ login, log }) => {
  const client = await login();
  assertEquals(await client.codes("CWD sub", "EPSV"), [250, 229]);
  for (const [line, , , reason] of REFUSED) {
    assertEquals((await client.ask(line)).slice(4), reason);
  }
  await log.log.flush();
  const lines = log.text.trim().split("\n").map((line) => JSON.parse(line));
  assertEquals(
    lines.filter(({ event }) => event === "refused").map(({ time: _, ...fields }) => fields),
    REFUSED.map(([, command, path, reason]) => ({
      server: "ftpd",
      event: "refused",
      peer: "127.0.0.1",
      user: "anonymous",
      command,
      ...path !== undefined && { path },
      reason,
    })),
  );
}, { form: "json", anonymous: new Set(["r", "d"]) });

ftpTest("what clients ask about files that are not there fills no log", async ({ login, log }) => {
  const client = await login();
  await log.log.flush();
  const before = log.text;
  const lines = ["SIZE", "MDTM", "MLST", "STAT", "CWD"].map((verb) => `${verb} nothing`);
  assertEquals(await client.codes(...lines), [550, 550, 550, 550, 550]);
  await log.log.flush();
  assertEquals(log.text, before);
});

ftpTest("a disk that fails is logged as what it says", async ({ login, log }) => {
  const client = await login();
  for (const line of ["RETR mem", "HASH mem"]) {
    const before = log.text.length;
    assertMatch(await client.fetch(line), /^451 The disk failed\.$/);
    await log.log.flush();
    assertMatch(log.text.slice(before), / failed peer=127\.0\.0\.1 .*reason="Error: .*os error/);
  }
}, { folder: "/proc/self" });

ftpTest("a user whose folder is gone is not let in, and the log says why", async (served) => {
  const client = await served.connect();
  assertEquals(await client.codes("USER ada", "PASS pw"), [331, 530]);
  await served.log.says(/ failed .*name=ada reason="the folder of this user: not found"\n/);
}, (root) => ({ users: [parseUser(`ada:pw:${root}/gone`)] }));
