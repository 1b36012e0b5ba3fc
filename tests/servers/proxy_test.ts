/** The proxy in process: connections over loopback sockets. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import net from "node:net";
import { writeAll } from "../../tools/net/writer.ts";
import { parseFault } from "../../tools/protocol/fault.ts";
import { FakeTime } from "../support/fake_time.ts";
import { netTest } from "../support/permissions.ts";
import { bytes, readText } from "../support/stream.ts";
import { withProxy } from "./proxy/running.ts";
import { passTime } from "./proxy/test_log.ts";

const HERE = "127.0.0.1";

function listen(): Deno.TcpListener {
  return Deno.listen({ hostname: HERE, port: 0 });
}

async function hear(conn: Deno.Conn): Promise<string | null> {
  const buffer = new Uint8Array(1000);
  const length = await conn.read(buffer);
  return length === null ? null : new TextDecoder().decode(buffer.subarray(0, length));
}

netTest("proxy: each client has a connection of its own, all at once", async () => {
  using server = listen();
  await withProxy(server.addr.port, {}, async ({ connect, says }) => {
    const [alice, bob] = [await connect(), await connect()];
    await alice.write(bytes("hello"));
    using first = await server.accept();
    using second = await server.accept();
    const [forAlice, forBob] = await hear(first) === "hello" ? [first, second] : [second, first];
    await bob.write(bytes("hi"));
    assertEquals(await hear(forBob), "hi");
    await forBob.write(bytes("to bob"));
    await forAlice.write(bytes("to alice"));
    assertEquals([await hear(alice), await hear(bob)], ["to alice", "to bob"]);
    await says(/connected number=2 peer=127\.0\.0\.1:\d+\n/);
  });
});

netTest("proxy: the late reply to a client that has ended its half", async () => {
  using server = listen();
  await withProxy(server.addr.port, {}, async ({ connect, says }) => {
    const client = await connect();
    await client.write(bytes("question"));
    await client.closeWrite();
    using conn = await server.accept();
    assertEquals(await readText(conn), "question");
    await conn.write(bytes("answer"));
    await conn.closeWrite();
    assertEquals(await readText(client), "answer");
    await says(/closed number=1 peer=\S+ up=8 down=6 seconds=[\d.]+\n/);
  });
});

netTest("proxy: and what a client says after the server has ended its half", async () => {
  using server = listen();
  await withProxy(server.addr.port, {}, async ({ connect, says }) => {
    const client = await connect();
    using conn = await server.accept();
    await conn.write(bytes("hello"));
    await conn.closeWrite();
    assertEquals(await readText(client), "hello");
    await client.write(bytes("question"));
    await client.closeWrite();
    assertEquals(await readText(conn), "question");
    await says(/closed number=1 peer=\S+ up=8 down=5 seconds=[\d.]+\n/);
  });
});

netTest("proxy: a reset of either side closes the other", async () => {
  const server = net.createServer({ allowHalfOpen: true });
  await new Promise<void>((resolve) => server.listen(0, HERE, resolve));
  const { port: serverPort } = server.address() as net.AddressInfo;
  await withProxy(serverPort, {}, async ({ port, connect, says }) => {
    const accept = (): Promise<net.Socket> =>
      new Promise((resolve) => server.once("connection", resolve));
    const one = accept();
    const client = net.connect(port, HERE);
    const conn = await one;
    const ended = new Promise((resolve) => conn.once("end", resolve).resume());
    await says(/connected number=1/);
    client.resetAndDestroy();
    await ended;
    conn.destroy();
    await says(/closed number=1 peer=\S+ up=0 down=0 seconds=\S+ reason=broken\n/);

    const two = accept();
    const second = await connect();
    await says(/connected number=2/);
    (await two).resetAndDestroy();
    assertEquals(await hear(second), null);
    await says(/closed number=2 peer=\S+ up=0 down=0 seconds=\S+ reason=broken\n/);
  });
  await new Promise((resolve) => server.close(resolve));
});

netTest("proxy: where nobody listens the client is closed, and the log says why", async () => {
  const server = listen();
  const { port } = server.addr;
  server.close();
  await withProxy(port, {}, async ({ connect, says }) => {
    assertEquals(await hear(await connect()), null);
    await says(
      new RegExp(`failed number=1 .*reason="127.0.0.1:${port}: connection refused \\(is a`),
    );
    // The next one is tried again.
    assertEquals(await hear(await connect()), null);
  });
});

netTest("proxy: a server that does not accept within the time-out", async () => {
  using time = new FakeTime();
  using server = Deno.listen({ hostname: HERE, port: 0, tcpBacklog: 1 });
  const { port } = server.addr;
  // The system takes one more than the backlog, and then answers nobody.
  const waiting = [1, 2].map(() => Deno.connect({ hostname: HERE, port }));
  await Promise.all(waiting);
  await withProxy(port, { timeout: 2000 }, async (proxy) => {
    const client = await proxy.connect();
    const failed = /failed number=1 .*seconds=(\S+) reason="127\.0\.0\.1:\d+: no answer in time"/;
    const [, seconds] = await passTime(time, 50, proxy, failed);
    // It is looked at four times a second.
    assert(Number(seconds) >= 2 && Number(seconds) <= 2.3, seconds);
    assertEquals(await hear(client), null);
  });
  for (const conn of waiting) (await conn).close();
});

netTest("proxy: clients beyond the caps are closed", async () => {
  using server = listen();
  await withProxy(server.addr.port, { maxPerAddress: 1 }, async ({ connect, says }) => {
    const first = await connect();
    using conn = await server.accept();
    assertEquals(await hear(await connect()), null);
    await says(/refused peer=127\.0\.0\.1 reason="too many connections"/);
    await conn.write(bytes("still here"));
    assertEquals(await hear(first), "still here");
  });
});

netTest(
  "proxy: a connection on which nothing passes is closed, and one on which something does is not",
  async () => {
    using time = new FakeTime();
    using server = listen();
    await withProxy(server.addr.port, { idleTimeout: 80_000 }, async (proxy) => {
      const idle = await proxy.connect();
      using forIdle = await server.accept();
      await proxy.says(/connected number=1/);
      const busy = await proxy.connect();
      using forBusy = await server.accept();
      await proxy.says(/connected number=2/);
      for (let i = 0; i < 4; i++) {
        await time.tick(35_000);
        await forBusy.write(bytes("x"));
        assertEquals(await hear(busy), "x");
      }
      const closed = /closed number=1 .* seconds=(\S+) reason=idle/;
      const [, seconds] = await passTime(time, 50, proxy, closed);
      // Within an eighth.
      assert(Number(seconds) >= 80 && Number(seconds) <= 90, seconds);
      assertEquals([await hear(idle), await hear(forIdle)], [null, null]);
      assert(!proxy.text().includes("closed number=2"));
    });
  },
);

netTest("proxy: what a fault holds back is no silence", async () => {
  using time = new FakeTime();
  using server = listen();
  const faults = [parseFault("up:latency=300s")];
  await withProxy(server.addr.port, { idleTimeout: 80_000, faults }, async (proxy) => {
    const client = await proxy.connect();
    using conn = await server.accept();
    await client.write(bytes("hello"));
    let got: string | null = "";
    const hearing = hear(conn).then((text) => got = text);
    while (got === "") await time.tick(10_000);
    await hearing;
    assertEquals(got, "hello");
    await passTime(time, 1000, proxy, /reason=idle/);
  });
});

netTest("proxy: a reset of the fault's making is on the wire", async () => {
  using server = listen();
  const faults = [parseFault("up:reset=1000")];
  await withProxy(server.addr.port, { faults }, async ({ connect, says }) => {
    const client = await connect();
    using conn = await server.accept();
    // More than the socket takes at once, so some of it is unread.
    const error = await assertRejects(() => writeAll(client, new Uint8Array(1 << 24)));
    assert(error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.ConnectionReset);
    assertEquals((await readText(conn)).length, 1000);
    await says(/closed number=1 peer=\S+ up=1000 down=0 .*reason=broken/);
  });
});
