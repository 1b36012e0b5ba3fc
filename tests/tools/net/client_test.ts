import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  allAddresses,
  asReported,
  connectName,
  firstAddress,
  portOption,
  serverAddress,
  timeoutOption,
  trustFile,
} from "../../../tools/net/client.ts";
import { EXIT, Failure, UsageError } from "../../../tools/program/failure.ts";
import { parseOptions } from "../../../tools/program/options.ts";
import { AUTHORITY, SERVER } from "../../support/identities.ts";
import { netTest, testWith } from "../../support/permissions.ts";

Deno.test("serverAddress(): the word, the option and the service's own port", () => {
  const cases: [string, number | undefined, string, number][] = [
    ["server", undefined, "server", 13],
    ["server:7013", undefined, "server", 7013],
    ["server:7013", 8013, "server", 7013],
    ["192.0.2.1:99", undefined, "192.0.2.1", 99],
    ["::1", undefined, "::1", 13],
    ["[::1]:99", undefined, "::1", 99],
    ["[2001:db8::1]", 99, "2001:db8::1", 99],
  ];
  for (const [word, port, host, expected] of cases) {
    assertEquals(serverAddress(word, { port }, 13), { host, port: expected });
  }
});

Deno.test("serverAddress(): a word that is no server is a usage error that shows it", () => {
  for (const word of ["", "a b", "server:", "server:x", "server:99999", "[nope]:1", "u@server"]) {
    const error = assertThrows(() => serverAddress(word, { port: undefined }, 13), UsageError);
    assert(error.message.startsWith(`${JSON.stringify(word)}: `), error.message);
  }
});

Deno.test("the options of clients are read, and have their defaults", () => {
  const table = { ...portOption(13), ...timeoutOption("5s") };
  assertEquals(parseOptions(table, []).options, { port: undefined, timeout: 5000 });
  const given = parseOptions(table, ["--port", "99", "--timeout=250ms"]);
  assertEquals(given.options, { port: 99, timeout: 250 });
  assertThrows(() => parseOptions(table, ["--port", "0"]), UsageError);
});

const BOTH = { ipv4: false, ipv6: false };
const IPV4 = { ipv4: true, ipv6: false };
const IPV6 = { ipv4: false, ipv6: true };

Deno.test("connectName(): a name is left to Deno.connect unless one family is asked for", async () => {
  assertEquals(await connectName("server.test", BOTH), "server.test");
  assertEquals(await connectName("server.test", { ipv4: true, ipv6: true }), "server.test");
  assertEquals(await connectName("192.0.2.1", IPV4), "192.0.2.1");
  assertEquals(await connectName("2001:db8::1", IPV6), "2001:db8::1");
});

Deno.test("an address of the other family is refused", async () => {
  const cases: [Promise<string>, string][] = [
    [connectName("192.0.2.1", IPV6), "192.0.2.1: is not an IPv6 address"],
    [connectName("::1", IPV4), "::1: is not an IPv4 address"],
    [firstAddress("::1", 4), "::1: is not an IPv4 address"],
  ];
  for (const [answer, message] of cases) {
    const error = await assertRejects(() => answer, Failure, message);
    assertEquals(error.exitCode, EXIT.unreachable);
  }
  assertEquals(await firstAddress("192.0.2.1", 0), "192.0.2.1");
  assertEquals(await firstAddress("::1", 0), "::1");
});

Deno.test("asReported() is how a socket tells an address of its peer, however it was written", () => {
  const cases: [string, string][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["2001:DB8::0:1", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
  ];
  for (const [written, reported] of cases) assertEquals(asReported(written), reported);
});

netTest("firstAddress() asks the system", async () => {
  assertEquals(await firstAddress("localhost", 4), "127.0.0.1");
  assertEquals(await allAddresses("localhost", 4), ["127.0.0.1"]);
  assertEquals(await allAddresses("::1", 6), ["::1"]);
  assertEquals(await connectName("localhost", IPV4), "127.0.0.1");
});

Deno.test({
  name: "firstAddress() does not wait for the system longer than it may",
  ignore: Deno.permissions.querySync({ name: "net" }).state !== "granted",
  // A lookup that nobody waits for cannot be stopped, and may end after the test.
  sanitizeOps: false,
  async fn(): Promise<void> {
    const late = new AbortController();
    const answer = firstAddress("localhost", 4, late.signal);
    late.abort(new Deno.errors.TimedOut());
    await assertRejects(() => answer, Deno.errors.TimedOut);
    await assertRejects(() => connectName("localhost", IPV4, late.signal), Deno.errors.TimedOut);
  },
});

testWith(
  ["read", "write", "sys"],
  "trustFile() takes the file of --cacert, and says what is wrong with it",
  async () => {
    const folder = await Deno.makeTempDir();
    const path = `${folder}/ca.pem`;
    await Deno.writeTextFile(path, AUTHORITY);
    await trustFile(path);
    await Deno.writeTextFile(path, SERVER.key);
    for (
      const [file, words] of [
        [path, "there is no certificate in PEM form in it"],
        [folder, "is a folder"],
        [`${folder}/none`, "no such file or folder"],
      ] as const
    ) {
      const error = await assertRejects(() => trustFile(file), Failure, `${file}: ${words}`);
      assertEquals(error.exitCode, EXIT.file);
    }
    await Deno.remove(folder, { recursive: true });
  },
);
