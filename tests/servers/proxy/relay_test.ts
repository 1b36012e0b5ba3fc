import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { bufferPools } from "../../../servers/proxy/buffers.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { concat } from "../../../tools/protocol/bytes.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { bytes, readAll, readText, type TestStream } from "../../support/stream.ts";
import { relayed, witness } from "./relayed.ts";

async function say(stream: TestStream, text: string): Promise<void> {
  await writeAll(stream, bytes(text));
}

/** What comes from `stream` next. */
async function hear(stream: TestStream): Promise<string | null> {
  const buffer = new Uint8Array(1000);
  const length = await stream.read(buffer);
  return length === null ? null : new TextDecoder().decode(buffer.subarray(0, length));
}

for (const plain of [false, true]) {
  const how = plain ? "sockets" : "streams";

  Deno.test(`relay: the late reply to a client that has ended its half arrives, ${how}`, async () => {
    const { client, server, over, broken } = relayed({ plain });
    await say(client, "question");
    await client.closeWrite();
    assertEquals(await readText(server), "question");
    await say(server, "a late ");
    assertEquals(await hear(client), "a late ");
    await say(server, "answer");
    await server.closeWrite();
    assertEquals(await readText(client), "answer");
    await over;
    assert(!broken());
  });

  Deno.test(`relay: so does what a client says after the server has ended its half, ${how}`, async () => {
    const { client, server, over, broken } = relayed({ plain });
    await say(server, "hello");
    await server.closeWrite();
    assertEquals(await readText(client), "hello");
    await say(client, "a late ");
    assertEquals(await hear(server), "a late ");
    await say(client, "question");
    await client.closeWrite();
    assertEquals(await readText(server), "question");
    await over;
    assert(!broken());
  });
}

Deno.test("relay: a client that says nothing and ends", async () => {
  const { client, server, over } = relayed();
  await client.closeWrite();
  assertEquals(await readText(server), "");
  await server.closeWrite();
  assertEquals(await readText(client), "");
  await over;
});

Deno.test("relay: of sockets the second end is told by their close alone, of others by both", async () => {
  const table: [plain: boolean, expected: string[]][] = [
    [true, ["server"]],
    [false, ["server", "client"]],
  ];
  for (const [plain, expected] of table) {
    const ended: string[] = [];
    const { client, server, over } = relayed({
      plain,
      change(client, server): void {
        for (const [name, side] of Object.entries({ client, server })) {
          const { closeWrite } = side;
          side.closeWrite = () => {
            ended.push(name);
            return closeWrite.call(side);
          };
        }
      },
    });
    await client.closeWrite();
    await readAll(server);
    await server.closeWrite();
    await readAll(client);
    await over;
    assertEquals(ended, expected);
  }
});

for (const side of ["client", "server"] as const) {
  Deno.test(`relay: a reset by the ${side} closes the other side`, async () => {
    const watcher = witness();
    const ends = relayed({ watchers: [watcher] });
    const other = side === "client" ? ends.server : ends.client;
    await say(other, "hello");
    assertEquals(await hear(ends[side]), "hello");
    ends[side].reset();
    assertEquals(await hear(other), null);
    await ends.over;
    assert(ends.broken());
    const [from, to] = side === "client" ? ["up", "down"] : ["down", "up"];
    assertEquals(watcher.told, [`reset ${from}`, `end ${to}`]);
    await assertRejects(() => other.write(bytes("more")), Deno.errors.BrokenPipe);
  });
}

Deno.test("relay: the last words of a server that closes while the client still sends", async () => {
  const { client, server, over, broken } = relayed();
  await say(client, "a long upload");
  assertEquals(await hear(server), "a long upload");
  await say(server, "too long");
  server.close();
  // The relay hears of the close by this write, or by the end that it reads.
  await say(client, " that goes on");
  assertEquals(await readText(client), "too long");
  await client.closeWrite();
  await over;
  assert(!broken());
});

Deno.test("relay: the last words of a server whose reset a write reports first", async () => {
  const watcher = witness();
  let wrote = (): void => {};
  const written = new Promise<void>((resolve) => wrote = resolve);
  const words = [bytes("no"), bytes(" more")];
  const { client, over, broken } = relayed({
    watchers: [watcher],
    change(_, server): void {
      server.read = async (buffer) => {
        await written;
        const word = words.shift();
        if (word) buffer.set(word);
        return word?.length ?? null;
      };
      server.write = () => {
        wrote();
        return Promise.reject(new Deno.errors.ConnectionReset());
      };
    },
  });
  await say(client, "a long upload");
  assertEquals(await readText(client), "no more");
  await over;
  assert(broken());
  assertEquals(watcher.told, ["reset down", "end up"]);
});

Deno.test("relay: what fails for another reason breaks both sides, and is told", async () => {
  const { client, over, broken } = relayed({
    change(_, server): void {
      server.write = () => Promise.reject(new Error("no route"));
    },
  });
  await say(client, "hello");
  await assertRejects(() => over, Error, "no route");
  assertEquals(await hear(client), null);
  assert(broken());
});

Deno.test("relay: every byte once and in order, in any pieces, both ways at once", async () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 5000, size: "max" }), {
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(
      pieces,
      pieces,
      fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.constant(Infinity)),
      fc.boolean(),
      async (up, down, most, watched) => {
        const watcher = witness();
        const { client, server, over, relay, broken } = relayed({
          most,
          watchers: watched ? [watcher] : [],
        });
        const send = async (stream: TestStream, parts: Uint8Array[]): Promise<void> => {
          for (const part of parts) await writeAll(stream, part);
          await stream.closeWrite();
        };
        const [atServer, atClient] = await Promise.all([
          readAll(server),
          readAll(client),
          send(client, up),
          send(server, down),
          over,
        ]);
        assertEquals(atServer, concat(up));
        assertEquals(atClient, concat(down));
        assertEquals(relay.passed, { up: atServer.length, down: atClient.length });
        assert(!broken());
        if (watched) {
          assertEquals(watcher.seen, { up: [...atServer], down: [...atClient] });
          assertEquals(watcher.told.toSorted(), ["end down", "end up"]);
        }
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("relay: it reads no more while a watcher is not ready", async () => {
  const gate = Promise.withResolvers<void>();
  const watcher = { ...witness(), ready: () => gate.promise };
  let reads = 0;
  const { client, server, over } = relayed({
    watchers: [watcher],
    change(client): void {
      const { read } = client;
      client.read = (buffer) => {
        reads++;
        return read.call(client, buffer);
      };
    },
  });
  await say(client, "hello");
  await client.closeWrite();
  await server.closeWrite();
  assertEquals(reads, 0);
  gate.resolve();
  assertEquals(await readText(server), "hello");
  await over;
});

Deno.test("relay: it waits with little, moves much with much, and gives all back however it ends", async () => {
  const [first, second, large] = [1024, 16 * 1024, 1 << 20] as const;
  const pools = bufferPools();
  const lent = (): number[] => pools.map((pool) => pool.lent);
  const table: [watchers: boolean, chunks: number[], sizes: number[]][] = [
    // A read that does not fill its buffer leaves nothing behind it.
    [false, [10, 10], [first, first, first]],
    [false, [first - 1, first, 10], [first, first, second, second]],
    [
      false,
      [first + second + large + large, 10, second, 10],
      [first, second, large, large, large, second, large, second],
    ],
    [true, [10], [second, second]],
  ];
  for (const [watched, chunks, sizes] of table) {
    const used: number[] = [];
    const { client, server, over } = relayed({
      pools,
      watchers: watched ? [witness()] : [],
      change(client): void {
        const { read } = client;
        client.read = (buffer) => {
          used.push(buffer.length);
          return read.call(client, buffer);
        };
      },
    });
    const buffer = new Uint8Array(4 * large);
    for (const chunk of chunks) {
      await client.write(new Uint8Array(chunk));
      for (let left = chunk; left > 0;) left -= await server.read(buffer) ?? 0;
    }
    await client.closeWrite();
    await readAll(server);
    assertEquals(used, sizes);
    await server.closeWrite();
    await over;
    assertEquals(lent(), [0, 0, 0]);
  }
  const { client, over } = relayed({ pools });
  client.reset();
  await over;
  assertEquals(lent(), [0, 0, 0]);
});

Deno.test("relay: it tells when bytes last came, or went on to one who takes few at a time", async () => {
  using time = new FakeTime(0);
  const { client, server, relay, over } = relayed({
    change(_, server): void {
      const { write } = server;
      server.write = async (data) => {
        await new Promise((resolve) => setTimeout(resolve, 1000));
        return await write.call(server, data.subarray(0, 1));
      };
    },
  });
  await time.tick(500);
  assertEquals(relay.lastActive, 0);
  await say(client, "abc");
  await time.tick(2000);
  assertEquals([await hear(server), relay.lastActive], ["a", 2500]);
  await time.tick(1000);
  assertEquals([await hear(server), relay.lastActive], ["b", 3500]);
  await time.tick(5000);
  assertEquals([await hear(server), relay.lastActive], ["c", 3500]);
  client.reset();
  await over;
});
