/** What clients and forgers can make the TFTP server do, and for how long. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { GUESSABLE_SENDS, GUESSABLE_WINDOW } from "../../../servers/tftp/settings.ts";
import { encodeAck, encodeData } from "../../../tools/protocol/tftp_packet.ts";
import { QUIET } from "../../../tools/protocol/tftp_receiver.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { testWith } from "../../support/permissions.ts";
import { pattern } from "../../support/tftp_line.ts";
import { freePorts, type RawClient, withTftpd } from "../../support/tftp_server.ts";

function test(name: string, fn: () => Promise<void>): void {
  testWith(["net", "sys", "read", "write"], name, fn);
}

const FILES = { cake: "Flour", large: pattern(512 * 100) };

/** The number of the block that comes next. */
async function block(client: RawClient): Promise<number> {
  const packet = await client.receive();
  return packet.kind === "DATA" ? packet.block : NaN;
}

/** The blocks that came before the answer to a last request, which is made here. */
async function rest(client: RawClient): Promise<number[]> {
  await client.request("RRQ", "nosuch");
  const blocks: number[] = [];
  for (let next = await block(client); !Number.isNaN(next); next = await block(client)) {
    blocks.push(next);
  }
  return blocks;
}

/** Lets time pass until `awaited` has happened. */
async function passes(time: FakeTime, awaited: Promise<unknown>): Promise<void> {
  let over = false;
  const noted = awaited.then(() => over = true);
  while (!over) await time.tick(100);
  await noted;
}

test("a packet to a port that can be guessed draws a few, however long nothing follows", async () => {
  // The answers go to a victim, who says nothing; the forger guesses what to acknowledge.
  const rows: [acks: number[], drawn: number[][], repeated: number[]][] = [
    [[0], [[1, 2, 3, 4]], [1, 2]],
    [[0, 4], [[1, 2, 3, 4], [5, 6, 7, 8]], [5, 6]],
    [[0, 1, 2], [[1, 2, 3, 4], [2, 3, 4, 5], [3, 4, 5, 6]], [3, 4]],
    [[0, 0], [[1, 2, 3, 4], [1, 2, 3, 4]], [1, 2]],
  ];
  for (const settings of [{ singlePort: true }, { ports: freePorts(1) }]) {
    for (const [acks, drawn, repeated] of rows) {
      using time = new FakeTime();
      await withTftpd(settings, FILES, async ({ client, log }) => {
        const one = client();
        await one.request("RRQ", "large", { windowsize: "64" });
        assertEquals(await one.line(), `OACK windowsize=${GUESSABLE_WINDOW}`);
        for (const [i, ack] of acks.entries()) {
          await one.send(encodeAck(ack));
          for (const number of drawn[i] ?? []) assertEquals(await block(one), number);
        }
        await passes(time, log.says(/ failed .*reason="no answer"/));
        assertEquals(await rest(one), repeated);
        assertEquals((drawn.at(-1)?.length ?? 0) + repeated.length, GUESSABLE_SENDS);
      });
    }
  }
});

test("a hundred ports are many: the next is not known, and windows are as large as asked for", async () => {
  const { first } = freePorts(1);
  await withTftpd({ ports: { first, last: first + 99 } }, FILES, async ({ client }) => {
    const clients = Array.from({ length: 8 }, () => client());
    for (const one of clients) {
      await one.request("RRQ", "large", { windowsize: "64" });
      assertEquals(await one.line(), "OACK windowsize=64");
    }
    const steps = clients.map(({ tid }, i) => tid - (clients[i - 1]?.tid ?? NaN)).slice(1);
    assert(steps.some((step) => step !== steps[0]), `${steps}`);
  });
  await withTftpd({ ports: { first, last: first + 98 } }, FILES, async ({ client }) => {
    const answer = await client().answer("RRQ", "large", { windowsize: "64" });
    assertEquals(answer, `OACK windowsize=${GUESSABLE_WINDOW}`);
  });
});

test("an upload draws next to nothing, and has the window it asks for", async () => {
  await withTftpd({ singlePort: true, writing: "new" }, FILES, async ({ client }) => {
    const answer = await client().answer("WRQ", "new", { windowsize: "64" });
    assertEquals(answer, "OACK windowsize=64");
  });
});

test("--idle-timeout holds, whatever wait a client asks for", async () => {
  using time = new FakeTime();
  await withTftpd({ idleTimeout: 8000, writing: "new" }, FILES, async ({ client, log }) => {
    // Four waits have to fit.
    assertEquals(await client().answer("RRQ", "cake", { timeout: "2" }), "OACK timeout=2");
    assertEquals(await client().answer("RRQ", "cake", { timeout: "3" }), "DATA 1 Flour");
    const one = client();
    await one.request("WRQ", "new", { timeout: "255" });
    assertEquals(await one.line(), "ACK 0");
    await one.send(encodeData(1, new Uint8Array(512)));
    assertEquals(await one.line(), "ACK 1");
    await time.tick(7999);
    assertEquals(log.text.includes('reason="no answer"'), false);
    await time.tick(1);
    await log.says(/ failed .*file=\/new .*reason="no answer"/);
  });
});

test("who only waits lest the last acknowledgement was lost makes room, the eldest first", async () => {
  using time = new FakeTime();
  const hosts = ["127.0.0.1", "127.0.0.2"];
  const options = { hosts, writing: "new", maxPerAddress: 3 } as const;
  await withTftpd(options, FILES, async ({ client }) => {
    const put = async (one: RawClient, name: string): Promise<void> => {
      await one.request("WRQ", name);
      assertEquals(await one.line(), "ACK 0");
      await one.send(encodeData(1, new Uint8Array(1)));
      assertEquals(await one.line(), "ACK 1");
    };
    const clients = [client("127.0.0.2"), client(), client(), client()];
    for (const [i, one] of clients.entries()) await put(one, `f${i}`);
    await put(client(), "more");
    await time.tick(QUIET);
    // The eldest of this address has gone, and none but that.
    for (const one of [clients[0], clients[2], clients[3]]) {
      await one?.send(encodeData(1, new Uint8Array(1)));
      assertEquals(await one?.line(), "ACK 1");
    }
    for (const one of [client(), client(), client()]) {
      await one.request("RRQ", "large");
      assertMatch(await one.line(), /^DATA 1 /);
    }
    // Those that go on make room for nobody.
    assertEquals(await client().answer("RRQ", "cake"), "ERROR 0 Too many transfers; try later");
  });
});

test("who comes when the memory is taken reads in lock-step and writes nothing, until there is some again", async () => {
  // Two windows of 64 blocks, and two pieces that hold the whole file.
  const memory = 2 * (65 * (512 + 4) + FILES.large.length);
  await withTftpd({ memory, writing: "new" }, FILES, async ({ client, log }) => {
    const wishes = { blksize: "512", windowsize: "64" };
    const taking = [client(), client()];
    for (const one of taking) {
      await one.request("RRQ", "large", wishes);
      assertEquals(await one.line(), "OACK blksize=512 windowsize=64");
    }
    assertEquals(await client().answer("WRQ", "new"), "ERROR 0 Too many transfers; try later");
    const wished = { blksize: "1024", windowsize: "16" };
    assertEquals(await client().answer("RRQ", "large", wished), "OACK blksize=512 windowsize=1");
    assertEquals(await client().fetch("large", wished), FILES.large);
    for (const one of taking) {
      await one.goodbye();
      await log.says(new RegExp(` failed .*port=${one.port} .*windowsize=64`));
    }
    assertEquals(
      await client().answer("RRQ", "large", wished),
      "OACK blksize=1024 windowsize=16",
    );
    assertEquals(await client().answer("WRQ", "new"), "ACK 0");
  });
});

test("two hundred clients with windows have the memory for them", async () => {
  await withTftpd({ maxBlksize: 1428 }, FILES, async ({ client }) => {
    for (let i = 0; i < 200; i++) {
      const one = client();
      await one.request("RRQ", "large", { blksize: "1428", windowsize: "64" });
      assertEquals(await one.line(), "OACK blksize=1428 windowsize=64");
    }
  });
});
