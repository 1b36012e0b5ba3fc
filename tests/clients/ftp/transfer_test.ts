import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type FtpClient, FtpError, TransferAborted } from "../../../clients/ftp/client.ts";
import { Failure } from "../../../tools/program/failure.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { concat } from "../../../tools/protocol/bytes.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { type Act, type FtpServer, sends, session } from "../../support/ftp_script.ts";
import { bytes, readAll, readText } from "../../support/stream.ts";
import { afterTurns } from "../../support/turns.ts";

/** A sink that keeps everything, and what it has as text. */
class Kept {
  readonly pieces: Uint8Array[] = [];
  readonly sink = (data: Uint8Array): void => void this.pieces.push(data.slice());

  get data(): Uint8Array {
    return concat(this.pieces);
  }

  get text(): string {
    return new TextDecoder().decode(this.data);
  }
}

async function fetched(client: FtpClient, options = {}): Promise<string> {
  const kept = new Kept();
  await client.download("f", kept.sink, options);
  return kept.text;
}

/** A source that gives `data`, at most `most` bytes at a time. */
function source(data: Uint8Array | string, most = Infinity): (buffer: Uint8Array) => number | null {
  let rest = bytes(data);
  return (buffer) => {
    const piece = rest.subarray(0, Math.min(most, buffer.length));
    buffer.set(piece);
    rest = rest.subarray(piece.length);
    return piece.length || null;
  };
}

/** Takes an upload; `got` hears what came. */
function takes(got: (text: string) => void, first = "150 go on", last = "226 done"): Act {
  return async (_, server) => {
    await server.say(first);
    got(await readText(await server.data()));
    return last;
  };
}

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

/** `act` without what it answers at its end. */
function noLast(act: Act): Act {
  return async (argument, server) => {
    if (typeof act !== "string") await act(argument, server);
  };
}

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

/** A server that stops at ABOR and says `answers` then. */
function aborts(verb: "RETR" | "STOR", ...answers: string[]): Record<string, Act> {
  let data: Awaited<ReturnType<FtpServer["data"]>>;
  return {
    [verb]: async (_, server) => {
      await server.say("150 open");
      data = await server.data();
      if (verb === "RETR") await writeAll(data, bytes("part"));
    },
    ABOR: async (_, server) => {
      await data.closeWrite();
      for (const answer of answers) await server.say(answer);
    },
  };
}

Deno.test("abort: ABOR, and the session stays in step whatever is said to it", async () => {
  const dialogues = [
    ["426 aborted", "226 ABOR done"],
    ["226 ABOR done"],
    ["226 transfer done", "225 nothing to abort"],
    ["226 ABOR done", "426 aborted"],
    ["502 no ABOR", "226 done"],
    ["426 aborted", "502 no ABOR"],
  ];
  for (const answers of dialogues) {
    for (const verb of ["RETR", "STOR"] as const) {
      const { client, server } = await session({ ...aborts(verb, ...answers), PWD: '257 "/"' });
      const sink = (): void => client.abort();
      const given = (buffer: Uint8Array): number => {
        client.abort();
        return buffer.length;
      };
      await assertRejects(
        () => verb === "RETR" ? client.download("f", sink) : client.upload(given, "f"),
        TransferAborted,
      );
      assertEquals(server.commands.slice(-2), ["ABOR", "NOOP"]);
      assertEquals(await client.pwd(), "/", answers.join());
      client.close();
      await server.finished();
    }
  }
});

Deno.test("abort: a server that hears nothing during a transfer is cut off after a while", async () => {
  using time = new FakeTime();
  const { client, server } = await session({
    RETR: async (_, server) => {
      await server.say("150 open");
      const data = await server.data();
      await writeAll(data, bytes("part"));
      assertEquals(await data.read(new Uint8Array(1)), null);
      return "426 you closed it";
    },
    ABOR: "225 nothing to abort",
  });
  const aborted = assertRejects(
    () => client.download("f", () => client.abort()),
    TransferAborted,
  );
  await time.tick(2_000);
  await aborted;
  await client.noop();
  client.close();
  await server.finished();
});

Deno.test("abort: replies that never get in step end the session", async () => {
  const answers = ["426 a", "226 b", "226 c", "226 d", "226 e"];
  const { client } = await session(aborts("RETR", ...answers));
  await assertRejects(() => client.download("f", () => client.abort()), TransferAborted);
  assertStringIncludes(String(client.closed), "out of step");
});

Deno.test("abort without a transfer is nothing", async () => {
  const { client, server } = await session();
  client.abort();
  await client.noop();
  assertEquals(server.commands, ["NOOP"]);
  client.close();
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
        await writeAll(data, bytes("first"));
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
    assertEquals(heard, "first");
    client.close();
  }
});
