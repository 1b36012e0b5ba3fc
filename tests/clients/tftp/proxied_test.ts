/**
 * The client, the proxy and the server over real sockets, and how many packets
 * pass, to the last one. The clock stands still, so that no timer adds another,
 * but for the one wait that brings a lost packet back.
 */
import { assertEquals } from "@std/assert";
import type { TftpClient } from "../../../clients/tftp/client.ts";
import { Printer } from "../../../servers/proxy/printer.ts";
import { parseFault } from "../../../tools/protocol/fault.ts";
import { LEAST_WAIT } from "../../../tools/protocol/tftp_retry.ts";
import { withProxy } from "../../servers/proxy/running.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { testWith } from "../../support/permissions.ts";
import { BLOCKS, connectTo, DATA } from "../../support/tftp_client.ts";
import { BytesSink, bytesSource } from "../../support/tftp_line.ts";
import { type Running, withTftpd } from "../../support/tftp_server.ts";

type Direction = "up" | "down";

/** How a file is moved; `fault` befalls the `number`th packet of its direction. */
interface Case {
  way: "get" | "put";
  windowsize: number;
  harm?: { fault: "drop" | "duplicate"; direction: Direction; number: number };
}

/** Moves the file through the proxy; it must arrive whole. Returns how many packets came up to the proxy, and down. */
async function move(
  running: Running,
  { way, windowsize, harm }: Case,
  time: FakeTime,
): Promise<Record<Direction, number>> {
  const counts = { up: 0, down: 0 };
  const isHarmed = Promise.withResolvers<void>();
  const printer = new Printer("hex", (bytes) => {
    for (const [, mark] of new TextDecoder().decode(bytes).matchAll(/#1 ([<>]) /g)) {
      const direction = mark === ">" ? "up" : "down";
      counts[direction]++;
      if (direction === harm?.direction && counts[direction] === harm.number) isHarmed.resolve();
    }
    return Promise.resolve(bytes.length);
  });
  const faults = harm ? [parseFault(`${harm.direction}:${harm.fault}@${harm.number}`)] : [];
  await withProxy(running.port, { udp: true, faults, printer }, async (proxy) => {
    const client = await connectTo(proxy.port, windowsize);
    const event = way === "get" ? " sent " : " received ";
    const ended = running.log.saysTimes(event, running.log.text.split(event).length);
    let isOver = false;
    const moving = (way === "get" ? get(client) : put(running, client)).then(() => ended)
      .finally(() => isOver = true);
    if (harm?.fault === "drop" && windowsize === 1) {
      await isHarmed.promise;
      await time.tick(LEAST_WAIT);
      // Who was still busy with sending has a timer that is due by now.
      while (!isOver) await time.tick(0);
    }
    await moving;
    await client.close();
  });
  return counts;
}

async function get(client: TftpClient): Promise<void> {
  const sink = new BytesSink();
  await client.get("file", sink);
  assertEquals(sink.data, DATA);
}

async function put({ folder }: Running, client: TftpClient): Promise<void> {
  await client.put("new", bytesSource(DATA), DATA.length);
  assertEquals(await Deno.readFile(`${folder}/new`), DATA);
}

function faultTest(
  name: string,
  test: (run: (way: Case) => Promise<Record<Direction, number>>) => Promise<void>,
): void {
  testWith(["net", "sys", "read", "write"], `packets: ${name}`, async () => {
    using time = new FakeTime();
    await withTftpd({ writing: "overwrite" }, { file: DATA }, async (running) => {
      await test((way) => move(running, way, time));
    });
  });
}

faultTest("without harm none is sent twice, and of a window one is answered", async (run) => {
  for (const [windowsize, answers] of [[1, 10], [2, 5], [4, 3], [10, 1], [32, 1]] as const) {
    // The request, the answer to it, and in a download the answer to that.
    assertEquals(await run({ way: "get", windowsize }), { up: 2 + answers, down: 1 + BLOCKS });
    assertEquals(await run({ way: "put", windowsize }), { up: 1 + BLOCKS, down: 1 + answers });
  }
});

for (const way of ["get", "put"] as const) {
  // The file goes one way, and its acknowledgements the other.
  const [file, answers]: [Direction, Direction] = way === "get" ? ["down", "up"] : ["up", "down"];
  const calm = { up: way === "get" ? 2 + BLOCKS : 1 + BLOCKS, down: 1 + BLOCKS };

  faultTest(`${way} in lock-step: nothing follows from one that comes twice`, async (run) => {
    for (const direction of ["up", "down"] as const) {
      for (let number = 1; number <= calm[direction]; number++) {
        const harm = { fault: "duplicate", direction, number } as const;
        assertEquals(await run({ way, windowsize: 1, harm }), calm, `${direction} ${number}`);
      }
    }
  });

  faultTest(`${way} in lock-step: what is lost is sent once more`, async (run) => {
    // Before the first block has its answer both ends wait equally long, and either may be first.
    for (let block = 2; block <= BLOCKS; block++) {
      for (const direction of [file, answers]) {
        const number = calm[direction] - BLOCKS + block;
        const packets = await run({
          way,
          windowsize: 1,
          harm: { fault: "drop", direction, number },
        });
        // The block itself, and where its answer was lost that too.
        const again = { ...calm };
        again[file]++;
        if (direction === answers) again[answers]++;
        assertEquals(packets, again, `${direction} ${number}`);
      }
    }
  });

  faultTest(
    `${way} in windows of 2: a gap is told at once, and its window sent again`,
    async (run) => {
      // The second block of a window shows that its first is missing (RFC 7440 section 4): no clock is needed.
      const before = { up: calm.up - BLOCKS, down: calm.down - BLOCKS };
      const windows = BLOCKS / 2;
      for (let block = 1; block <= BLOCKS; block += 2) {
        const harm = { fault: "drop", direction: file, number: before[file] + block } as const;
        const packets = await run({ way, windowsize: 2, harm });
        assertEquals([packets[file], packets[answers]], [
          before[file] + BLOCKS + 2,
          before[answers] + windows + 1,
        ], `block ${block}`);
      }
    },
  );
}
