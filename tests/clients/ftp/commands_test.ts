import { assertEquals, assertRejects } from "@std/assert";
import { FtpClient, FtpError } from "../../../clients/ftp/client.ts";
import { Failure } from "../../../tools/program/failure.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { type Script, session } from "../../support/ftp_script.ts";

/** What `call` returns and what it sends to a server that follows `script`. */
async function told<T>(
  script: Script,
  call: (client: FtpClient) => Promise<T>,
): Promise<[result: T, commands: string[]]> {
  const { client, server } = await session(script);
  const result = await call(client);
  client.close();
  return [result, server.commands];
}

Deno.test("paths and folders", async () => {
  assertEquals(await told({ PWD: '257 "/a ""b""" is it' }, (client) => client.pwd()), [
    '/a "b"',
    ["PWD"],
  ]);
  assertEquals(await told({ PWD: '257 rubbish "/x' }, (client) => client.pwd()), ["/x", ["PWD"]]);
  const [, sent] = await told(
    { CWD: "250 ok", CDUP: "200 ok", RMD: "250 ok", DELE: "250 ok" },
    async (client) => {
      await client.cd(" a b ");
      await client.cdup();
      await client.rmdir("-d");
      await client.delete("f");
    },
  );
  assertEquals(sent, ["CWD  a b ", "CDUP", "RMD -d", "DELE f"]);
  assertEquals(await told({ MKD: '257 "/new" made' }, (client) => client.mkdir("new")), [
    "/new",
    ["MKD new"],
  ]);
});

Deno.test("rename takes two commands, the second only after 350", async () => {
  const [, sent] = await told(
    { RNFR: "350 go on", RNTO: "250 ok" },
    (client) => client.rename("a", "b"),
  );
  assertEquals(sent, ["RNFR a", "RNTO b"]);
  const { client, server } = await session({ RNFR: "550 no such" });
  await assertRejects(() => client.rename("a", "b"), FtpError, "550");
  assertEquals(server.commands, ["RNFR a"]);
  await assertRejects(() => client.rename("a", "b\nc"), RangeError);
  assertEquals(server.commands, ["RNFR a"]);
});

Deno.test("no path can smuggle a second command", async () => {
  const { client, server } = await session();
  const path = "a\r\nDELE b";
  for (
    const call of [
      () => client.cd(path),
      () => client.mkdir(path),
      () => client.size(path),
      () => client.chmod(0o644, path),
      () => client.setModtime(path, new Date(0)),
      () => client.list(path),
      () => client.names(path),
      () => client.download(path, () => {}),
      () => client.upload(() => null, path),
      () => client.rename(path, "b"),
      () => client.quote(path),
    ]
  ) await assertRejects(call, RangeError, "line end or NUL");
  assertEquals(server.commands.filter((line) => line.includes("DELE")), []);
  assertEquals(client.closed, undefined);
  await client.noop();
  client.close();
});

Deno.test("size is asked for in TYPE I, and its number found", async () => {
  assertEquals(await told({ SIZE: "213 51 the size" }, (client) => client.size("f")), [51, [
    "TYPE I",
    "SIZE f",
  ]]);
  const { client } = await session({ SIZE: ["550 no", "213 many"] });
  await assertRejects(() => client.size("f"), FtpError, "550");
  await assertRejects(() => client.size("f"), Failure, "not a size: many");
  assertEquals(client.closed, undefined);
});

Deno.test("modtime reads MDTM", async () => {
  const [time] = await told({ MDTM: "213 20201123004012" }, (client) => client.modtime("f"));
  assertEquals(time.toISOString(), "2020-11-23T00:40:12.000Z");
  const { client } = await session({ MDTM: "213 yesterday" });
  await assertRejects(() => client.modtime("f"), Failure, "not a time: yesterday");
});

Deno.test("setModtime finds the command that the server knows, and remembers it", async () => {
  const time = new Date("2020-11-23T00:40:12.345Z");
  const set = async (client: FtpClient): Promise<void> => {
    await client.setModtime("f", time);
    await client.setModtime("g", time);
  };
  const [, first] = await told({ MFMT: "213 ok" }, set);
  assertEquals(first, ["MFMT 20201123004012 f", "MFMT 20201123004012 g"]);
  const [, last] = await told({ MDTM: "501 what", SITE: "200 ok" }, set);
  assertEquals(last, [
    "MFMT 20201123004012 f",
    "MDTM 20201123004012 f",
    "SITE UTIME 20201123004012 f",
    "SITE UTIME 20201123004012 g",
  ]);
  const { client, server } = await session({ MFMT: "550 not this file", SITE: "500 what" });
  await assertRejects(() => client.setModtime("f", time), FtpError, "550 not this file");
  assertEquals(server.commands.length, 1);
});

Deno.test("TYPE is sent when it changes; 226 is as good as 200", async () => {
  const [, sent] = await told(
    { TYPE: ["226 ok", "200 ok", "200 ok", "200 ok"] },
    async (client) => {
      await client.setType("I");
      await client.setType("I");
      await client.setType("A");
      await client.quote("TYPE E");
      await client.setType("A");
    },
  );
  assertEquals(sent, ["TYPE I", "TYPE A", "TYPE E", "TYPE A"]);
  const { client } = await session({ TYPE: ["500 no", "200 ok"] });
  await assertRejects(() => client.setType("I"), FtpError);
  await client.setType("I");
  client.close();
});

Deno.test("the rest: SYST, SITE, HELP, STAT, NOOP, chmod, and lines as they are", async () => {
  const [texts, sent] = await told({
    SYST: "215 UNIX Type: L8",
    SITE: "200 site",
    HELP: "214-a\r\n214 b",
    STAT: "211 status",
    XYZ: "599 odd",
  }, async (client) => [
    await client.system(),
    (await client.chmod(0o7, "a b")).text,
    (await client.site("IDLE 5")).text,
    (await client.help()).text,
    (await client.help("USER")).text,
    (await client.stat("x")).text,
    (await client.noop()).text,
    (await client.quote("XYZ 1")).code,
  ]);
  assertEquals(texts, ["UNIX Type: L8", "site", "site", "a\nb", "a\nb", "status", "ok", 599]);
  assertEquals(sent, [
    "SYST",
    "SITE CHMOD 007 a b",
    "SITE IDLE 5",
    "HELP",
    "HELP USER",
    "STAT x",
    "NOOP",
    "XYZ 1",
  ]);
});

Deno.test("a reply of the wrong kind breaks the protocol; 1yz is not the last word", async () => {
  const { client } = await session({ NOOP: "150 wait\r\n120 a little\r\n200 ok", CWD: "350 and?" });
  assertEquals((await client.noop()).text, "ok");
  await assertRejects(() => client.cd("x"), ProtocolError, "350 is no answer to CWD");
  assertEquals(client.closed instanceof ProtocolError, true);
});
