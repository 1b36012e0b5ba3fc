/** Transfers that are given up by the user of the client. */
import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type FtpOptions, TransferAborted } from "../../../clients/ftp/client.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { connect, FtpServer, sends, session } from "../../support/ftp_script.ts";
import { aborts, fetched } from "../../support/ftp_transfer.ts";
import { bytes } from "../../support/stream.ts";

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

Deno.test("abort before the command of the transfer keeps it from being sent", async () => {
  const { client, server } = await session({
    TYPE: () => {
      client.abort();
      return "200 ok";
    },
    RETR: sends("data"),
  });
  await assertRejects(() => client.download("f", () => {}), TransferAborted);
  assertEquals(server.commands, ["TYPE I", "EPSV"]);
  assertEquals(await fetched(client), "data");
  client.close();
});

Deno.test("abort ends the wait for a data port that does not answer", async () => {
  const server = new FtpServer({ PWD: '257 "/"' });
  const dial: FtpOptions["dial"] = async (host, port, signal) => {
    if (port === 21) return await server.network.dial(host, port, signal);
    queueMicrotask(() => client.abort());
    return await new Promise((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
  };
  const client = await connect(server, { dial });
  await assertRejects(() => client.download("f", () => {}), TransferAborted);
  assertEquals(await client.pwd(), "/");
  assertEquals(server.commands, ["TYPE I", "EPSV", "PWD"]);
  client.close();
});

Deno.test("abort once the command is on its way ends the transfer", async () => {
  const { client, server } = await session({
    ...aborts("RETR", "426 aborted", "226 done"),
    REST: () => {
      client.abort();
      return "350 go on";
    },
  });
  await assertRejects(() => client.download("f", () => {}, { offset: 3 }), TransferAborted);
  assertEquals(server.commands.slice(-4), ["REST 3", "RETR f", "ABOR", "NOOP"]);
  client.close();
  await server.finished();
});

Deno.test("abort ends a listing with all its commands", async () => {
  const { client, server } = await session({
    FEAT: "211-\r\n MLST type*;\r\n211 end",
    MLSD: () => {
      client.abort();
      return "501 no folder";
    },
    LIST: sends(""),
  });
  await assertRejects(() => client.list("f"), TransferAborted);
  assert(!server.commands.some((line) => line.startsWith("LIST")));
  client.close();
});

Deno.test("abort without a transfer is nothing", async () => {
  const { client, server } = await session();
  client.abort();
  await client.noop();
  assertEquals(server.commands, ["NOOP"]);
  client.close();
});
