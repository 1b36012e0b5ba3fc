/** The daytime server in process, and as its user meets it. */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { command, type DaytimeOptions, start } from "../../servers/daytime.ts";
import type { Server } from "../../tools/net/server.ts";
import { writeAll } from "../../tools/net/writer.ts";
import { Failure } from "../../tools/program/failure.ts";
import { Log } from "../../tools/program/log.ts";
import { LONGEST_LINE } from "../../tools/protocol/daytime.ts";
import { FakeTime } from "../support/fake_time.ts";
import { netTest, processTest } from "../support/permissions.ts";
import { run, ServerProcess } from "../support/process.ts";
import { readText } from "../support/stream.ts";

const LINE = /^Tuesday, February 23, 1982 01:37:4\d-UTC\r\n$/;
const NOW = new Date("1982-02-23T01:37:43Z");

/** A log that a test can wait for. */
class TestLog {
  #text = "";
  #wake = (): void => {};
  readonly log = new Log({
    name: "daytimed",
    form: "text",
    quiet: false,
    write: (bytes) => {
      this.#text += new TextDecoder().decode(bytes);
      this.#wake();
      return Promise.resolve(bytes.length);
    },
  });

  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#text)) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

interface Running {
  server: Server;
  log: TestLog;
  tcp: number;
  udp: number;
}

/** Runs `test` against a server, at the time of the RFC's example. */
async function withServer(
  options: Partial<DaytimeOptions>,
  test: (running: Running, time: FakeTime) => Promise<void>,
): Promise<void> {
  using time = new FakeTime(NOW);
  const log = new TestLog();
  const server = start({
    hosts: ["127.0.0.1"],
    port: 0,
    tcp: true,
    udp: true,
    format: "%A, %B %-d, %Y %H:%M:%S-%Z",
    utc: true,
    maxConnections: 100,
    maxPerAddress: 100,
    log: log.log,
    ...options,
  });
  const portOf = (transport: string): number =>
    server.addrs.find((addr) => addr.transport === transport)?.port ?? 0;
  try {
    await test({ server, log, tcp: portOf("tcp"), udp: portOf("udp") }, time);
  } finally {
    await server.shutdown();
    await server.finished;
  }
}

/** What a TCP client is told that says nothing. */
async function ask(port: number, hostname = "127.0.0.1"): Promise<string> {
  using conn = await Deno.connect({ hostname, port });
  return await readText(conn);
}

/** A UDP client's socket, on a port of the system's choice. */
function client(hostname = "127.0.0.1", port = 0): Deno.DatagramConn & Disposable {
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port });
  return Object.assign(socket, { [Symbol.dispose]: () => socket.close() });
}

async function receiveText(socket: Deno.DatagramConn): Promise<string> {
  const [data] = await socket.receive();
  return new TextDecoder().decode(data);
}

/** Everything that waits in `socket`: whatever was sent to it before this. */
async function received(socket: Deno.DatagramConn): Promise<string[]> {
  using last = client();
  await last.send(new TextEncoder().encode("the end"), socket.addr);
  const all: string[] = [];
  for (;;) {
    const text = await receiveText(socket);
    if (text === "the end") return all;
    all.push(text);
  }
}

netTest("daytimed answers on every address, over TCP and UDP, IPv4 and IPv6", async () => {
  await withServer({ hosts: [] }, async ({ server, tcp, udp }) => {
    const both = server.addrs.some(({ hostname }) => hostname === "::");
    for (const hostname of both ? ["127.0.0.1", "::1"] : ["127.0.0.1"]) {
      assertMatch(await ask(tcp, hostname), LINE);
      using socket = client(hostname);
      await socket.send(new Uint8Array(0), { transport: "udp", hostname, port: udp });
      const [data, from] = await socket.receive();
      assertMatch(new TextDecoder().decode(data), LINE);
      // From the very address that was asked.
      assertEquals(from, { transport: "udp", hostname, port: udp });
    }
  });
});

netTest("daytimed listens on TCP alone or UDP alone when told to", async () => {
  await withServer({ udp: false }, async ({ server, tcp }) => {
    assertEquals(server.addrs.map(({ transport }) => transport), ["tcp"]);
    assertMatch(await ask(tcp), LINE);
  });
  await withServer({ tcp: false }, ({ server }) => {
    assertEquals(server.addrs.map(({ transport }) => transport), ["udp"]);
    return Promise.resolve();
  });
});

netTest("daytimed writes the time in the format it was given", async () => {
  await withServer({ format: "%c" }, async ({ tcp }) => {
    assertMatch(await ask(tcp), /^Tue Feb 23 01:37:4\d 1982\r\n$/);
  });
  await withServer({ format: "iso" }, async ({ tcp }) => {
    assertMatch(await ask(tcp), /^1982-02-23T01:37:4\dZ\r\n$/);
  });
});

netTest("daytimed sends at most one short datagram", async () => {
  const format = "x".repeat(LONGEST_LINE - 2);
  await withServer({ format }, async ({ tcp, udp }) => {
    using socket = client();
    await socket.send(new Uint8Array(0), { transport: "udp", hostname: "127.0.0.1", port: udp });
    assertEquals((await socket.receive())[0].length, LONGEST_LINE);
    assertEquals((await ask(tcp)).length, LONGEST_LINE);
  });
});

netTest(
  "daytimed throws input away: it costs the client neither its line nor a clean end",
  async () => {
    await withServer({}, async ({ tcp }) => {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port: tcp });
      await writeAll(conn, new Uint8Array(1 << 20));
      const line = new Uint8Array(100);
      const length = await conn.read(line);
      assertMatch(new TextDecoder().decode(line.subarray(0, length ?? 0)), LINE);
      // A connection that was closed with input unread takes no more.
      for (let i = 0; i < 3; i++) await writeAll(conn, new Uint8Array(1000));
      await conn.closeWrite();
      assertEquals(await conn.read(line), null);
    });
  },
);

netTest("daytimed gives one reply for each datagram, whatever that holds", async () => {
  await withServer({}, async ({ server, udp }) => {
    using socket = client();
    for (const length of [0, 1, 2, 1400, 65507]) {
      await socket.send(new Uint8Array(length), {
        transport: "udp",
        hostname: "127.0.0.1",
        port: udp,
      });
      assertMatch(await receiveText(socket), LINE);
    }
    await server.shutdown();
    assertEquals(await received(socket), []);
  });
});

netTest(
  "daytimed does not answer the port of another small service, or of its own kind",
  async () => {
    await withServer({}, async ({ log, udp }) => {
      for (const port of [7, 13, 17, 19, 37, 1313, udp]) {
        let socket;
        try {
          socket = client("127.0.0.2", port);
        } catch (error) {
          // Only root may take the low ones.
          if (error instanceof Deno.errors.PermissionDenied) continue;
          throw error;
        }
        using small = socket;
        await small.send(new Uint8Array(0), { transport: "udp", hostname: "127.0.0.1", port: udp });
        await log.says(new RegExp(`ignored transport=udp peer=127\\.0\\.0\\.2 port=${port} `));
        assertEquals(await received(small), []);
      }
    });
  },
);

netTest(
  "daytimed closes the connection of a client that does not, and lets the next one in",
  async () => {
    await withServer({ maxConnections: 1 }, async ({ tcp, log, server }, time) => {
      using first = await Deno.connect({ hostname: "127.0.0.1", port: tcp });
      assertMatch(await readText(first), LINE);
      assertEquals(await ask(tcp), ""); // The only slot is taken: the first has not closed.
      await log.says(/refused peer=127\.0\.0\.1 reason="too many connections"/);
      await time.tick(1000);
      // No time passes any more: these end only if that connection is closed by now.
      await server.shutdown();
      await server.finished;
    });
  },
);

netTest("daytimed's ports are free again after shutdown", async () => {
  let ports = { tcp: 0, udp: 0 };
  await withServer({}, ({ tcp, udp }) => Promise.resolve(void (ports = { tcp, udp })));
  using _listener = Deno.listen({ hostname: "127.0.0.1", port: ports.tcp });
  using _socket = client("127.0.0.1", ports.udp);
});

netTest("daytimed keeps no TCP socket when the UDP port is taken", () => {
  // A port that is free for TCP, which not every port is that is free for UDP.
  const free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = free.addr;
  free.close();
  using _taken = client("127.0.0.1", port);
  const options = { hosts: ["127.0.0.1"], port, tcp: true, udp: true, format: "iso", utc: true };
  const failure = assertThrows(
    () => start({ ...options, maxConnections: 1, maxPerAddress: 1, log: new TestLog().log }),
    Failure,
    `127.0.0.1:${port}: address in use`,
  );
  // A listener that stayed would be found by the test runner.
  assertEquals(failure.exitCode, 3);
});

netTest("daytimed does not share its UDP port with another server", async () => {
  await withServer({ hosts: [], tcp: false }, ({ udp: port }) => {
    for (const hosts of [[], ["127.0.0.1"]]) {
      const options = { hosts, port, tcp: false, udp: true, format: "iso", utc: true };
      const failure = assertThrows(
        () => start({ ...options, maxConnections: 1, maxPerAddress: 1, log: new TestLog().log }),
        Failure,
        `:${port}: address in use`,
      );
      assertEquals(failure.exitCode, 3);
    }
    return Promise.resolve();
  });
});

processTest("daytimed says where it listens, logs what it did, and a signal stops it", async () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    await using server = await ServerProcess.start(
      "servers/daytime.ts",
      ["--host", "127.0.0.1", "--port", "0", "--log", "json"],
      { permissions: command.permissions, env: { TZ: "America/Los_Angeles" } },
    );
    // A zone with two names: which depends on the season.
    assertMatch(
      await ask(await server.port("tcp")),
      /^[A-Z][a-z]+day, [A-Z][a-z]+ \d{1,2}, \d{4} \d\d:\d\d:\d\d-P[SD]T\r\n$/,
    );
    await server.says(
      /^\{"time":"[^"]+","server":"daytimed","event":"answered","transport":"tcp","peer":"127\.0\.0\.1","port":\d+\}$/m,
    );
    assertEquals(await server.stop(signal), 0);
  }
});

processTest("daytimed: every mistake is one clear line and its exit code", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const at = ["--host", "127.0.0.1", "--port", `${taken.addr.port}`];
  const rows: [args: string[], code: number, line: RegExp][] = [
    [["now"], 2, /^daytimed: too many words; usage: daytimed \[options\]/],
    [["--prot", "1"], 2, /^daytimed: unknown option --prot/],
    [["--port", "99999"], 2, /^daytimed: --port 99999: a port is a number from 0 to 65535/],
    [["--format", "%Q"], 2, /^daytimed: --format %Q: unknown conversion %Q \(try %c/],
    [["--log", "xml"], 2, /^daytimed: --log xml: give text or json/],
    [["--host", "192.0.2.77", "--port", "0"], 3, /^daytimed: 192\.0\.2\.77:0: no such address/],
    [["--host", "nosuch.invalid"], 3, /^daytimed: nosuch\.invalid:13: no such host/],
    [at, 3, /^daytimed: 127\.0\.0\.1:\d+: address in use \(is another server running\?/],
  ];
  for (const [args, code, line] of rows) {
    const ended = await run("servers/daytime.ts", args, { permissions: command.permissions });
    assertMatch(ended.stderr, line);
    assertEquals([ended.code, ended.stderr.trimEnd().split("\n").length], [code, 1]);
  }
  const help = await run("servers/daytime.ts", ["--help"], { permissions: command.permissions });
  assertEquals([help.code, help.stderr], [0, ""]);
  assert(help.stdout.includes(command.permissions.join(" ")));
});
