/** Transfers that do not wait for the server where it need not be waited for. */
import { assertEquals, assertRejects } from "@std/assert";
import { type FtpClient, FtpError } from "../../../clients/ftp/client.ts";
import { ByteReader } from "../../../tools/net/reader.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { Failure } from "../../../tools/program/failure.ts";
import { latin1 } from "../../../tools/protocol/text.ts";
import {
  type Act,
  FtpServer,
  perform,
  type Script,
  sends,
  session,
} from "../../support/ftp_script.ts";
import { Kept, source, takes } from "../../support/ftp_transfer.ts";
import { bytes } from "../../support/stream.ts";

/** The line that the client has sent besides the one that is answered now: without one this waits for ever. */
async function nextLine({ control }: FtpServer): Promise<string> {
  const oneByOne = { read: (buffer: Uint8Array) => control.read(buffer.subarray(0, 1)) };
  const line = await new ByteReader(oneByOne).readLine({ longest: 9999, end: "lf" });
  return latin1(line ?? new Uint8Array(0));
}

async function fetched(client: FtpClient, path: string, next?: string): Promise<string> {
  const kept = new Kept();
  await client.download(path, kept.sink, { pipelined: true, next: () => next });
  return kept.text;
}

/** Answers EPSV when it has the command after it, and then that one. */
function together(commands: Record<string, Act>): Act {
  return async (_, server) => {
    const line = await nextLine(server);
    const [, verb = "", argument = ""] = /^(\S+) (.*)$/.exec(line) ?? [];
    await server.say(`229 ok (|||${server.listen()}|)`);
    server.commands.push(line);
    return await perform(commands[verb] ?? "502 what", argument, server);
  };
}

const USUAL: Act = (_, server) => `229 ok (|||${server.listen()}|)`;

/** A session that has made a data connection already. */
async function proven(
  script: Script & { EPSV: Act[] },
  options: Parameters<typeof session>[1] = {},
): Promise<{ client: FtpClient; server: FtpServer }> {
  const RETR = sends("first");
  const { client, server } = await session(
    { RETR, ...script, EPSV: [USUAL, ...script.EPSV] },
    options,
  );
  assertEquals(await fetched(client, "f"), "first");
  server.commands.length = 0;
  return { client, server };
}

Deno.test("a pipelined command goes out with EPSV, once that has worked", async () => {
  let got = "";
  const { client, server } = await proven({
    EPSV: [together({ RETR: sends("one") }), together({ STOR: takes((text) => got = text) })],
  });
  assertEquals(await fetched(client, "a"), "one");
  const { bytes } = await client.upload(source("two"), "b", { pipelined: true });
  assertEquals([bytes, got], [3, "two"]);
  assertEquals(server.commands, ["EPSV", "RETR a", "EPSV", "STOR b"]);
  await client.quit();
  await server.finished();
});

Deno.test("the next download is asked for when the data has come, before the final reply", async () => {
  /** Says 226 when the client has asked for the next file. */
  const late = (text: string): Act => async (_, server) => {
    await perform(sends(text), "", server);
    const lines = [await nextLine(server), await nextLine(server)];
    server.commands.push(...lines);
    await server.say("226 done");
    await server.say(`229 ok (|||${server.listen()}|)`);
    return await perform(sends("two"), "", server);
  };
  const { client, server } = await proven({ EPSV: [together({ RETR: late("one") })] });
  assertEquals([await fetched(client, "a", "b"), await fetched(client, "b")], ["one", "two"]);
  assertEquals(server.commands, ["EPSV", "RETR a", "EPSV", "RETR b"]);
  await client.quit();
  await server.finished();
});

Deno.test("a file that fails when the next one was asked for ends the session", async () => {
  const { client } = await proven({
    RETR: [sends("first"), sends("one", { last: "451 the disk has failed" }), sends("two")],
    EPSV: [USUAL, USUAL],
  });
  await assertRejects(() => fetched(client, "a", "b"), FtpError, "451 the disk has failed");
  await assertRejects(
    () => fetched(client, "a"),
    Failure,
    "not connected: 451 the disk has failed",
  );
});

Deno.test("to fetch another file than the one that was announced is a bug of the caller", async () => {
  const { client, server } = await proven({ EPSV: [USUAL, USUAL] });
  assertEquals(await fetched(client, "a", "b"), "first");
  const message = "FtpClient: RETR c was called where RETR b was announced";
  await assertRejects(() => fetched(client, "c"), Error, message);
  assertEquals(await fetched(client, "b"), "first");
  assertEquals(server.commands, ["EPSV", "RETR a", "EPSV", "RETR b"]);
});

Deno.test("a pipelined command that is refused is told, open port or not", async () => {
  for (const epsv of [USUAL, "229 ok (|||9|)"]) {
    const { client, server } = await proven({
      RETR: [sends("first"), "550 no such file", sends("there")],
      EPSV: [epsv, USUAL],
    });
    await assertRejects(() => fetched(client, "gone"), FtpError, "550 no such file");
    assertEquals(await fetched(client, "f"), "there");
    assertEquals(server.commands, ["EPSV", "RETR gone", "EPSV", "RETR f"]);
  }
});

Deno.test("when EPSV is refused later on the command is answered too", async () => {
  const { client, server } = await proven({
    RETR: [sends("first"), "425 no data connection", sends("there")],
    EPSV: ["425 no port is free"],
    PASV: (_, server) => {
      const port = server.listen();
      return `227 ok (192,0,2,1,${port >> 8},${port & 255})`;
    },
  });
  await assertRejects(() => fetched(client, "f"), FtpError, "425 no data connection");
  // The next attempt is made with care: EPSV is used up, and PASV takes its place.
  assertEquals(await fetched(client, "f"), "there");
  assertEquals(server.commands, ["EPSV", "RETR f", "EPSV", "PASV", "RETR f"]);
});

Deno.test("421 between pipelined commands ends the session", async () => {
  const { client, server } = await proven({
    EPSV: [together({
      RETR: async (_, server) => {
        await perform(sends("one"), "", server);
        await server.say("226 done");
        await nextLine(server);
        await server.say("421 enough");
        server.control.close();
      },
    })],
  });
  assertEquals(await fetched(client, "a", "b"), "one");
  await assertRejects(() => fetched(client, "b"), FtpError, "421 enough");
  await server.finished();
});

Deno.test("no file is asked for ahead where that could go wrong", async () => {
  const asked = async (
    options: Parameters<typeof session>[1],
    script: Script = {},
    offset = 0,
  ): Promise<string[]> => {
    const { client, server } = await session(
      { RETR: sends("x"), REST: "350 go on", ...script },
      options,
    );
    await client.download("f", () => {}, { pipelined: true });
    server.commands.length = 0;
    await client.download("a", () => {}, { pipelined: true, offset, next: () => "b" });
    await client.noop().catch(() => {});
    return server.commands;
  };
  assertEquals((await asked({})).slice(0, 3), ["EPSV", "RETR a", "EPSV"]);
  const careful = ["EPSV", "RETR a", "NOOP"];
  assertEquals(await asked({ welcome: "220 Microsoft FTP Service" }), careful);
  // REST has to come right before its command.
  assertEquals(await asked({}, {}, 2), ["EPSV", "REST 2", "RETR a", "NOOP"]);
  assertEquals((await asked({ passive: false })).slice(1), careful.slice(1));
  // The farewell of TLS is not the end of the connection.
  const RETR: Act = async (_, server) => {
    await server.say("150 here it comes");
    const data = await server.secureData();
    await writeAll(data, bytes("x"));
    await data.closeWrite();
    return "226 done";
  };
  assertEquals(await asked({ tls: "explicit" }, { RETR }), careful);
});

Deno.test("postModtime waits for the first answer alone, and goes out with the next command", async () => {
  const time = new Date("2020-11-23T00:40:12Z");
  const { client, server } = await proven({
    EPSV: [together({ STOR: takes(() => {}) })],
    MFMT: ["213 ok", "213 ok", "550 not this one", "213 ok"],
    PWD: '257 "/"',
  });
  await client.postModtime("a", time);
  assertEquals(server.commands, ["MFMT 20201123004012 a"]);
  await client.postModtime("b", time);
  await client.postModtime("c", time);
  assertEquals(server.commands.length, 1);
  assertEquals(await client.pwd(), "/");
  await client.postModtime("d", time);
  await client.upload(source("x"), "e", { pipelined: true });
  await client.quit();
  assertEquals(server.commands, [
    "MFMT 20201123004012 a",
    "MFMT 20201123004012 b",
    "MFMT 20201123004012 c",
    "PWD",
    "MFMT 20201123004012 d",
    "EPSV",
    "STOR e",
    "QUIT",
  ]);
  await server.finished();
  assertEquals(await client.postModtime("x\n", time).catch((error) => error.name), "RangeError");
});
