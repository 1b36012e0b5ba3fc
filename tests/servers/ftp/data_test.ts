/** Data connections of the FTP server: who makes them, where, and who may not. */
import { assert, assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { isInternal, listenInRange } from "../../../servers/ftp/data.ts";
import type { DataNetwork } from "../../../servers/ftp/settings.ts";
import {
  formatExtended,
  formatSix,
  parseExtendedPassive,
  parsePassive,
} from "../../../tools/protocol/ftp_address.ts";
import { unmapped } from "../../../tools/protocol/address.ts";
import { FtpControl, ftpTest, onlyPort } from "../../support/ftp_server.ts";
import { connectResettable } from "../../support/resettable.ts";
import { readText } from "../../support/stream.ts";

const RANGE = { first: 40_000, last: 40_003 };

/** A network on which the ports `taken` are in use; it notes what is asked for. */
function network(taken: number[], asked: number[] = []): DataNetwork {
  return {
    listen(_, port): never {
      asked.push(port);
      if (taken.includes(port)) throw new Deno.errors.AddrInUse();
      return undefined as never;
    },
    dial: () => Promise.reject(new Error("not here")),
  };
}

Deno.test("ftpd: a port for passive mode is a free one of the range, ends included", () => {
  const free = (random: number, taken: number[]): number =>
    listenInRange(network(taken), "::", RANGE, () => random).port;
  assertEquals(free(0, []), 40_000);
  assertEquals(free(0.999, []), 40_003);
  assertEquals(free(0.5, []), 40_002);
  assertEquals(free(0.5, [40_002, 40_003]), 40_000);
  const asked: number[] = [];
  const all = [40_000, 40_001, 40_002, 40_003];
  assertThrows(
    () => listenInRange(network(all, asked), "::", RANGE, () => 0.3),
    Deno.errors.AddrInUse,
  );
  assertEquals(asked.sort(), all);
});

Deno.test("ftpd: addresses of our own networks are told from others", () => {
  for (
    const own of ["10.1.2.3", "127.0.0.1", "192.168.0.9", "169.254.1.1", "172.16.0.1", "172.31.9.9"]
  ) {
    assert(isInternal(own), own);
  }
  for (
    const other of [
      "1.2.3.4",
      "172.15.0.1",
      "172.32.0.1",
      "192.169.0.1",
      "110.0.0.1",
      "2001:db8::1",
    ]
  ) {
    assert(!isInternal(other), other);
  }
});

ftpTest("passive mode, by PASV and EPSV", async ({ login }) => {
  const client = await login();
  const told = await client.ask("PASV");
  // No digit before the address (RFC 1123 section 4.1.2.6): tnftp begins at the first.
  assertMatch(told, /^227 Entering Passive Mode \(127,0,0,1,\d+,\d+\)\.$/);
  const { host, port } = parsePassive(told);
  assert(port >= 49152);
  for (const line of ["EPSV", "EPSV 1"]) {
    assertMatch(await client.ask(line), /^229 Entering Extended Passive Mode \(\|\|\|\d+\|\)$/);
  }
  assertEquals(await client.ask("EPSV 2"), "522 Network protocol not supported, use (1)");
  // The second one closed the first.
  await assertRejects(() => Deno.connect({ hostname: host, port }), Deno.errors.ConnectionRefused);
  assertMatch(await client.fetch("NLST"), /^hello\r\nsub\r\n$|^sub\r\nhello\r\n$/);
  assertMatch(await client.ask("NLST"), /^425 /); // It served once.
});

ftpTest("after EPSV ALL nothing else makes data connections", async ({ login }) => {
  const client = await login();
  assertEquals(await client.codes("EPSV ALL", "PASV", "PORT 127,0,0,1,200,1"), [200, 501, 501]);
  assertEquals(await client.codes("EPRT |1|127.0.0.1|50000|", "EPSV"), [501, 229]);
  assertEquals(await client.fetch("RETR hello"), "hello\r\n");
});

ftpTest("active mode, by PORT and EPRT", async ({ login }) => {
  const client = await login();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = { host: "127.0.0.1", port: listener.addr.port };
  for (const line of [`PORT ${formatSix(address)}`, `EPRT ${formatExtended(address)}`]) {
    assertEquals(await client.codes(line), [200]);
    assertMatch(await client.ask("RETR hello"), /^150 /);
    using data = await listener.accept();
    assertEquals(await readText(data), "hello\r\n");
    assertMatch(await client.reply(), /^226 /);
  }
});

ftpTest("we connect to the client alone, and to no service", async ({ login, log }) => {
  const client = await login();
  const rows: [line: string, code: number][] = [
    ["PORT 10,0,0,1,200,1", 501],
    ["PORT 127,0,0,2,200,1", 501],
    ["PORT 127,0,0,1,0,25", 501],
    ["PORT 127,0,0,1,3,255", 501],
    ["PORT 127,0,0,1,4,0", 200],
    ["PORT 127,0,0,1,256,1", 501],
    ["PORT 127,0,0,1,1", 501],
    ["PORT 127,0,0,1,1,1,1", 501],
    ["PORT localhost", 501],
    ["EPRT |1|10.0.0.1|50000|", 501],
    ["EPRT |1|127.0.0.1|1023|", 501],
    ["EPRT |1|127.0.0.1|1024|", 200],
    ["EPRT |1|127.0.0.1|65536|", 501],
    ["EPRT |2|::1|50000|", 522],
    ["EPRT |3|x|50000|", 501],
    ["EPRT |3|1.2.3.4|50000|", 522],
    ["EPRT 127.0.0.1", 501],
  ];
  for (const [line, code] of rows) assertEquals(await client.codes(line), [code], line);
  await log.says(/refused .*stranger=10\.0\.0\.1/);
});

ftpTest("a client that does not listen is 425", async ({ login }) => {
  const client = await login();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const address = { host: "127.0.0.1", port: listener.addr.port };
  listener.close();
  assertEquals(await client.codes(`PORT ${formatSix(address)}`, "LIST"), [200, 150]);
  assertMatch(await client.reply(), /^425 /);
  assertEquals(await client.codes("NOOP"), [200]);
});

ftpTest("whoever else connects to the passive port gets nothing", async ({ login, log, port }) => {
  // A client at 127.0.0.1 of a server that listens everywhere; the stranger is at ::1, or 127.0.0.2.
  const client = await login();
  const told = parseExtendedPassive(await client.ask("EPSV"));
  const { createConnection } = await import("node:net");
  const stranger = createConnection({ host: "127.0.0.1", port: told, localAddress: "127.0.0.2" });
  const gone = new Promise<number>((resolve) => {
    let size = 0;
    stranger.on("data", (data: Uint8Array) => size += data.length);
    stranger.on("error", () => {});
    stranger.on("close", () => resolve(size));
  });
  await new Promise((resolve) => stranger.on("connect", resolve));
  using data = await Deno.connect({ hostname: "127.0.0.1", port: told });
  assertMatch(await client.ask("RETR hello"), /^150 /);
  assertEquals(await readText(data), "hello\r\n");
  assertMatch(await client.reply(), /^226 /);
  assertEquals(await gone, 0);
  await log.says(/refused .*stranger=127\.0\.0\.2/);
  assert(port > 0);
});

ftpTest("a connection that is reset before it is taken is not the end", async ({ login }) => {
  const client = await login();
  const port = parseExtendedPassive(await client.ask("EPSV"));
  await (await connectResettable(port)).reset();
  using data = await Deno.connect({ hostname: "127.0.0.1", port });
  assertMatch(await client.ask("RETR hello"), /^150 /);
  assertEquals(await readText(data), "hello\r\n");
  assertMatch(await client.reply(), /^226 /);
});

ftpTest("the range is kept to, and 425 when it is used up", async ({ login }) => {
  const [one, other] = [await login(), await login()];
  const { port } = parsePassive(await one.ask("PASV"));
  assertMatch(await other.ask("PASV"), /^425 /);
  // Asking again gives it back first.
  assertEquals(parsePassive(await one.ask("PASV")).port, port);
  assertEquals(await one.codes("ABOR"), [226]);
  assertEquals(parsePassive(await other.ask("PASV")).port, port);
  assertEquals(await other.codes("QUIT"), [221]);
  assertEquals(await other.reply(), "");
  assertEquals(parsePassive(await one.ask("PASV")).port, port);
}, () => ({ passivePorts: onlyPort() }));

ftpTest("clients of our own networks are told no public address", async ({ login }) => {
  assertMatch(await (await login()).ask("PASV"), /\(127,0,0,1,/);
}, { publicAddress: "192.0.2.1" });

ftpTest("a server on all addresses takes clients of both families", async ({ port }) => {
  for (
    const [hostname, codes] of [["127.0.0.1", [227, 229, 522]], ["::1", [425, 522, 229]]] as const
  ) {
    const client = new FtpControl(await Deno.connect({ hostname, port }));
    assertMatch(await client.reply(), /^220 /);
    assertEquals(await client.codes("USER ftp", "PASS x"), [331, 230]);
    assertEquals(await client.codes("PASV", "EPSV 1", "EPSV 2"), codes.slice());
    assertEquals(await client.fetch("RETR hello"), "hello\r\n");
    using listener = Deno.listen({ hostname, port: 0 });
    const address = { host: hostname, port: listener.addr.port };
    assertEquals(await client.codes(`EPRT ${formatExtended(address)}`), [200]);
    assertMatch(await client.ask("RETR hello"), /^150 /);
    using data = await listener.accept();
    assertEquals(await readText(data), "hello\r\n");
    assertMatch(await client.reply(), /^226 /);
    client.close();
  }
}, { hosts: ["::"] });

ftpTest("all of it by IPv6", async ({ login, server }) => {
  assertEquals(unmapped(server.addrs[0]?.hostname ?? ""), "::1");
  const client = await login();
  assertEquals(await client.codes("PASV", "EPSV 1", "EPSV 2"), [425, 522, 229]);
  assertEquals(await client.fetch("RETR hello"), "hello\r\n");
  using listener = Deno.listen({ hostname: "::1", port: 0 });
  // The same address, written otherwise.
  assertEquals(await client.codes(`EPRT |2|0:0::1|${listener.addr.port}|`), [200]);
  assertEquals(await client.codes("EPRT |2|::2|50000|", "EPRT |1|127.0.0.1|50000|"), [501, 522]);
  assertMatch(await client.ask("RETR hello"), /^150 /);
  using data = await listener.accept();
  assertEquals(await readText(data), "hello\r\n");
  assertMatch(await client.reply(), /^226 /);
}, { hosts: ["::1"] });
