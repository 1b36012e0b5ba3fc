/** What guards the FTP server against clients that are slow, silent or gone, in memory and with a clock that the test moves. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { BY_VERB } from "../../../servers/ftp/commands.ts";
import { FtpSession } from "../../../servers/ftp/session.ts";
import { TIMEOUTS } from "../../../servers/ftp/settings.ts";
import { LONGEST_DOUBT } from "../../../servers/ftp/transfer.ts";
import { parsePassive } from "../../../tools/protocol/ftp_address.ts";
import { ftpTest } from "../../support/ftp_server.ts";
import { sessionTest, stalledStream } from "../../support/ftp_session.ts";
import { SERVER } from "../../support/identities.ts";
import { connectResettable } from "../../support/resettable.ts";

for (const line of ["RETR file", "LIST", "NLST", "MLSD", "STOR new", "STOU new", "APPE file"]) {
  sessionTest(`${line} that stands still is 426, and leaves nothing`, async (place) => {
    const { client, time, stalledConnection, events, root, log } = place;
    assertEquals(await client.codes("EPSV", line), [229, 150]);
    await stalledConnection();
    await time.tick(TIMEOUTS.stall - 1);
    assert(!events.includes("data closed"));
    await time.tick(1);
    assertMatch(await client.reply(), /^426 No data moved/);
    assert(events.includes("data closed"));
    assertEquals([...Deno.readDirSync(root)].map(({ name }) => name), ["file"]);
    if (/RETR|STO|APPE/.test(line)) await log.says(/broke off .*reason="No data moved for long\."/);
    assertEquals(await client.codes("NOOP"), [200]);
  });
}

sessionTest("a client that does not let us connect within a minute is 425", async (place) => {
  const { client, time } = place;
  assertEquals(await client.codes("PORT 127,0,0,1,200,1", "RETR file"), [200, 150]);
  await time.tick(TIMEOUTS.accept);
  assertMatch(await client.reply(), /^425 /);
  // And ABOR ends the wait.
  assertEquals(await client.codes("PORT 127,0,0,1,200,1", "RETR file", "ABOR"), [200, 150, 426]);
  assertMatch(await client.reply(), /^226 /);
});

sessionTest("who takes no replies is cut off", async ({ session, time }) => {
  const stream = stalledStream();
  const ended = new FtpSession(stream, session.ends, session.service, BY_VERB).run();
  await time.tick(TIMEOUTS.idle);
  await ended;
});

sessionTest("a client that is gone before 150 leaves no listener", async (place) => {
  const { client, ended, events } = place;
  assertEquals(await client.codes("EPSV"), [229]);
  events.length = 0;
  await client.raw("RETR file\r\n");
  await client.end();
  await ended;
  assert(events.includes("listener closed"), `${events}`);
}, { breaksAt: 150 });

sessionTest("a client that is gone waits for no answer", async ({ client, ended }) => {
  assertEquals(await client.codes("USER ada"), [331]);
  await client.raw("PASS wrong\r\n");
  await client.end();
  // No time passes: the answer would take a second.
  await ended;
}, { login: false });

ftpTest("nobody's files are hashed for a client that is gone", async ({ login, root, log }) => {
  await Deno.writeTextFile(`${root}/endless`, "");
  // Hours of work.
  await Deno.truncate(`${root}/endless`, 2 ** 42);
  const client = await login();
  await client.raw("HASH endless\r\n");
  await client.end();
  assertMatch(await client.reply(), /^451 /);
  assertEquals(await client.reply(), "");
  assertEquals(/failed/.test(log.text), false);
});

sessionTest("a transfer moves at the rate that was set, both ways", async (place) => {
  const { client, time, root, dataConnection } = place;
  Deno.writeFileSync(`${root}/file`, new Uint8Array(4096));
  assertEquals(await client.codes("EPSV", "RETR file"), [229, 150]);
  dataConnection();
  await time.tick(2999);
  assertMatch(await client.ask("STAT"), /: 3072 bytes so far/);
  await time.tick(1001);
  assertMatch(await client.reply(), /^226 /);
  assertEquals(await client.codes("EPSV", "STOR new"), [229, 150]);
  const data = dataConnection();
  await data.write(new Uint8Array(4096));
  await data.closeWrite();
  await time.tick(2999);
  assertMatch(await client.ask("STAT"), /: 3072 bytes so far/);
  await time.tick(1001 + LONGEST_DOUBT);
  assertMatch(await client.reply(), /^226 /);
}, { maxRate: 1024 });

sessionTest("an upload is whole when its client stays a while longer", async (place) => {
  const { client, time, root, dataConnection } = place;
  assertEquals(await client.codes("EPSV", "STOR new"), [229, 150]);
  const data = dataConnection();
  await data.write(new Uint8Array(10));
  await time.tick(10_000);
  await data.closeWrite();
  await time.tick(LONGEST_DOUBT - 1);
  assertEquals([...Deno.readDirSync(root)].some(({ name }) => name === "new"), false);
  await time.tick(1);
  assertMatch(await client.reply(), /^226 /);
  assertEquals(Deno.statSync(`${root}/new`).size, 10);
});

sessionTest("an upload whose client ends right after it is not whole", async (place) => {
  const { time, root, stream, client, dataConnection, ended, log } = place;
  assertEquals(await client.codes("EPSV", "STOR new"), [229, 150]);
  const data = dataConnection();
  await data.write(new Uint8Array(10));
  await time.tick(10_000);
  await data.closeWrite();
  await time.tick(LONGEST_DOUBT - 1);
  await stream.closeWrite();
  await time.tick(1);
  await ended;
  assertEquals([...Deno.readDirSync(root)].map(({ name }) => name), ["file"]);
  await log.says(/ broke off .*reason="The client is gone\."/);
});

sessionTest(
  "226 comes after the data connection is closed, and the file has its name",
  async (place) => {
    const { client, time, root, dataConnection, events } = place;
    for (const line of ["RETR file", "STOR new", "LIST"]) {
      events.length = 0;
      assertEquals(await client.codes("EPSV", line), [229, 150]);
      await dataConnection().closeWrite();
      await time.tick(LONGEST_DOUBT);
      assertMatch(await client.reply(), /^226 /);
      assertEquals(events.slice(-2), ["data closed", "reply 226"]);
    }
    assertEquals(Deno.statSync(`${root}/new`).size, 0);
  },
);

sessionTest("each reply goes out in one piece", async ({ client, events }) => {
  for (const [line, code] of [["FEAT", 211], ["HELP", 214], ["STAT", 211], ["MLST file", 250]]) {
    events.length = 0;
    await client.ask(`${line}`);
    assertEquals(events, [`reply ${code}`]);
  }
});

/** Who is told which address by PASV, where ours is 10.0.0.5. */
const PUBLIC: [peer: string, publicAddress: string | undefined, told: string][] = [
  ["203.0.113.9", "192.0.2.1", "192.0.2.1"],
  ["203.0.113.9", undefined, "10.0.0.5"],
  ["10.1.1.1", "192.0.2.1", "10.0.0.5"],
];

for (const [peer, publicAddress, told] of PUBLIC) {
  sessionTest(
    `PASV tells ${peer} ${told}, the public address being ${publicAddress}`,
    async ({ client }) => {
      assertEquals(parsePassive(await client.ask("PASV")).host, told);
    },
    { ends: { peer, local: "10.0.0.5" }, publicAddress },
  );
}

for (
  const [local, address] of [["10.0.0.5", "10.0.0.5"], ["2001:db8::5", "2001:db8::5"], [
    "fe80::5%2",
    "fe80::5%2",
  ], ["fe80::5", "::"]]
) {
  sessionTest(`a client that reached us at ${local} reaches ${address} for data`, async (place) => {
    const { client, events } = place;
    assertEquals(await client.codes("EPSV"), [229]);
    assert(events.includes(`listen ${address}`), `${events}`);
  }, { ends: { peer: local ?? "", local: local ?? "" } });
}

ftpTest("who begins no TLS in time is cut off", async ({ port }) => {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  assertEquals(await conn.read(new Uint8Array(100)), null);
}, {
  tls: { identity: () => SERVER, implicit: true, required: "all", reuse: false },
  timeouts: { ...TIMEOUTS, accept: 20 },
});

ftpTest("above the cap for one address a client is told so", async ({ connect, port }) => {
  const first = await connect();
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const buffer = new Uint8Array(100);
  const length = await conn.read(buffer);
  assertMatch(new TextDecoder().decode(buffer.subarray(0, length ?? 0)), /^421 .*\r\n$/);
  assertEquals(await first.codes("NOOP"), [200]);
}, { maxPerAddress: 1 });

ftpTest(
  "clients that reset at once, and many that stay, hold nobody up",
  async ({ connect, port }) => {
    for (let i = 0; i < 100; i++) await (await connectResettable(port)).reset();
    const clients = await Promise.all(Array.from({ length: 300 }, () => connect()));
    for (const client of clients) {
      assertEquals(await client.codes("USER ftp", "PASS x", "EPSV"), [331, 230, 229]);
    }
    for (const client of clients.reverse()) assertEquals(await client.codes("NOOP"), [200]);
  },
);
