import { assert, assertEquals, assertRejects } from "@std/assert";
import { type AcceptOptions, Acceptor } from "../../../tools/net/accept.ts";
import { Log } from "../../../tools/program/log.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { netTest } from "../../support/permissions.ts";
import { bytes, readText } from "../../support/stream.ts";
import { afterTurns } from "../../support/turns.ts";

/** An acceptor, and the events it logged, with their fields. */
function acceptor(
  options: Partial<AcceptOptions> = {},
): { acceptor: Acceptor; logged: () => string[] } {
  let text = "";
  const log = new Log({
    name: "testd",
    form: "text",
    quiet: false,
    write: (data) => {
      text += new TextDecoder().decode(data);
      return Promise.resolve(data.length);
    },
  });
  return {
    acceptor: new Acceptor({
      log,
      maxConnections: 100,
      maxPerAddress: 100,
      serve: () => Promise.resolve(),
      ...options,
    }),
    logged: () => text.split("\n").slice(0, -1).map((line) => line.replace(/^\S+ testd: /, "")),
  };
}

/** A listener whose accepts come to what `next` says, and wait for `close` after that. */
function scriptedListener(...results: (Deno.TcpConn | Error)[]): {
  listener: Deno.TcpListener;
  accepts: () => number;
  asked: Promise<void>;
} {
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => {});
  const asked = Promise.withResolvers<void>();
  let accepts = 0;
  const listener = {
    accept(): Promise<Deno.TcpConn> {
      accepts++;
      const result = results.shift();
      if (result instanceof Error) return Promise.reject(result);
      if (result) return Promise.resolve(result);
      asked.resolve();
      return closed.promise;
    },
    close: () => closed.reject(new Deno.errors.BadResource("Listener has been closed")),
  };
  return {
    listener: listener as unknown as Deno.TcpListener,
    accepts: () => accepts,
    asked: asked.promise,
  };
}

interface ScriptedConn extends Deno.TcpConn {
  written: string;
  isClosed: boolean;
  delays: boolean;
}

function connFrom(hostname: string, write?: () => Promise<number>): ScriptedConn {
  return {
    remoteAddr: { transport: "tcp", hostname, port: 50000 },
    delays: true,
    setNoDelay(this: ScriptedConn): void {
      this.delays = false;
    },
    written: "",
    isClosed: false,
    write(this: ScriptedConn, data: Uint8Array): Promise<number> {
      this.written += new TextDecoder().decode(data);
      return write?.() ?? Promise.resolve(data.length);
    },
    close(this: ScriptedConn): void {
      this.isClosed = true;
    },
    [Symbol.dispose](this: ScriptedConn): void {
      this.isClosed = true;
    },
  } as unknown as ScriptedConn;
}

Deno.test("acceptor: a peer that resets before it is accepted ends nothing, and is not news", async () => {
  const served: string[] = [];
  const { acceptor: server, logged } = acceptor({
    serve(_conn, peer): Promise<void> {
      served.push(peer.hostname);
      return Promise.resolve();
    },
  });
  const { listener, asked } = scriptedListener(
    new Deno.errors.NotConnected(),
    connFrom("192.0.2.1"),
    new Deno.errors.ConnectionAborted(),
    new Deno.errors.ConnectionReset(),
    connFrom("192.0.2.2"),
  );
  server.listen(listener);
  await asked;
  assertEquals(served, ["192.0.2.1", "192.0.2.2"]);
  await server.shutdown(0);
  assertEquals(logged(), []);
});

Deno.test("acceptor: without descriptors it pauses, longer each time, and goes on", async () => {
  using time = new FakeTime();
  const none = (): Error => Object.assign(new Error("Too many open files"), { code: "EMFILE" });
  const { acceptor: server, logged } = acceptor();
  const conn = connFrom("192.0.2.1");
  const { listener, accepts } = scriptedListener(...Array(7).fill(0).map(none), conn, none());
  server.listen(listener);
  const counts: number[] = [];
  for (const pause of [0, 49, 1, 100, 200, 400, 800, 999, 1]) {
    await time.tick(pause);
    counts.push(accepts());
  }
  assertEquals(counts, [1, 1, 2, 3, 4, 5, 6, 6, 7]);
  await time.tick(1000); // The eighth gets a connection, and the next pause is short again.
  assertEquals([accepts(), conn.isClosed], [9, true]);
  await time.tick(50);
  assertEquals(accepts(), 10);
  assertEquals(logged(), Array(8).fill("cannot accept reason=EMFILE"));
  await server.shutdown(0);
});

Deno.test("acceptor: a shutdown does not wait for the end of a pause", async () => {
  using _time = new FakeTime();
  const { acceptor: server } = acceptor();
  const { listener } = scriptedListener(Object.assign(new Error(), { code: "EMFILE" }));
  server.listen(listener);
  await server.shutdown(0);
});

Deno.test("acceptor: a listener that somebody closes ends its loop, and no other", async () => {
  const { acceptor: server, logged } = acceptor();
  const [one, other] = [scriptedListener(), scriptedListener()];
  server.listen(one.listener);
  server.listen(other.listener);
  let finished = false;
  const end = server.finished().then(() => finished = true);
  one.listener.close();
  await other.asked;
  assert(!finished);
  other.listener.close();
  await end;
  assertEquals([one.accepts(), other.accepts(), logged()], [1, 1, []]);
});

Deno.test("acceptor: the caps hold in all and for each address, and a slot comes back", async () => {
  const gates = new Map<string, (() => void)[]>();
  const { acceptor: server, logged } = acceptor({
    maxConnections: 3,
    maxPerAddress: 2,
    refusal: bytes("full\r\n"),
    serve(_conn, peer): Promise<void> {
      const gate = Promise.withResolvers<void>();
      gates.set(peer.hostname, [...gates.get(peer.hostname) ?? [], gate.resolve]);
      return gate.promise;
    },
  });
  // An IPv4 client is the same one on a dual-stack socket.
  const addresses = [
    "192.0.2.1",
    "::ffff:192.0.2.1",
    "192.0.2.1",
    "::FFFF:192.0.2.1",
    "2001:db8::1",
    "2001:db8::2",
  ];
  const conns = addresses.map((address) => connFrom(address));
  const first = scriptedListener(...conns);
  server.listen(first.listener);
  await first.asked;
  assertEquals(conns.map(({ written }) => written), [
    "",
    "",
    "full\r\n",
    "full\r\n",
    "",
    "full\r\n",
  ]);
  assertEquals(conns.map(({ isClosed }) => isClosed), [false, false, true, true, false, true]);
  assert(conns.every(({ delays, isClosed }) => delays === isClosed)); // Nagle's algorithm is off.
  assertEquals([...gates.keys()], ["192.0.2.1", "2001:db8::1"]);
  assertEquals(
    logged(),
    ["192.0.2.1", "192.0.2.1", "2001:db8::2"].map((peer) =>
      `refused peer=${peer} reason="too many connections"`
    ),
  );

  gates.get("192.0.2.1")?.pop()?.();
  await afterTurns(10, () => {});
  const late = [connFrom("192.0.2.1"), connFrom("192.0.2.1")];
  const second = scriptedListener(...late);
  server.listen(second.listener);
  await second.asked;
  assertEquals(late.map(({ written }) => written), ["", "full\r\n"]);
  for (const gate of [...gates.values()].flat()) gate();
  await server.shutdown(0);
  assert(conns.every(({ isClosed }) => isClosed));
});

Deno.test("acceptor: a client that is refused is closed, even if it cannot be told", async () => {
  const { acceptor: server } = acceptor({ maxConnections: 0, refusal: bytes("full") });
  const conn = connFrom("192.0.2.1", () => Promise.reject(new Deno.errors.BrokenPipe()));
  const { listener, asked } = scriptedListener(conn);
  server.listen(listener);
  await asked;
  await server.shutdown(0);
  assert(conn.isClosed);
});

Deno.test("acceptor: a task that fails closes its connection and ends no loop", async () => {
  const failures = [
    new TypeError("a bug"),
    new Deno.errors.ConnectionReset("gone"),
    "not even an error",
  ];
  const rest = [...failures];
  const { acceptor: server, logged } = acceptor({
    serve(): Promise<void> {
      const error = rest.shift();
      if (rest.length === 0) throw error; // At once, not by its promise.
      return Promise.reject(error);
    },
  });
  const conns = failures.map(() => connFrom("192.0.2.1"));
  const { listener, asked } = scriptedListener(...conns);
  server.listen(listener);
  await asked;
  await server.shutdown(0);
  assert(conns.every(({ isClosed }) => isClosed));
  assertEquals(logged(), [
    'failed peer=192.0.2.1 reason="TypeError: a bug"',
    'failed peer=192.0.2.1 reason="not even an error"',
  ]);
});

/** Connects to `listener` and returns all that it says. */
async function answer(port: number): Promise<string> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    return await readText(conn);
  } finally {
    conn.close();
  }
}

netTest("acceptor: thousands of refusals are all told, all closed, and leave room", async () => {
  const over = Promise.withResolvers<void>();
  const { acceptor: server } = acceptor({
    maxPerAddress: 1,
    refusal: bytes("full"),
    async serve(conn): Promise<void> {
      await conn.write(bytes("welcome"));
      await conn.read(new Uint8Array(1));
      over.resolve();
    },
  });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1000 });
  const { port } = listener.addr;
  server.listen(listener);
  const first = await Deno.connect({ hostname: "127.0.0.1", port });
  await first.read(new Uint8Array(7));
  for (let round = 0; round < 5; round++) {
    const answers = await Promise.all(Array.from({ length: 400 }, () => answer(port)));
    assert(answers.every((word) => word === "full"));
  }
  first.close();
  await over.promise;
  const next = await Deno.connect({ hostname: "127.0.0.1", port });
  await next.closeWrite();
  assertEquals(await readText(next), "welcome");
  next.close();
  await server.shutdown(0);
});

netTest("acceptor: an IPv4 client counts as one on an IPv6 socket too", async () => {
  const peers: string[] = [];
  const { acceptor: server } = acceptor({
    maxPerAddress: 1,
    refusal: bytes("full"),
    async serve(conn, peer): Promise<void> {
      peers.push(peer.hostname);
      await conn.write(bytes("welcome"));
      await conn.read(new Uint8Array(1));
    },
  });
  const dual = Deno.listen({ hostname: "::", port: 0 });
  const plain = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  server.listen(dual);
  server.listen(plain);
  const first = await Deno.connect({ hostname: "127.0.0.1", port: dual.addr.port });
  await first.read(new Uint8Array(7));
  assertEquals(await answer(plain.addr.port), "full");
  assertEquals(peers, ["127.0.0.1"]);
  first.close();
  await server.shutdown(0);
});

netTest(
  "acceptor: shutdown lets connections end within the grace, and frees the port",
  async () => {
    const { acceptor: server, logged } = acceptor({
      async serve(conn): Promise<void> {
        const buffer = new Uint8Array(10);
        await conn.read(buffer);
        await conn.write(bytes("done"));
      },
    });
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    server.listen(listener);
    const accepted = await Deno.connect({ hostname: "127.0.0.1", port });
    // Accepted for sure: connections are accepted in order, and this one is over.
    const later = await Deno.connect({ hostname: "127.0.0.1", port });
    await later.closeWrite();
    assertEquals(await readText(later), "done");
    later.close();
    const stopped = server.shutdown(60_000);
    await accepted.write(bytes("the last words"));
    assertEquals(await readText(accepted), "done");
    accepted.close();
    await stopped;
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    assertEquals(logged(), []);
  },
);

netTest("acceptor: shutdown closes what outlives the grace", async () => {
  const started = Promise.withResolvers<void>();
  const { acceptor: server, logged } = acceptor({
    async serve(conn): Promise<void> {
      started.resolve();
      await conn.read(new Uint8Array(1));
    },
  });
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  server.listen(listener);
  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  await started.promise;
  await server.shutdown(0);
  assertEquals(await readText(client), "");
  client.close();
  assertEquals(logged(), []);
});

netTest("acceptor: a listener that comes after the shutdown is closed", async () => {
  const { acceptor: server } = acceptor();
  await server.shutdown(0);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  server.listen(listener);
  await assertRejects(() => listener.accept(), Deno.errors.BadResource);
  await server.finished();
});
