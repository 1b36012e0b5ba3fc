/** Who may log in to the FTP server, how often it may be tried, and what a user may do. */
import { getEventListeners } from "node:events";
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  FAILURE_DELAY,
  LoginGuard,
  MOST_DELAYS,
  MOST_TRIES,
  passwordText,
} from "../../../servers/ftp/login.ts";
import { parseExtendedPassive } from "../../../tools/protocol/ftp_address.ts";
import { parseUser } from "../../../tools/protocol/users.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { ftpTest } from "../../support/ftp_server.ts";
import { bytes } from "../../support/stream.ts";

Deno.test("ftpd: each failure of an address costs it more time, up to a limit", () => {
  const guard = new LoginGuard();
  for (let i = 1; i <= MOST_DELAYS; i++) assertEquals(guard.failed("a", 0), i * FAILURE_DELAY);
  assertEquals(guard.failed("a", 0), MOST_DELAYS * FAILURE_DELAY);
  assertEquals(guard.failed("b", 0), FAILURE_DELAY);
  assertEquals(guard.failed("b", 599_999), 2 * FAILURE_DELAY);
  // Ten minutes later it is forgotten, and so it is by a login.
  assertEquals(guard.failed("b", 599_999 + 600_000), FAILURE_DELAY);
  guard.succeeded("a");
  assertEquals(guard.failed("a", 0), FAILURE_DELAY);
});

Deno.test("ftpd: only so many addresses are remembered, the latest ones", () => {
  const guard = new LoginGuard();
  guard.failed("first", 0);
  guard.failed("second", 0);
  guard.failed("first", 0);
  for (let i = 0; i < 9999; i++) guard.failed(`${i}`, 0);
  assertEquals(guard.failed("first", 0), 3 * FAILURE_DELAY);
  assertEquals(guard.failed("second", 0), FAILURE_DELAY);
});

/** Tries of the address `a`, and which of them have had their turn. */
function tries(
  guard: LoginGuard,
  names: string[],
): { begun: string[]; leave(name: string): void; end(name: string): Promise<void> } {
  const begun: string[] = [];
  const all = new Map(names.map((name) => {
    const gone = new AbortController();
    const turn = guard.turn("a", gone.signal);
    turn.then(() => begun.push(name));
    return [name, { gone, turn }];
  }));
  return {
    begun,
    leave: (name) => all.get(name)?.gone.abort(),
    end: async (name) => (await all.get(name)?.turn)?.[Symbol.dispose](),
  };
}

const { signal: HERE } = new AbortController();

Deno.test("ftpd: the tries of an address take turns, and no other address waits for them", async () => {
  using time = new FakeTime();
  const guard = new LoginGuard();
  const { begun, end } = tries(guard, ["first", "second", "third"]);
  await time.tick(MOST_DELAYS * FAILURE_DELAY);
  assertEquals(begun, ["first"]);
  (await guard.turn("b", HERE))?.[Symbol.dispose]();
  await end("first");
  await time.tick(0);
  assertEquals(begun, ["first", "second"]);
  await end("second");
  await end("third");
  (await guard.turn("a", HERE))?.[Symbol.dispose]();
});

Deno.test("ftpd: a penalty is for the next in line, whoever leaves meanwhile", async () => {
  using time = new FakeTime();
  const guard = new LoginGuard();
  const { begun, leave, end } = tries(guard, ["failing", "second", "third", "fourth"]);
  await time.tick(0);
  guard.failed("a", performance.now());
  await end("failing");
  await time.tick(FAILURE_DELAY / 2);
  // One whose turn it is, and one whose turn it is not.
  for (const name of ["third", "second"]) {
    leave(name);
    await end(name);
  }
  await time.tick(FAILURE_DELAY / 2 - 1);
  assertEquals(begun, ["failing", "third", "second"]);
  await time.tick(1);
  assertEquals(begun.at(-1), "fourth");
  await end("fourth");
});

Deno.test("ftpd: a turn that is over leaves nothing with the session", async () => {
  const guard = new LoginGuard();
  const gone = new AbortController().signal;
  for (let i = 0; i < 3; i++) (await guard.turn("a", gone))?.[Symbol.dispose]();
  assertEquals(getEventListeners(gone, "abort"), []);
});

Deno.test("ftpd: only so many tries of an address are under way", async () => {
  const guard = new LoginGuard();
  const turns = Array.from({ length: MOST_TRIES }, () => guard.turn("a", HERE));
  assertEquals(await guard.turn("a", HERE), undefined);
  (await guard.turn("b", HERE))?.[Symbol.dispose]();
  (await turns.shift())?.[Symbol.dispose]();
  turns.push(guard.turn("a", HERE));
  assertEquals(await guard.turn("a", HERE), undefined);
  for (const turn of turns) (await turn)?.[Symbol.dispose]();
  // None of the last came to nothing.
  assertEquals((await Promise.all(turns)).includes(undefined), false);
});

const ADA = { users: [parseUser("ada:secret")], anonymous: undefined };

ftpTest("nobody can find out by USER which names there are", async ({ connect }) => {
  const client = await connect();
  const answers = [await client.ask("USER ada"), await client.ask("USER nobody")];
  answers.push(await client.ask("USER anonymous"));
  assertEquals(answers, Array(3).fill("331 Password, please."));
}, ADA);

ftpTest("a user sees a folder of their own, with rights of their own", async (served) => {
  const { connect, root } = served;
  const client = await connect();
  assertEquals(await client.codes("USER bob", "PASS pw", "SIZE /deep", "PWD"), [
    331,
    230,
    550,
    257,
  ]);
  assertEquals(await client.codes("TYPE I", "SIZE /deep", "SIZE ../hello"), [200, 213, 550]);
  assertMatch(await client.ask("MLST deep"), /;perm=raw;/);
  assertEquals(await client.codes("DELE deep", "MKD x", "RMD x"), [550, 257, 550]);
  assertEquals(Deno.statSync(`${root}/sub/x`).isDirectory, true);
}, (root) => ({ users: [{ ...parseUser("bob:pw::rw"), folder: `${root}/sub` }] }));

ftpTest("REIN is the beginning of a session, for another user too", async (served) => {
  const client = await served.login();
  const other = await served.login();
  assertEquals(await client.codes("CWD sub", "TYPE I", "REST 3", "EPSV ALL"), [250, 200, 350, 200]);
  assertEquals(await client.codes("OPTS MLST size", "OPTS HASH MD5"), [200, 200]);
  const port = parseExtendedPassive(await client.ask("EPSV"));
  // Only while the first was here.
  assertEquals(await served.connect().then((third) => third.codes("USER ftp", "PASS x")), [
    331,
    421,
  ]);
  assertEquals(await client.codes("REIN", "PWD", "RETR hello", "PASS x"), [220, 530, 530, 503]);
  await assertRejects(
    () => Deno.connect({ hostname: "127.0.0.1", port }),
    Deno.errors.ConnectionRefused,
  );
  await served.login();
  assertEquals(await client.codes("USER ada", "PASS secret", "PASV"), [331, 230, 227]);
  assertMatch(await client.ask("PWD"), /^257 "\/" /);
  assertMatch(await client.ask("STAT"), /Logged in as ada\n TYPE A/);
  assertMatch(await client.ask("MLST hello"), /type=file;size=6;modify=/);
  assertEquals(await client.fetch("RETR hello"), "hello\r\n");
  assertMatch(await client.ask("HASH hello"), /SHA-256/);
  assertEquals(await other.codes("NOOP"), [200]);
}, { users: [parseUser("ada:secret")], maxPerUser: 2 });

ftpTest(
  "PASS takes any password with anonymous, and blanks and letters of all kinds",
  async (served) => {
    for (const line of ["PASS", "PASS ", "PASS a b"]) {
      const client = await served.connect();
      assertEquals(await client.codes("USER anonymous", line), [331, 230], line);
    }
    const client = await served.connect();
    assertEquals(await client.codes("USER eve", "PASS  pass wörd "), [331, 230]);
    assertEquals(await client.codes("USER eve", "PASS x"), [530, 230]);
  },
  { users: [parseUser("eve: pass wörd ")] },
);

Deno.test("ftpd: a password is UTF-8, or else Latin-1; no two of one kind are one", () => {
  assertEquals(passwordText(bytes("wörd")), "wörd");
  assertEquals(passwordText(Uint8Array.of(0x77, 0xf6, 0x72, 0x64)), "wörd");
  const texts = Array.from({ length: 256 }, (_, byte) => passwordText(Uint8Array.of(0xff, byte)));
  assertEquals(new Set(texts.map((text) => text.normalize("NFC"))).size, 256);
});

ftpTest("PASS may be Latin-1", async (served) => {
  const client = await served.connect();
  for (const name of ["ftp", "eve"]) {
    assertEquals(await client.codes(`USER ${name}`), [331]);
    await client.raw(Uint8Array.of(...bytes("PASS w"), 0xf6, ...bytes("rd\r\n")));
    assertMatch(await client.reply(), /^230 /);
    assertEquals(await client.codes("REIN"), [220]);
  }
  // But no name may be, and no password has a NUL.
  await client.raw(Uint8Array.of(...bytes("USER w"), 0xf6, ...bytes("rd\r\n")));
  assertMatch(await client.reply(), /^501 /);
  assertEquals(await client.codes("USER ftp", "PASS a\0b"), [331, 501]);
}, { users: [parseUser("eve:wörd")], anonymous: new Set(["r"]) });

ftpTest("a user may be here only so many times", async ({ connect, login }) => {
  const [first] = [await login(), await login()];
  const third = await connect();
  assertEquals(await third.codes("USER ftp", "PASS x"), [331, 421]);
  assertEquals(await first.codes("QUIT"), [221]);
  assertEquals(await first.reply(), "");
  await login();
}, { maxPerUser: 2 });

ftpTest("above the cap on connections a client is told so", async ({ connect, port }) => {
  await connect();
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const buffer = new Uint8Array(100);
  const length = await conn.read(buffer);
  assertMatch(new TextDecoder().decode(buffer.subarray(0, length ?? 0)), /^421 .*\r\n$/);
}, { maxConnections: 1 });
