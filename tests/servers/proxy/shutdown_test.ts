/** How a proxy stops, whatever is under way. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ProxyOptions } from "../../../servers/proxy.ts";
import { GRACE } from "../../../tools/net/server.ts";
import { tlsClient, tlsServer } from "../../../tools/net/tls.ts";
import { parseFault } from "../../../tools/protocol/fault.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { SERVER } from "../../support/identities.ts";
import { netTest } from "../../support/permissions.ts";
import { bytes, readAll, readText } from "../../support/stream.ts";
import { type RunningProxy, withProxy } from "./running.ts";

function listen(): Deno.TcpListener {
  return Deno.listen({ hostname: "127.0.0.1", port: 0 });
}

/** Stops `proxy`, which is to take the whole period of grace and not more. */
async function stopAfterGrace({ proxy }: RunningProxy, time: FakeTime): Promise<void> {
  let over = false;
  const stopping = proxy.shutdown().then(() => over = true);
  await time.tick(GRACE - 1);
  assert(!over);
  await time.tick(1);
  // No time passes any more.
  await stopping;
}

/** What `work` gives; TLS takes turns of the event loop, which stand still with the clock. */
async function meanwhile<T>(time: FakeTime, work: Promise<T>): Promise<T> {
  let over = false;
  const settled = work.finally(() => over = true);
  while (!over) await time.tick(0);
  return await settled;
}

netTest(
  "proxy: it stops at once when nothing is under way, and takes nobody any more",
  async () => {
    using server = listen();
    await withProxy(server.addr.port, {}, async ({ proxy, connect }) => {
      await proxy.shutdown();
      await assertRejects(() => connect(), Deno.errors.ConnectionRefused);
    });
  },
);

netTest("proxy: what is under way may end within the period of grace", async () => {
  using _time = new FakeTime();
  using server = listen();
  await withProxy(server.addr.port, {}, async ({ proxy, connect }) => {
    const client = await connect();
    using conn = await server.accept();
    await client.write(bytes("question"));
    const stopping = proxy.shutdown();
    await client.closeWrite();
    assertEquals(await readText(conn), "question");
    await conn.write(bytes("answer"));
    await conn.closeWrite();
    assertEquals(await readText(client), "answer");
    client.close();
    await stopping;
  });
});

netTest("proxy: connections that are silent are closed after it, on both sides", async () => {
  using time = new FakeTime();
  using server = listen();
  await withProxy(server.addr.port, {}, async (proxy) => {
    const clients = [await proxy.connect(), await proxy.connect()];
    const conns = [await server.accept(), await server.accept()];
    await proxy.says(/connected number=2/);
    await stopAfterGrace(proxy, time);
    for (const conn of [...clients, ...conns]) assertEquals(await readText(conn), "");
    conns.forEach((conn) => conn.close());
    await proxy.says(/closed number=2 .* reason=stopped/);
  });
});

netTest("proxy: so is one whose server reads nothing of what it is sent", async () => {
  using time = new FakeTime();
  using server = listen();
  await withProxy(server.addr.port, {}, async (proxy) => {
    const client = await proxy.connect();
    using _conn = await server.accept();
    // More than all buffers on the way hold.
    const writing = (async (): Promise<void> => {
      for (;;) await client.write(new Uint8Array(1 << 20));
    })();
    const broken = assertRejects(() => writing, Error);
    await stopAfterGrace(proxy, time);
    await broken;
  });
});

netTest("proxy: so is one whose server does not answer", async () => {
  using time = new FakeTime();
  using server = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const { port } = server.addr;
  // The system takes one more than the backlog, and then answers nobody.
  const waiting = await Promise.all(
    [1, 2].map(() => Deno.connect({ hostname: "127.0.0.1", port })),
  );
  await withProxy(port, { timeout: 60_000 }, async (proxy) => {
    const client = await proxy.connect();
    // The first connection is accepted by the time the second is.
    const second = await proxy.connect();
    await stopAfterGrace(proxy, time);
    assertEquals([await readText(client), await readText(second)], ["", ""]);
    await proxy.says(/failed number=1 .*reason="127\.0\.0\.1:\d+: stopped"/);
  });
  waiting.forEach((conn) => conn.close());
});

const UNFINISHED: [what: string, options: Partial<ProxyOptions>, words: string][] = [
  ["a PROXY header", { acceptProxy: true }, "PROXY TCP4 "],
  ["a handshake of TLS", { tlsListen: SERVER }, "\x16\x03\x01"],
];

for (const [what, options, words] of UNFINISHED) {
  netTest(`proxy: so is one that is in ${what}`, async () => {
    using time = new FakeTime();
    using server = listen();
    await withProxy(server.addr.port, { ...options, timeout: 60_000 }, async (proxy) => {
      const client = await proxy.connect();
      await client.write(bytes(words));
      await proxy.connect();
      await stopAfterGrace(proxy, time);
      assertEquals(await readText(client), "");
      await proxy.says(/failed number=1 .*reason="127\.0\.0\.1:\d+: stopped"/);
    });
  });
}

netTest("proxy: so is one that a fault holds back", async () => {
  using time = new FakeTime();
  using server = listen();
  const faults = [parseFault("latency=1h"), parseFault("rate=1")];
  await withProxy(server.addr.port, { faults }, async (proxy) => {
    const client = await proxy.connect();
    using conn = await server.accept();
    await client.write(bytes("hello"));
    await conn.write(bytes("hello"));
    await proxy.says(/connected number=1/);
    await stopAfterGrace(proxy, time);
    assertEquals([await readText(client), await readText(conn)], ["", ""]);
  });
});

netTest("proxy: so is one in TLS, without a farewell that would call it complete", async () => {
  using time = new FakeTime();
  using server = listen();
  const options = { tlsListen: SERVER, tlsUpstream: { insecure: true } };
  await withProxy(server.addr.port, options, async (proxy) => {
    const outer = await proxy.connect();
    const handshake = tlsClient(outer, { host: "127.0.0.1", insecure: true });
    using inner = await meanwhile(time, server.accept());
    const [client, conn] = await meanwhile(
      time,
      Promise.all([handshake, tlsServer(inner, SERVER)]),
    );
    await meanwhile(time, client.write(bytes("hello")));
    assertEquals(await meanwhile(time, conn.read(new Uint8Array(100))), 5);
    await stopAfterGrace(proxy, time);
    await meanwhile(time, Promise.all([readAll(client), readAll(conn)]));
    assert(client.truncated && conn.truncated);
  });
});
