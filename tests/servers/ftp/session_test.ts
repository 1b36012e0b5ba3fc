/** The time limits of FTP sessions, in memory and with a clock that the test moves. */
import { assertEquals, assertMatch } from "@std/assert";
import { BY_VERB } from "../../../servers/ftp/commands.ts";
import { FAILURE_DELAY, MOST_TRIES } from "../../../servers/ftp/login.ts";
import { FtpSession, MOST_WAITING } from "../../../servers/ftp/session.ts";
import { TIMEOUTS } from "../../../servers/ftp/settings.ts";
import { LONGEST_DOUBT } from "../../../servers/ftp/transfer.ts";
import { FtpControl } from "../../support/ftp_server.ts";
import { sessionTest } from "../../support/ftp_session.ts";
import { streamPair, type TestStream } from "../../support/stream.ts";

sessionTest("who asks nothing for five minutes is sent away", async ({ client, time, stream }) => {
  await time.tick(TIMEOUTS.idle - 1);
  assertEquals(await client.codes("NOOP"), [200]);
  await time.tick(TIMEOUTS.idle - 1);
  // Bytes that are no command yet do not count.
  await client.raw("NO");
  await time.tick(1);
  assertMatch(await client.reply(), /^421 Nothing was asked/);
  assertEquals(await client.reply(), "");
  stream.close();
});

sessionTest("who does not log in is sent away sooner", async ({ client, time }) => {
  for (let i = 0; i < 9; i++) {
    await time.tick(TIMEOUTS.login / 10);
    assertEquals(await client.codes("NOOP"), [200]);
  }
  await time.tick(TIMEOUTS.login / 10);
  assertMatch(await client.reply(), /^421 The login took too long/);
  assertEquals(await client.reply(), "");
}, { login: false });

sessionTest("nothing but a login gains time for the login", async ({ client, time }) => {
  await time.tick(TIMEOUTS.login - 1);
  assertEquals(await client.codes("REIN", "USER ftp"), [220, 331]);
  // Single bytes neither.
  await client.raw("PASS ");
  await time.tick(1);
  assertMatch(await client.reply(), /^421 The login took too long/);
}, { login: false });

sessionTest("after REIN there is time for another login", async ({ client, time }) => {
  await time.tick(TIMEOUTS.login);
  assertEquals(await client.codes("REIN"), [220]);
  await time.tick(TIMEOUTS.login - 1);
  assertEquals(await client.codes("NOOP"), [200]);
  await time.tick(1);
  assertMatch(await client.reply(), /^421 The login took too long/);
});

sessionTest("a client that is dismissed and stays is cut off", async ({ client, time, ended }) => {
  await time.tick(TIMEOUTS.idle);
  assertMatch(await client.reply(), /^421 /);
  await time.tick(2000);
  await ended;
});

sessionTest("no data connection within a minute is 425", async ({ client, time }) => {
  assertEquals(await client.codes("EPSV", "RETR file"), [229, 150]);
  await time.tick(TIMEOUTS.accept - 1);
  await client.raw("PWD\r\n");
  await time.tick(1);
  assertMatch(await client.reply(), /^425 /);
  assertMatch(await client.reply(), /^257 /);
});

sessionTest(
  "a transfer that stands still is 426; idling does not count meanwhile",
  async (place) => {
    const { client, time, dataConnection } = place;
    assertEquals(await client.codes("EPSV", "APPE fresh"), [229, 150]);
    const data = dataConnection();
    for (let i = 0; i < 3; i++) {
      await time.tick(TIMEOUTS.stall - 1);
      await data.write(new Uint8Array(1));
      await time.tick(0);
    }
    assertMatch(await client.ask("STAT"), /Receiving to \/fresh: 3 bytes so far/);
    await time.tick(TIMEOUTS.stall);
    assertMatch(await client.reply(), /^426 No data moved/);
    // And from here on idling counts.
    assertEquals(await client.codes("SIZE fresh"), [213]);
    await time.tick(TIMEOUTS.idle);
    assertMatch(await client.reply(), /^421 /);
  },
);

sessionTest("a stop waits for the transfer", async (place) => {
  const { client, session, time, dataConnection } = place;
  assertEquals(await client.codes("EPSV", "APPE fresh"), [229, 150]);
  const data = dataConnection();
  session.stop();
  await data.write(new Uint8Array(1));
  data.close();
  await time.tick(LONGEST_DOUBT);
  assertMatch(await client.reply(), /^226 /);
  assertMatch(await client.reply(), /^421 The server stops/);
});

sessionTest("only so many commands are read while a file moves", async (place) => {
  const { client, time, dataConnection } = place;
  assertEquals(await client.codes("EPSV", "APPE fresh"), [229, 150]);
  const data = dataConnection();
  await client.raw("PWD\r\n".repeat(MOST_WAITING) + "ABOR\r\n");
  await data.write(new Uint8Array(1));
  data.close();
  await time.tick(LONGEST_DOUBT);
  assertMatch(await client.reply(), /^226 Transfer complete/);
  for (let i = 0; i < MOST_WAITING; i++) assertMatch(await client.reply(), /^257 /);
  assertMatch(await client.reply(), /^226 There is no transfer/);
});

sessionTest("a wrong password is refused after a while, and the third ends it", async (place) => {
  const { client, time, log } = place;
  assertEquals(await client.codes("PASS x"), [503]);
  for (let i = 1; i <= 3; i++) {
    assertEquals(await client.codes("USER ada"), [331]);
    let answer = "";
    const asked = client.ask("PASS wrong").then((reply) => answer = reply);
    await log.says(new RegExp(`(login failed.*name=ada\n[^]*){${i}}`));
    await time.tick(i * FAILURE_DELAY - 1);
    assertEquals(answer, "");
    await time.tick(1);
    assertMatch(await asked, i < 3 ? /^530 / : /^421 /);
    if (i < 3) assertEquals(await client.codes("PASS secret", "PWD"), [503, 530]);
  }
  assertEquals(await client.reply(), "");
  assertEquals(/wrong|secret/.test(log.text), false);
}, { login: false });

sessionTest("a login makes up for wrong passwords before it", async ({ client, time, log }) => {
  for (let i = 1; i <= 2; i++) {
    assertEquals(await client.codes("USER ada"), [331]);
    const asked = client.ask("PASS wrong");
    await log.says(new RegExp(`(login failed.*name=ada\n[^]*){${i}}`));
    await time.tick(FAILURE_DELAY);
    assertMatch(await asked, /^530 /);
    assertEquals(await client.codes("USER ada", "PASS secret", "REIN"), [331, 230, 220]);
  }
}, { login: false });

/** Another session with the same server, from the same address, whose client has sent `text`. */
async function another(
  { ends, service }: FtpSession,
  text: string,
): Promise<{ client: FtpControl; stream: TestStream; ended: Promise<void> }> {
  const [server, stream] = streamPair();
  const ended = new FtpSession(server, ends, service, BY_VERB).run();
  const client = new FtpControl(stream);
  assertMatch(await client.reply(), /^220 /);
  await client.raw(text);
  assertMatch(await client.reply(), /^331 /);
  return { client, stream, ended };
}

sessionTest("whoever leaves after a wrong password leaves the wait to the next", async (place) => {
  const { session, client, time, log } = place;
  assertEquals(await client.codes("USER ada"), [331]);
  const leaving = await another(session, "USER ada\r\nPASS wrong\r\n");
  await leaving.client.end();
  await leaving.ended;
  assertMatch(log.text, /login failed/);
  const asked = client.ask("PASS guess");
  for (const wait of [1, FAILURE_DELAY - 2, 1]) await time.tick(wait);
  await log.says(/login failed[^]*T00:00:01\.000Z ftpd: login failed/);
  await time.tick(2 * FAILURE_DELAY);
  assertMatch(await asked, /^530 /);
}, { login: false });

sessionTest("no password is checked for a client that is gone", async (place) => {
  const { session, client, time, log } = place;
  assertEquals(await client.codes("USER ada"), [331]);
  const asked = client.ask("PASS wrong");
  await log.says(/login failed/);
  const others = [];
  for (let i = 0; i < 3; i++) {
    const other = await another(session, "USER ada\r\nPASS secret\r\n");
    await other.client.end();
    others.push(other.ended);
  }
  // No time passes: they do not wait for their turn.
  await Promise.all(others);
  await time.tick(FAILURE_DELAY);
  assertMatch(await asked, /^530 /);
  assertEquals(/ login peer|(login failed[^]*){2}/.test(log.text), false);
}, { login: false });

sessionTest("when too many try from one address, all but anonymous hear 421", async (place) => {
  const { session, client, stream, log } = place;
  const { guard } = session.service;
  const { signal } = new AbortController();
  for (let i = 0; i < MOST_TRIES; i++) guard.turn(session.ends.peer, signal);
  assertEquals(await client.codes("USER ftp", "PASS x", "REIN", "USER ada"), [331, 230, 220, 331]);
  assertMatch(await client.ask("PASS secret"), /^421 Too many logins from your address/);
  assertEquals(await client.reply(), "");
  assertMatch(log.text, /refused .*name=ada reason="too many logins from this address at once"/);
  stream.close();
}, { login: false });

sessionTest("the right password is taken at once", async ({ client }) => {
  assertEquals(await client.codes("USER ada", "PASS secret", "PWD", "MKD x"), [331, 230, 257, 550]);
}, { login: false });
