import { assert, assertEquals, assertRejects } from "@std/assert";
import { FtpError } from "../../../clients/ftp/client.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { type Act, sends, session } from "../../support/ftp_script.ts";
import { fetched, Kept, noLast, source, takes } from "../../support/ftp_transfer.ts";
import { bytes, readAll, readText } from "../../support/stream.ts";
import { afterTurns } from "../../support/turns.ts";

Deno.test("downloads of all sizes arrive whole", async () => {
  for (const size of [0, 1, 1000, 256 * 1024, 256 * 1024 + 1, 1_000_000]) {
    const data = Uint8Array.from({ length: size }, (_, i) => i * 31);
    const { client, server } = await session({ RETR: sends(data) });
    const kept = new Kept();
    const progress: number[] = [];
    const done = await client.download("f", kept.sink, { onProgress: (n) => progress.push(n) });
    assertEquals(done.bytes, size);
    assertEquals(done.reply.code, 226);
    assert(kept.data.length === size && kept.data.every((byte, i) => byte === data[i]));
    assertEquals(progress.at(-1) ?? 0, size);
    client.close();
    await server.finished();
  }
});

Deno.test("uploads of all sizes arrive whole", async () => {
  for (const size of [0, 1, 256 * 1024, 256 * 1024 + 1, 1_000_000]) {
    const data = Uint8Array.from({ length: size }, (_, i) => i * 31);
    let got = new Uint8Array(0);
    const { client, server } = await session({
      STOR: async (_, server) => {
        await server.say("125 open already");
        got = await readAll(await server.data());
        return "250 done";
      },
    });
    const progress: number[] = [];
    const done = await client.upload(source(data, 100_000), "f", {
      onProgress: (n) => progress.push(n),
    });
    assertEquals([done.bytes, done.reply.code, done.name], [size, 250, undefined]);
    assert(got.length === size && got.every((byte, i) => byte === data[i]));
    assertEquals(progress.at(-1) ?? 0, size);
    assertEquals(server.commands, ["TYPE I", "EPSV", "STOR f"]);
    client.close();
    await server.finished();
  }
});

Deno.test("a transfer is done when data and final reply are there, in whatever order", async () => {
  const orders: Act[] = [
    sends("data"),
    // The reply before the end of the data, and before its beginning.
    async (_, server) => {
      await server.say("150 coming\r\n226 done");
      const data = await server.data();
      await afterTurns(20, () => {});
      await writeAll(data, bytes("data"));
      await data.closeWrite();
    },
    // The data before 150.
    async (_, server) => {
      const data = await server.data();
      await writeAll(data, bytes("data"));
      await data.closeWrite();
      await afterTurns(20, () => {});
      return "150-coming\r\n150 it was there\r\n226 done";
    },
    // No 150 at all; two of them.
    sends("data", { first: "226 done", last: undefined as never }),
    sends("data", { first: "150 coming\r\n125 still coming" }),
    // The end of the data long after its last byte.
    async (_, server) => {
      await server.say("150 coming");
      const data = await server.data();
      await writeAll(data, bytes("data"));
      await server.say("226 done");
      await afterTurns(50, () => {});
      await data.closeWrite();
    },
  ];
  for (const [i, RETR] of orders.entries()) {
    const { client, server } = await session({
      RETR: i === 3 ? noLast(RETR) : RETR,
      PWD: '257 "/"',
    });
    assertEquals(await fetched(client), "data", `order ${i}`);
    assertEquals(await client.pwd(), "/", `order ${i}`);
    client.close();
    await server.finished();
  }
});

Deno.test("uploads: 2yz at once is taken for go on and for done", async () => {
  let got = "";
  const { client } = await session({
    STOR: noLast(takes((text) => got = text, "226 fine")),
    PWD: '257 "/"',
  });
  await client.upload(source("data"), "f");
  assertEquals(await client.pwd(), "/");
  assertEquals(got, "data");
  client.close();
});

Deno.test("REST goes right before the command, and a refusal of it is told", async () => {
  const { client, server } = await session({
    REST: ["350 ok", "350 ok", "501 no"],
    RETR: sends("rest"),
    STOR: takes(() => {}),
  });
  const progress: number[] = [];
  await client.download("f", () => {}, { offset: 100, onProgress: (n) => progress.push(n) });
  await client.upload(source("ab"), "f", { offset: 2 ** 33 });
  assertEquals(progress, [104]);
  assertEquals(server.commands, [
    "TYPE I",
    "EPSV",
    "REST 100",
    "RETR f",
    "EPSV",
    "REST 8589934592",
    "STOR f",
  ]);
  await assertRejects(() => client.download("f", () => {}, { offset: 1 }), FtpError, "501");
  await assertRejects(() => client.download("f", () => {}, { offset: 1, ascii: true }), RangeError);
  await client.noop();
  client.close();
});

Deno.test("uploads append, or get a name from the server", async () => {
  const got: string[] = [];
  const { client, server } = await session({
    APPE: takes((text) => got.push(text)),
    STOU: [
      takes((text) => got.push(text), "150 FILE: up.1"),
      takes((text) => got.push(text), "125 go", "250 FILE: up.2"),
    ],
  });
  await client.upload(source("a"), "f", { append: true });
  const names = [
    (await client.upload(source("b"), "f", { unique: true })).name,
    (await client.upload(source("c"), "f", { unique: true })).name,
  ];
  assertEquals([names, got], [["up.1", "up.2"], ["a", "b", "c"]]);
  assertEquals(server.commands.filter((line) => !line.startsWith("E")), [
    "TYPE I",
    "APPE f",
    "STOU",
    "STOU",
  ]);
  client.close();
});

Deno.test("TYPE A converts line ends both ways", async () => {
  let got = "";
  const { client, server } = await session({
    RETR: [sends("a\r\nb\r"), sends("a\r\nb")],
    STOR: takes((text) => got = text),
  });
  assertEquals(await fetched(client, { ascii: true }), "a\nb\r");
  const done = await client.upload(source("a\nb\r\n", 1), "f", { ascii: true });
  assertEquals([got, done.bytes], ["a\r\nb\r\n", 6]);
  assertEquals(await fetched(client), "a\r\nb");
  assertEquals(server.commands.filter((line) => line.startsWith("TYPE")), ["TYPE A", "TYPE I"]);
  client.close();
});

Deno.test("after an upload the server may still say something, and is heard", async () => {
  const { client, server } = await session({
    STOR: async (_, server) => {
      await server.say("150 go on");
      const data = await server.data();
      await readText(data);
      await afterTurns(50, () => {});
      await writeAll(data, bytes("late ticket"));
      await data.closeWrite();
      return "226 done";
    },
  });
  await client.upload(source("data"), "f");
  client.close();
  await server.finished();
});
