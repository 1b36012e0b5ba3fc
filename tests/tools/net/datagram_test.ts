import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatagramEndpoint } from "../../../tools/net/datagram.ts";
import { netTest } from "../../support/permissions.ts";
import { bytes } from "../../support/stream.ts";

const LONGEST = 10;

function endpoint(longest = LONGEST, hostname = "127.0.0.1"): DatagramEndpoint {
  return new DatagramEndpoint(
    Deno.listenDatagram({ transport: "udp", hostname, port: 0 }),
    longest,
  );
}

/** Two endpoints, closed in the end. */
function endpoints(longest?: number): [DatagramEndpoint, DatagramEndpoint] & Disposable {
  const pair: [DatagramEndpoint, DatagramEndpoint] = [endpoint(longest), endpoint(longest)];
  return Object.assign(pair, {
    [Symbol.dispose]: () => pair.forEach((one) => one.close()),
  });
}

async function text(receiver: DatagramEndpoint): Promise<[string, boolean] | null> {
  const datagram = await receiver.receive();
  return datagram && [new TextDecoder().decode(datagram.data), datagram.cut];
}

netTest(
  "datagram: what was sent arrives, with its sender, each as a datagram of its own",
  async () => {
    using pair = endpoints();
    const [one, other] = pair;
    for (const word of ["first", "", "0123456789"]) {
      assert(await one.send(bytes(word), other.addr));
      const received = await other.receive();
      assertEquals(received && new TextDecoder().decode(received.data), word);
      assertEquals(received?.peer, one.addr);
      assertEquals(received?.cut, false);
    }
  },
);

netTest("datagram: one that is longer than the protocol's longest is known to be cut", async () => {
  using pair = endpoints();
  const [one, other] = pair;
  for (const length of [LONGEST, LONGEST + 1, LONGEST + 2, 60_000]) {
    await one.send(new Uint8Array(length), other.addr);
  }
  const cuts = [];
  for (let i = 0; i < 4; i++) cuts.push((await other.receive())?.cut);
  assertEquals(cuts, [false, true, true, true]);
});

netTest("datagram: they come in their order, whether or not somebody waits", async () => {
  using pair = endpoints();
  const [one, other] = pair;
  const waiting = text(other);
  for (const word of ["one", "two", "three"]) await one.send(bytes(word), other.addr);
  assertEquals([await waiting, await text(other), await text(other)], [
    ["one", false],
    ["two", false],
    ["three", false],
  ]);
});

netTest("datagram: close ends what waits, and what comes later", async () => {
  const receiver = endpoint();
  const waiting = receiver.receive();
  receiver.close();
  receiver.close();
  assertEquals(await waiting, null);
  assertEquals(await receiver.receive(), null);
  assertEquals(await receiver.send(bytes("x"), receiver.addr), false);
});

netTest("datagram: one that cannot leave is lost, and the endpoint works on", async () => {
  using pair = endpoints(70_000);
  const [one, other] = pair;
  assertEquals(await one.send(new Uint8Array(65_508), other.addr), false);
  assertEquals(await one.send(bytes("x"), { ...other.addr, port: 0 }), false);
  assertEquals(await one.send(bytes("x"), { ...other.addr, hostname: "::1" }), false);
  // A port where nobody listens: that answer of the network never shows.
  const gone = endpoint();
  gone.close();
  assertEquals(await one.send(bytes("x"), gone.addr), true);
  assertEquals(await one.send(new Uint8Array(65_507), other.addr), true);
  assertEquals((await other.receive())?.data.length, 65_507);
});

/** A socket whose receives come to what `results` says. */
function scripted(...results: ([Uint8Array, Deno.NetAddr] | Error)[]): Deno.DatagramConn {
  const next = (): Promise<unknown> => {
    const result = results.shift();
    return result instanceof Error ? Promise.reject(result) : Promise.resolve(result);
  };
  return { receive: next, send: next } as unknown as Deno.DatagramConn;
}

Deno.test("datagram: the echo of a datagram that did not arrive ends nothing", async () => {
  const peer: Deno.NetAddr = { transport: "udp", hostname: "192.0.2.1", port: 69 };
  const receiver = new DatagramEndpoint(
    scripted(new Deno.errors.ConnectionReset(), [bytes("x"), peer], new TypeError("a bug")),
    LONGEST,
  );
  assertEquals(await text(receiver), ["x", false]);
  await assertRejects(() => receiver.receive(), TypeError, "a bug");
});

Deno.test("datagram: a program without permission hears of it", async () => {
  const sender = new DatagramEndpoint(scripted(new Deno.errors.NotCapable("no")), LONGEST);
  const peer: Deno.NetAddr = { transport: "udp", hostname: "192.0.2.1", port: 69 };
  await assertRejects(() => sender.send(bytes("x"), peer), Deno.errors.NotCapable);
});

netTest(
  "datagram: with a socket for each address, the reply leaves from the one that was asked",
  async () => {
    // Linux has all of 127.0.0.0/8 on loopback; elsewhere there is 127.0.0.1 alone.
    const hosts = Deno.build.os === "linux"
      ? ["127.0.0.1", "127.0.0.2", "::1"]
      : ["127.0.0.1", "::1"];
    const servers = hosts.map((host) => endpoint(LONGEST, host));
    const answering = servers.map(async (server) => {
      for (let asked = await server.receive(); asked; asked = await server.receive()) {
        await server.send(asked.data, asked.peer);
      }
    });
    for (const { addr } of servers) {
      const client = endpoint(LONGEST, addr.hostname === "::1" ? "::1" : "127.0.0.1");
      await client.send(bytes("hello"), addr);
      assertEquals((await client.receive())?.peer, addr);
      client.close();
    }
    servers.forEach((server) => server.close());
    await Promise.all(answering);
  },
);
