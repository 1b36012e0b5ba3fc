/** Transfers that tell the server things as soon as that can do no harm. */
import { assertEquals, assertRejects } from "@std/assert";
import { type FtpClient, type FtpConn, FtpError } from "../../../clients/ftp/client.ts";
import { ByteReader } from "../../../tools/net/reader.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { formatSix } from "../../../tools/protocol/ftp_address.ts";
import { Secret } from "../../../tools/protocol/secret.ts";
import { latin1 } from "../../../tools/protocol/text.ts";
import { type Act, connect, FtpServer, perform, sends, session } from "../../support/ftp_script.ts";
import { Kept, source, takes } from "../../support/ftp_transfer.ts";
import { bytes, readText } from "../../support/stream.ts";

const TIME = new Date("2020-11-23T00:40:12Z");

async function fetched(client: FtpClient, path: string, offset = 0): Promise<string> {
  const kept = new Kept();
  await client.download(path, kept.sink, { pipelined: true, offset });
  return kept.text;
}

/** The next line of the client, which is not answered; without one this waits for ever. */
async function nextLine({ control, commands }: FtpServer): Promise<void> {
  const oneByOne = { read: (buffer: Uint8Array) => control.read(buffer.subarray(0, 1)) };
  const line = await new ByteReader(oneByOne).readLine({ longest: 9999, end: "lf" });
  commands.push(latin1(line ?? new Uint8Array(0)));
}

const EPSV: Act = (_, server) => `229 ok (|||${server.listen()}|)`;
const PASV: Act = (_, server) =>
  `227 ok (${formatSix({ host: server.address, port: server.listen() })})`;

Deno.test("a command goes out while its data connection is made, once that has worked", async () => {
  const asked = Promise.withResolvers<void>();
  const server = new FtpServer({
    RETR: [
      sends("first"),
      async (argument, server) => {
        asked.resolve();
        return await perform(sends("second"), argument, server);
      },
    ],
  });
  let connections = 0;
  const client = await connect(server, {
    async dial(host, port, signal): Promise<FtpConn> {
      const conn = await server.network.dial(host, port, signal);
      // The control connection, the first file, the second.
      if (++connections === 3) await asked.promise;
      return conn;
    },
  });
  await client.login({ user: "guest", password: new Secret("") });
  assertEquals([await fetched(client, "a"), await fetched(client, "b")], ["first", "second"]);
  await client.quit();
  await server.finished();
});

Deno.test("the next data connection is asked for when the data has come, before the final reply", async () => {
  const { client, server } = await session({
    RETR: [
      sends("first"),
      async (argument, server) => {
        await perform(sends("second"), argument, server);
        await nextLine(server);
        await server.say("226 done");
        return await perform(EPSV, "", server);
      },
      sends("third"),
    ],
  });
  for (const text of ["first", "second", "third"]) assertEquals(await fetched(client, "f"), text);
  const each = ["EPSV", "RETR f"];
  assertEquals(server.commands, ["TYPE I", ...each, ...each, ...each, "EPSV"]);
  await client.quit();
  await server.finished();
});

Deno.test("data of an upload goes out with its command, on a connection that is there", async () => {
  let got = "";
  const { client, server } = await session({
    RETR: sends("x"),
    STOR: [
      async (_, server) => {
        got = await readText(await server.data());
        await server.say("150 go on");
        return "226 done";
      },
      async (_, server) => {
        (await server.data()).close();
        return "553 not here";
      },
      takes((text) => got = text),
    ],
  });
  await fetched(client, "a");
  await client.upload(source("one"), "b", { pipelined: true });
  assertEquals(got, "one");
  const refused = client.upload(source("two".repeat(100_000)), "c", { pipelined: true });
  await assertRejects(() => refused, FtpError, "553 not here");
  await client.upload(source("three"), "d", { pipelined: true });
  assertEquals(got, "three");
  await client.quit();
  await server.finished();
});

Deno.test("what is asked for before its time does no harm to other commands", async () => {
  const { client, server } = await session({
    RETR: sends("x"),
    PWD: '257 "/here"',
    EPRT: "200 ok",
  });
  await fetched(client, "a");
  await fetched(client, "b");
  assertEquals(await client.pwd(), "/here");
  assertEquals(await fetched(client, "c"), "x");
  client.passive = false;
  assertEquals(await fetched(client, "d"), "x");
  assertEquals(server.commands.slice(3), [
    ...["EPSV", "RETR b", "EPSV", "PWD"],
    ...["EPSV", "RETR c", "EPSV"],
    ...["EPRT |1|192.0.2.2|50000|", "RETR d"],
  ]);
  await client.quit();
  await server.finished();
});

Deno.test("a file that fails in the end leaves the session in step", async () => {
  const { client, server } = await session({
    RETR: [sends("x"), sends("half", { last: "451 the disk has failed" }), sends("rest")],
    REST: "350 go on",
  });
  await fetched(client, "a");
  await assertRejects(() => fetched(client, "b"), FtpError, "451 the disk has failed");
  assertEquals(await fetched(client, "b", 4), "rest");
  assertEquals(server.commands.slice(3), ["EPSV", "RETR b", "EPSV", "REST 4", "RETR b"]);
});

Deno.test("a command that is refused is told, whether the server still listens or not", async () => {
  for (const second of [EPSV, "229 ok (|||9|)"]) {
    const { client, server } = await session({
      EPSV: [EPSV, second, EPSV],
      RETR: [sends("x"), "550 no such file", sends("there")],
    });
    await fetched(client, "a");
    await assertRejects(() => fetched(client, "gone"), FtpError, "550 no such file");
    assertEquals(await fetched(client, "b"), "there");
    assertEquals(server.commands.slice(3, 7), ["EPSV", "RETR gone", "EPSV", "RETR b"]);
  }
});

Deno.test("a port that does not answer is told when the server has given up, and PASV is tried next", async () => {
  const { client, server } = await session({
    EPSV: [EPSV, "229 ok (|||9|)", "229 ok (|||9|)"],
    PASV,
    RETR: [sends("x"), "425 nobody came", sends("there")],
  });
  await fetched(client, "a");
  await assertRejects(() => fetched(client, "b"), FtpError, "425 nobody came");
  assertEquals(await fetched(client, "b"), "there");
  assertEquals(server.commands.slice(3), ["EPSV", "RETR b", "EPSV", "PASV", "RETR b"]);
});

Deno.test("PASV is asked for early where it has taken the place of EPSV", async () => {
  const { client, server } = await session({ EPSV: "500 what", PASV, RETR: sends("x") });
  for (const name of ["a", "b", "c"]) assertEquals(await fetched(client, name), "x");
  assertEquals(server.commands.slice(1), [
    ...["EPSV", "PASV", "RETR a"],
    ...["PASV", "RETR b"],
    ...["PASV", "RETR c", "PASV"],
  ]);
});

Deno.test("421 between the replies ends the session", async () => {
  const { client, server } = await session({
    RETR: [
      sends("x"),
      async (argument, server) => {
        await perform(sends("y"), argument, server);
        await nextLine(server);
        await server.say("226 done");
        await server.say("421 enough");
        server.control.close();
      },
    ],
  });
  await fetched(client, "a");
  assertEquals(await fetched(client, "b"), "y");
  await assertRejects(() => fetched(client, "c"), FtpError, "421 enough");
  await server.finished();
});

Deno.test("nothing is sent before its time where that could do harm", async () => {
  const sent = async (
    options: Parameters<typeof session>[1],
    offset = 0,
    RETR: Act = sends("x"),
  ): Promise<string[]> => {
    const { client, server } = await session({ RETR, REST: "350 go on", EPRT: "200 ok" }, options);
    await fetched(client, "a");
    server.commands.length = 0;
    await fetched(client, "b", offset);
    await client.noop();
    return server.commands.slice(1);
  };
  assertEquals(await sent({}), ["RETR b", "EPSV", "NOOP"]);
  assertEquals(await sent({ welcome: "220 Microsoft FTP Service" }), ["RETR b", "NOOP"]);
  assertEquals(await sent({ passive: false }), ["RETR b", "NOOP"]);
  // REST has to come right before its command.
  assertEquals(await sent({}, 2), ["REST 2", "RETR b", "NOOP"]);
  // The farewell of TLS is not the end of the connection.
  const secure: Act = async (_, server) => {
    await server.say("150 here it comes");
    const data = await server.secureData();
    await writeAll(data, bytes("x"));
    await data.closeWrite();
    return "226 done";
  };
  assertEquals(await sent({ tls: "explicit" }, 0, secure), ["RETR b", "NOOP"]);
});

Deno.test("postModtime waits for the first answer alone, and goes out with the next command", async () => {
  const { client, server } = await session({
    RETR: sends("x"),
    STOR: takes(() => {}),
    MFMT: ["213 ok", "213 ok", "550 not this one", "213 ok"],
    PWD: '257 "/"',
  });
  await fetched(client, "f");
  server.commands.length = 0;
  await client.postModtime("a", TIME);
  assertEquals(server.commands, ["MFMT 20201123004012 a"]);
  await client.postModtime("b", TIME);
  await client.postModtime("c", TIME);
  assertEquals(server.commands.length, 1);
  assertEquals(await client.pwd(), "/");
  await client.upload(source("x"), "d");
  await client.postModtime("e", TIME);
  assertEquals(await client.postModtime("x\n", TIME).catch((error) => error.name), "RangeError");
  await client.quit();
  await server.finished();
  assertEquals(server.commands.slice(1), [
    "MFMT 20201123004012 b",
    "MFMT 20201123004012 c",
    "PWD",
    "EPSV",
    "STOR d",
    "MFMT 20201123004012 e",
    "QUIT",
  ]);
});

Deno.test("postModtime waits always where nothing may be sent before its time", async () => {
  const { client, server } = await session(
    { RETR: sends("x"), MFMT: "213 ok" },
    { welcome: "220 Microsoft FTP Service" },
  );
  await fetched(client, "f");
  server.commands.length = 0;
  await client.postModtime("a", TIME);
  await client.postModtime("b", TIME);
  assertEquals(server.commands, ["MFMT 20201123004012 a", "MFMT 20201123004012 b"]);
});
