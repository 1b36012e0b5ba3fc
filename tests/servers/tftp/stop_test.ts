/** What becomes of uploads when the TFTP server stops. */
import { assertEquals, assertMatch } from "@std/assert";
import { Budget, MOST_HELD } from "../../../servers/tftp/budget.ts";
import { STOPPING } from "../../../servers/tftp/refusal.ts";
import { TftpSession } from "../../../servers/tftp/session.ts";
import { Jail } from "../../../tools/files/jail.ts";
import { GRACE } from "../../../tools/net/server.ts";
import { encodeData, parsePacket } from "../../../tools/protocol/tftp_packet.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { testWith } from "../../support/permissions.ts";
import { packetLine, type RawClient, TestLog, withTftpd } from "../../support/tftp_server.ts";
import { afterTurns } from "../../support/turns.ts";

function test(name: string, fn: () => Promise<void>): void {
  testWith(["net", "sys", "read", "write"], name, fn);
}

const BLOCK = new Uint8Array(512);
const LAST = new TextEncoder().encode("end");

/** Begins an upload; its last block is not sent. */
async function begin(client: RawClient, name: string): Promise<void> {
  await client.request("WRQ", name);
  assertEquals(await client.line(), "ACK 0");
  await client.send(encodeData(1, BLOCK));
  assertEquals(await client.line(), "ACK 1");
}

test("when tftpd stops, an upload may end, and one that does not leaves nothing", async () => {
  for (const singlePort of [false, true]) {
    using time = new FakeTime();
    await withTftpd(
      { singlePort, writing: "overwrite" },
      { cake: "Flour" },
      async ({ client, server, log, names, folder }) => {
        const [one, other] = [client(), client()];
        await begin(one, "pie");
        await begin(other, "cake");
        const stopped = server.shutdown();
        // Nothing new begins; this is before what follows.
        await client().request("WRQ", "late");
        await one.send(encodeData(2, LAST));
        assertEquals(await one.line(), "ACK 2");
        await log.says(/ received .*file=\/pie .*bytes=515 /);
        await time.tick(GRACE);
        await stopped;
        await log.says(/ failed .*file=\/cake .*bytes=512 .*reason="The server is stopping"/);
        const lines = [];
        while (lines.at(-1) !== "ERROR 0 The server is stopping") lines.push(await other.line());
        assertEquals((await names()).sort(), ["cake", "pie"]);
        assertEquals(await Deno.readTextFile(`${folder}/cake`), "Flour");
        assertEquals((await Deno.stat(`${folder}/pie`)).size, 515);
      },
    );
  }
});

/** An upload without a socket that is stopped by `stop` so many turns after its last block; what was sent and logged. */
async function stopAfter(turns: number): Promise<{ sent: string[]; log: string; files: string[] }> {
  const folder = await Deno.makeTempDir();
  try {
    const jail = await Jail.open(folder);
    const log = new TestLog();
    const sent: string[] = [];
    const waiting: (() => void)[] = [];
    const send = async (packet: Uint8Array): Promise<boolean> => {
      sent.push(packetLine(parsePacket(packet.slice())));
      await afterTurns(3, () => waiting.shift()?.());
      return true;
    };
    const begun = new Promise<void>((resolve) => waiting.push(resolve));
    const session = new TftpSession({
      settings: {
        ...{ folder, writing: "new", maxFileSize: Infinity, perClient: false },
        ...{ names: { lowerCase: false, map: [] }, maxWindow: 1, singlePort: false, allow: [] },
        ...{ idleTimeout: 1000, log: log.log },
      },
      jail,
      uploads: jail,
      budget: new Budget(MOST_HELD),
      request: { kind: "WRQ", name: "pie", mode: "octet", options: new Map() },
      peer: { transport: "udp", hostname: "192.0.2.7", port: 1234 },
      reply: send,
      open: () => ({ send, close: (): void => {} }),
      delivered: (): void => {},
    });
    const over = session.run();
    await begun;
    const stopping = afterTurns(turns, () => session.stop(STOPPING));
    await session.receive(encodeData(1, LAST));
    await stopping;
    await over;
    await log.says(/ (received|failed) /);
    const files = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
    return { sent, log: log.text, files };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

test("at whichever moment tftpd stops, an upload is whole and acknowledged, or nothing and refused", async () => {
  using _time = new FakeTime();
  const ends = new Set<string>();
  for (let turns = 0; turns < 20; turns++) {
    const { sent, log, files } = await stopAfter(turns);
    ends.add(sent.at(-1) ?? "");
    const whole = sent.at(-1) === "ACK 1";
    assertEquals(sent, ["ACK 0", whole ? "ACK 1" : "ERROR 0 The server is stopping"], `${turns}`);
    assertMatch(log, whole ? / received .*bytes=3 / : / failed .*server is stopping/);
    assertEquals(files, whole ? ["pie"] : []);
  }
  assertEquals(ends.size, 2);
});
