import { assertEquals, assertRejects } from "@std/assert";
import { FtpError } from "../../../clients/ftp/client.ts";
import { LARGEST_LISTING } from "../../../clients/ftp/session.ts";
import { Failure } from "../../../tools/program/failure.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { safeName } from "../../../tools/protocol/safe_name.ts";
import { bytes } from "../../support/stream.ts";
import { type Act, perform, sends, session } from "../../support/ftp_script.ts";

const MLST = { FEAT: "211-Here\r\n MLST type*;\r\n211 end" };
const LINE = "-rw-r--r-- 1 o g 5 Nov 23  2020 a\r\n";

Deno.test("list asks by MLSD where the server has it", async () => {
  const { client, server } = await session({
    ...MLST,
    MLSD: sends("type=cdir; .\r\ntype=file;size=5;modify=20201123004012; a b\r\n"),
  });
  const [entry, ...others] = await client.list("x y");
  assertEquals(
    [entry?.name, entry?.size, entry?.modified?.getTime(), entry?.exact, others.length],
    [
      "a b",
      5,
      Date.UTC(2020, 10, 23, 0, 40, 12),
      true,
      0,
    ],
  );
  await client.list();
  assertEquals(server.commands, ["EPSV", "MLSD x y", "EPSV", "MLSD"]);
  client.close();
});

Deno.test("list asks by LIST where MLSD is not offered, or does not work", async () => {
  const list = (argument: string): Act =>
    argument.startsWith("-a") ? sends(`${LINE}${LINE.replace("a\r", ".b\r")}`) : sends(LINE);
  const LIST: Act = (argument, server) => perform(list(argument), argument, server);
  const plain = await session({ LIST });
  assertEquals((await plain.client.list("x")).map(({ name }) => name), ["a", ".b"]);
  await plain.client.list("-l");
  assertEquals(plain.server.commands, ["EPSV", "LIST -a x", "EPSV", "LIST -a ./-l"]);
  plain.client.close();

  for (const MLSD of ["500 what", "502 no"]) {
    const { client, server } = await session({ ...MLST, MLSD, LIST });
    await client.list();
    await client.list();
    assertEquals(server.commands.filter((line) => line !== "EPSV"), ["MLSD", "LIST -a", "LIST -a"]);
    client.close();
  }
  // 501: not a folder, this time.
  const file = await session({ ...MLST, MLSD: ["501 not a folder", sends(" b\r\n")], LIST });
  assertEquals((await file.client.list("f")).length, 2);
  assertEquals((await file.client.list("d"))[0]?.name, "b");
  file.client.close();
});

Deno.test("list does without -a where that is refused, or taken for a name", async () => {
  for (const refusal of ["550 -a: no such file", "501 what", sends("")]) {
    const LIST: Act = (argument, server) =>
      perform(argument.startsWith("-a") ? refusal : sends(LINE), argument, server);
    const { client, server } = await session({ LIST });
    assertEquals((await client.list("x")).map(({ name }) => name), ["a"]);
    assertEquals((await client.list("x")).length, 1);
    assertEquals(server.commands.filter((line) => line !== "EPSV"), [
      "LIST -a x",
      "LIST x",
      "LIST x",
    ]);
    client.close();
  }
});

Deno.test("an empty folder is empty, and a missing one is an error", async () => {
  for (const text of ["", "total 0\r\n", "\r\n"]) {
    const { client } = await session({ LIST: sends(text) });
    assertEquals(await client.list(), []);
    client.close();
  }
  const { client } = await session({ ...MLST, MLSD: "550 no such folder", LIST: "550 no such" });
  await assertRejects(() => client.list("x"), FtpError, "550 no such folder");
  const plain = await session({ LIST: "550 no such" });
  await assertRejects(() => plain.client.list("x"), FtpError, "550 no such");
  await plain.client.noop();
});

Deno.test("what is no listing is told; lines that are none among others are passed over", async () => {
  const { client } = await session({
    LIST: [sends("\x1b[2Jls: no\r\n"), sends(`ls: no\r\n${LINE}`)],
  });
  await assertRejects(() => client.list(), Failure, "not a listing: \\x1b[2Jls: no");
  assertEquals((await client.list()).length, 1);
  client.close();
});

Deno.test("names that attack are in the listing as they are, and safeName refuses them", async () => {
  const names = ["../../etc/passwd", "/etc/passwd", "a/b", "..\\x", "a\x1bb"];
  const mlsd = await session({
    ...MLST,
    MLSD: sends(names.map((name) => `type=file; ${name}\r\n`).join("")),
  });
  const list = await session({
    LIST: sends(names.map((name) => LINE.replace("a\r", `${name}\r`)).join("")),
  });
  for (const { client } of [mlsd, list]) {
    const entries = await client.list();
    assertEquals(entries.map(({ name }) => name), names);
    assertEquals(entries.filter(({ name }) => safeName(name)), []);
    client.close();
  }
});

Deno.test("a listing may be large, but not without end, and the session goes on after that", async () => {
  const piece = bytes(LINE.repeat(30_000));
  const { client, server } = await session({
    LIST: async (_, server) => {
      await server.say("150 coming");
      const data = await server.data();
      for (let sent = 0; sent <= LARGEST_LISTING; sent += piece.length) await writeAll(data, piece);
      await data.closeWrite();
      return "226 done";
    },
    ABOR: "225 nothing",
  });
  await assertRejects(() => client.listLines(), Failure, "larger than");
  await client.noop();
  client.close();
  await server.finished();
});

Deno.test("listLines gives the lines as they come", async () => {
  const { client, server } = await session({ LIST: sends("total 1\r\nwhat\never \r\n") });
  assertEquals(await client.listLines("-l x"), ["total 1", "what", "ever "]);
  assertEquals(server.commands, ["EPSV", "LIST -l x"]);
  client.close();
});

Deno.test("names takes every way to say nothing, and leaves out what is no name", async () => {
  for (const NLST of [sends(""), "550 no files", "450 no files"]) {
    const { client } = await session({ NLST });
    assertEquals(await client.names("*.txt"), []);
    client.close();
  }
  const { client, server } = await session({
    NLST: [sends("./a\r\nd/b\n/x/c\r\n.\r\nd/..\r\n.d\r\n./\r\n"), "500 what"],
  });
  assertEquals(await client.names(), ["a", "d/b", "/x/c", ".d", "./"]);
  await assertRejects(() => client.names(), FtpError, "500");
  assertEquals(server.commands, ["EPSV", "NLST", "EPSV", "NLST"]);
  client.close();
});
