import { assert, assertEquals, assertRejects } from "@std/assert";
import { FtpError, TransferAborted } from "../../../clients/ftp/client.ts";
import { Failure } from "../../../tools/program/failure.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { type Act, type FtpServer, sends, session } from "../../support/ftp_script.ts";
import { aborts, fetched, Kept, noLast, source, takes } from "../../support/ftp_transfer.ts";
import { bytes, readText } from "../../support/stream.ts";
import { afterTurns } from "../../support/turns.ts";

Deno.test("a refusal before the data leaves everything as it was", async () => {
  for (const refusal of ["550 no such file", "450 busy", "553 not allowed", "500 what"]) {
    const { client } = await session({ RETR: refusal, STOR: refusal, PWD: '257 "/"' });
    const kept = new Kept();
    await assertRejects(() => client.download("f", kept.sink), FtpError, refusal);
    await assertRejects(() => client.upload(source("x"), "f"), FtpError, refusal);
    assertEquals([kept.text, await client.pwd()], ["", "/"]);
    client.close();
  }
});

Deno.test("an error after all the data is an error, and what came is kept", async () => {
  for (const last of ["426 cut", "451 disk", "552 quota"]) {
    const { client } = await session({
      RETR: sends("part", { last }),
      STOR: takes(() => {}, "150 go on", last),
    });
    const kept = new Kept();
    const { code, exitCode } = await assertRejects(
      () => client.download("f", kept.sink),
      FtpError,
      last,
    );
    assertEquals([code, exitCode], [Number(last.slice(0, 3)), last.startsWith("4") ? 5 : 1]);
    assertEquals(kept.text, "part");
    await assertRejects(() => client.upload(source("x"), "f"), FtpError, last);
    await client.noop();
    client.close();
  }
});

Deno.test("an error in the middle ends the data connection", async () => {
  const { client, server } = await session({
    RETR: async (_, server) => {
      await server.say("150 coming");
      const data = await server.data();
      await writeAll(data, bytes("part"));
      await server.say("426 cut");
      // Nothing more comes, and the connection stays open on this side.
      assertEquals(await data.read(new Uint8Array(1)), null);
    },
    STOR: async (_, server) => {
      await server.say("150 go on");
      const data = await server.data();
      await data.read(new Uint8Array(1));
      await server.say("552 quota");
    },
  });
  assertEquals((await assertRejects(() => client.download("f", () => {}), FtpError)).code, 426);
  const endless = (buffer: Uint8Array): Promise<number> =>
    afterTurns(5, () => {}).then(() => buffer.length);
  assertEquals((await assertRejects(() => client.upload(endless, "f"), FtpError)).code, 552);
  await client.noop();
  client.close();
  await server.finished();
});

Deno.test("a data connection that breaks is an error, whatever the server says", async () => {
  const breaks = (last: string): Act => async (_, server) => {
    await server.say("150 coming");
    const data = await server.data();
    await writeAll(data, bytes("part"));
    await afterTurns(10, () => data.reset());
    return last;
  };
  const { client } = await session({
    RETR: [breaks("426 broken"), breaks("226 all well")],
    STOR: breaks("226 well"),
  });
  assertEquals((await assertRejects(() => client.download("f", () => {}), FtpError)).code, 426);
  await assertRejects(() => client.download("f", () => {}), Deno.errors.ConnectionReset);
  const endless = (buffer: Uint8Array): Promise<number> =>
    afterTurns(5, () => {}).then(() => buffer.length);
  await assertRejects(() => client.upload(endless, "f"), Error);
  await client.noop();
  client.close();
});

Deno.test("a session that ends in the middle of a transfer ends the transfer", async () => {
  const ends: [how: (server: FtpServer) => void | Promise<void>, message: string][] = [
    [(server) => server.say("421 shutting down"), "421 shutting down"],
    [(server) => server.control.close(), "the server closed the connection"],
    [(server) => server.control.reset(), "reset"],
    [(server) => server.say("what is this"), "not an FTP reply"],
  ];
  for (const [end, message] of ends) {
    for (const verb of ["RETR", "STOR"] as const) {
      const { client } = await session({
        [verb]: async (_: string, server: FtpServer): Promise<void> => {
          await server.say("150 open");
          const data = await server.data();
          if (verb === "RETR") await writeAll(data, bytes("part"));
          await end(server);
        },
      });
      const kept = new Kept();
      const endless = (buffer: Uint8Array): Promise<number> =>
        afterTurns(5, () => {}).then(() => buffer.length);
      await assertRejects(
        () => verb === "RETR" ? client.download("f", kept.sink) : client.upload(endless, "f"),
        Error,
        message,
      );
      assert(client.closed, message);
    }
  }
});

Deno.test("all the data and no final reply: given up after the time for it", async () => {
  using time = new FakeTime();
  const { client } = await session({ RETR: noLast(sends("data")) });
  const kept = new Kept();
  const failed = assertRejects(() => client.download("f", kept.sink), Deno.errors.TimedOut);
  await time.tick(29_000);
  assertEquals([kept.text, client.closed], ["data", undefined]);
  await time.tick(2_000);
  await failed;
});

Deno.test("only silence is limited: a slow transfer goes on, and a slow sink takes its time", async () => {
  using time = new FakeTime();
  const { client, server } = await session({
    RETR: async (_, server) => {
      await server.say("150 coming");
      const data = await server.data();
      for (let i = 0; i < 10; i++) {
        await new Promise((resolve) => setTimeout(resolve, 20_000));
        await writeAll(data, bytes("x"));
      }
      await data.closeWrite();
      await new Promise((resolve) => setTimeout(resolve, 20_000));
      return "226 done";
    },
  });
  const slow = fetched(client);
  await time.tick(300_000);
  assertEquals(await slow, "x".repeat(10));

  const release = Promise.withResolvers<void>();
  const stalled = client.download("f", () => release.promise);
  await time.tick(3_600_000);
  assertEquals(client.closed, undefined);
  release.resolve();
  await time.tick(60_000);
  await stalled;
  client.close();
  await server.finished();
});

Deno.test("a data connection that falls silent is given up", async () => {
  using time = new FakeTime();
  for (const verb of ["RETR", "STOR"] as const) {
    const { client } = await session({
      [verb]: async (_: string, server: FtpServer): Promise<void> => {
        await server.say("150 open");
        const data = await server.data();
        if (verb === "RETR") await writeAll(data, bytes("part"));
      },
    });
    const failed = assertRejects(
      () => verb === "RETR" ? client.download("f", () => {}) : client.upload(source("data"), "f"),
      Deno.errors.TimedOut,
    );
    await time.tick(31_000);
    await failed;
  }
});

Deno.test("a sink or a source that fails gives the transfer up, and its own error comes out", async () => {
  const full = new Failure(4, "the disk is full");
  for (const late of [false, true]) {
    const fail = (): Promise<never> =>
      late ? afterTurns(20, () => {}).then(() => Promise.reject(full)) : Promise.reject(full);
    const down = await session(aborts("RETR", "426 aborted", "226 done"));
    assertEquals(await assertRejects(() => down.client.download("f", fail), Failure), full);
    const up = await session(aborts("STOR", "426 aborted", "226 done"));
    assertEquals(await assertRejects(() => up.client.upload(fail, "f"), Failure), full);
    for (const { client } of [down, up]) {
      await client.noop();
      client.close();
    }
  }
});

Deno.test("a sink that fails at the very end of TYPE A comes out too", async () => {
  const { client } = await session({ RETR: sends("a\r") });
  const full = new Failure(4, "the disk is full");
  await assertRejects(
    () =>
      client.download("f", (data) => {
        if (data[0] === 13) throw full;
      }, { ascii: true }),
    Failure,
    "the disk is full",
  );
  await client.noop();
  client.close();
});

Deno.test("a sink that was given up hears nothing more", async () => {
  for (const ascii of [false, true]) {
    const { client } = await session({
      RETR: async (_, server) => {
        await server.say("150 coming");
        const data = await server.data();
        await writeAll(data, bytes("first\r"));
        await afterTurns(50, () => {});
        await writeAll(data, bytes("second\r"));
        await data.closeWrite();
        await server.say("226 done");
      },
      ABOR: "225 nothing",
    });
    let heard = "";
    const sink = (data: Uint8Array): void => {
      heard += new TextDecoder().decode(data);
      client.abort();
    };
    await assertRejects(() => client.download("f", sink, { ascii }), TransferAborted);
    assertEquals(heard, ascii ? "first" : "first\r");
    client.close();
  }
});

Deno.test("a source that was given up is not sent", async () => {
  let got = "?";
  const { client, server } = await session({
    STOR: async (_, server) => {
      await server.say("150 go on");
      void server.data().then(readText).then((text) => got = text);
    },
    ABOR: "426 aborted\r\n226 done",
  });
  const source = (buffer: Uint8Array): number => {
    client.abort();
    return buffer.length;
  };
  await assertRejects(() => client.upload(source, "f"), TransferAborted);
  assertEquals(got, "");
  client.close();
  await server.finished();
});

Deno.test("a piece stays as it is until the sink is done, and a failure waits for that", async () => {
  const { client } = await session({
    RETR: async (_, server) => {
      await server.say("150 coming");
      const data = await server.data();
      for (const piece of ["a", "b", "c"]) {
        await writeAll(data, bytes(piece));
        await afterTurns(10, () => {});
      }
      data.reset();
      return "426 cut";
    },
  });
  let text = "";
  const slow = async (data: Uint8Array): Promise<void> => {
    await afterTurns(100, () => {});
    text += new TextDecoder().decode(data);
  };
  await assertRejects(() => client.download("f", slow), FtpError, "426");
  const told = text;
  assertEquals(told, "ab");
  await afterTurns(200, () => {});
  assertEquals(text, told);
  client.close();
});
