/** Who may log in to the FTP server, how often it may be tried, and what a user may do. */
import { assertEquals, assertMatch } from "@std/assert";
import { FAILURE_DELAY, LoginGuard, MOST_DELAYS } from "../../../servers/ftp/login.ts";
import { parseUser } from "../../../tools/protocol/users.ts";
import { ftpTest } from "../../support/ftp_server.ts";

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
