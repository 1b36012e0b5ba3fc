/** The relay of datagrams, over loopback sockets. */
import { assert, assertEquals } from "@std/assert";
import {
  type DatagramOptions,
  DatagramRelay,
  MOST_SERVER_PORTS,
} from "../../../servers/proxy/datagrams.ts";
import { DatagramEndpoint } from "../../../tools/net/datagram.ts";
import { parseFault } from "../../../tools/protocol/fault.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { netTest } from "../../support/permissions.ts";
import { bytes } from "../../support/stream.ts";
import { type TestLog, testLog } from "./test_log.ts";

const HERE = "127.0.0.1";
const LONGEST = 65_507;

function open(hostname = HERE): Deno.DatagramConn {
  return Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
}

function portOf(socket: Deno.DatagramConn): number {
  return (socket.addr as Deno.NetAddr).port;
}

/** A relay that runs, its server's socket, and sockets for clients. */
interface Setup {
  server: Deno.DatagramConn;
  /** The address that clients send to. */
  entrance: Deno.NetAddr;
  log: TestLog;
  /** How many sockets the relay has opened and not yet closed. */
  opened(): number;
  client(hostname?: string): Deno.DatagramConn;
  /** Sends `text` from `from` through the relay, and returns what the server gets: the text and the relay's address. */
  ask(from: Deno.DatagramConn, text: string): Promise<[string, Deno.NetAddr]>;
}

/** Runs `test` with a relay; closes all that is open, and waits for the relay to end. */
async function withRelay(
  options: Partial<Omit<DatagramOptions, "faults">> & { faults?: string[] },
  test: (setup: Setup) => Promise<void>,
): Promise<void> {
  const server = open();
  const clients: Deno.DatagramConn[] = [];
  const log = testLog();
  let opened = 0;
  const relay = new DatagramRelay({
    host: HERE,
    port: portOf(server),
    idleTimeout: 60_000,
    maxConnections: 100,
    maxPerAddress: 100,
    log: log.log,
    printer: undefined,
    recorder: undefined,
    open(hostname): DatagramEndpoint {
      opened++;
      const socket = open(hostname);
      const { close } = socket;
      socket.close = () => {
        opened--;
        close.call(socket);
      };
      return new DatagramEndpoint(socket, LONGEST);
    },
    ...options,
    faults: options.faults?.map(parseFault) ?? [],
  });
  const entrance = new DatagramEndpoint(open(), LONGEST);
  const running = relay.run(entrance);
  try {
    await test({
      server,
      entrance: entrance.addr,
      log,
      opened: () => opened,
      client(hostname): Deno.DatagramConn {
        const socket = open(hostname);
        clients.push(socket);
        return socket;
      },
      async ask(from, text): Promise<[string, Deno.NetAddr]> {
        await from.send(bytes(text), entrance.addr);
        return await hear(server);
      },
    });
  } finally {
    entrance.close();
    await running;
    await relay.close();
    assertEquals(opened, 0);
    [server, ...clients].forEach((socket) => socket.close());
  }
}

async function hear(socket: Deno.DatagramConn): Promise<[string, Deno.NetAddr]> {
  const [data, peer] = await socket.receive();
  return [new TextDecoder().decode(data), peer as Deno.NetAddr];
}

netTest(
  "datagrams: each client has a socket of its own towards the server, and keeps it",
  async () => {
    await withRelay({}, async ({ server, client, ask, entrance }) => {
      const [alice, bob] = [client(), client()];
      const [hello, fromAlice] = await ask(alice, "hello");
      const [hi, fromBob] = await ask(bob, "hi");
      assertEquals([hello, hi], ["hello", "hi"]);
      assert(fromAlice.port !== fromBob.port);
      assertEquals(await ask(alice, "again"), ["again", fromAlice]);
      await server.send(bytes("to bob"), fromBob);
      await server.send(bytes("to alice"), fromAlice);
      assertEquals(await hear(alice), ["to alice", entrance]);
      assertEquals(await hear(bob), ["to bob", entrance]);
    });
  },
);

netTest(
  "datagrams: a server that answers from another port gets the rest there, as a TFTP server does",
  async () => {
    await withRelay({}, async ({ server, client, ask, entrance }) => {
      const [alice, transfer] = [client(), client()];
      const [, upstream] = await ask(alice, "RRQ");
      await transfer.send(bytes("DATA 1"), upstream);
      const [data, tid] = await hear(alice);
      assertEquals(data, "DATA 1");
      assert(tid.port !== entrance.port);
      await alice.send(bytes("ACK 1"), tid);
      assertEquals(await hear(transfer), ["ACK 1", upstream]);
      await transfer.send(bytes("DATA 2"), upstream);
      assertEquals(await hear(alice), ["DATA 2", tid]);
      // The main port is still there.
      assertEquals(await ask(alice, "RRQ 2"), ["RRQ 2", upstream]);
      await server.send(bytes("ERROR"), upstream);
      assertEquals(await hear(alice), ["ERROR", entrance]);
    });
  },
);

netTest("datagrams: nobody else can speak for the client or for the server", async () => {
  await withRelay({}, async ({ client, ask }) => {
    const [alice, transfer, stranger, elsewhere] = [
      client(),
      client(),
      client(),
      client("127.0.0.2"),
    ];
    const [, upstream] = await ask(alice, "RRQ");
    await elsewhere.send(bytes("forged"), upstream);
    await transfer.send(bytes("DATA 1"), upstream);
    const [data, tid] = await hear(alice);
    assertEquals(data, "DATA 1");
    await stranger.send(bytes("forged"), tid);
    await alice.send(bytes("ACK 1"), tid);
    assertEquals((await hear(transfer))[0], "ACK 1");
  });
});

netTest(
  "datagrams: of many ports that a server answers from, the oldest is forgotten",
  async () => {
    await withRelay({}, async ({ client, ask, opened }) => {
      const alice = client();
      const [, upstream] = await ask(alice, "hello");
      const heard = new Set<number>();
      for (let i = 0; i < MOST_SERVER_PORTS + 5; i++) {
        const socket = client();
        await socket.send(bytes(`${i}`), upstream);
        const [text, { port }] = await hear(alice);
        assertEquals(text, `${i}`);
        heard.add(port);
      }
      // The flow's own, and those that stand for the server's ports.
      assertEquals(opened(), 1 + MOST_SERVER_PORTS);
      assert(heard.size > MOST_SERVER_PORTS);
    });
  },
);

netTest("datagrams: empty ones and the longest pass, both ways", async () => {
  await withRelay({}, async ({ server, client, ask }) => {
    const alice = client();
    for (const text of ["", "x".repeat(LONGEST), ""]) {
      const [got, upstream] = await ask(alice, text);
      assertEquals(got, text);
      await server.send(bytes(text), upstream);
      assertEquals((await hear(alice))[0], text);
    }
  });
});

netTest("datagrams: many clients at once", async () => {
  await withRelay({}, async ({ server, client, entrance }) => {
    const echoing = (async (): Promise<void> => {
      for (let i = 0; i < 400; i++) {
        const [data, peer] = await server.receive();
        await server.send(data, peer);
      }
    })();
    await Promise.all(Array.from({ length: 20 }, async (_, i) => {
      const socket = client();
      for (let round = 0; round < 20; round++) {
        await socket.send(bytes(`${i} ${round}`), entrance);
        assertEquals(await hear(socket), [`${i} ${round}`, entrance]);
      }
    }));
    await echoing;
  });
});

netTest("datagrams: a flow that is silent is forgotten, and its place is free", async () => {
  using time = new FakeTime();
  await withRelay(
    { idleTimeout: 10_000, maxConnections: 1 },
    async ({ client, ask, opened, entrance, log }) => {
      const [alice, bob] = [client(), client()];
      const [, first] = await ask(alice, "hello");
      await time.tick(9000);
      assertEquals(await ask(alice, "still here"), ["still here", first]);
      await time.tick(9000);
      assertEquals(await ask(alice, "still here"), ["still here", first]);
      // There is no room for a second one.
      await bob.send(bytes("refused"), entrance);
      await ask(alice, "after it");
      await log.says(/too many flows/);
      await time.tick(12_000);
      assertEquals(opened(), 0);
      assertEquals((await ask(bob, "now"))[0], "now");
    },
  );
});

netTest("datagrams: what the server sends keeps a flow alive too", async () => {
  using time = new FakeTime();
  await withRelay({ idleTimeout: 10_000 }, async ({ client, server, ask }) => {
    const alice = client();
    const [, upstream] = await ask(alice, "subscribe");
    for (let i = 0; i < 5; i++) {
      await time.tick(9000);
      await server.send(bytes("news"), upstream);
      assertEquals((await hear(alice))[0], "news");
    }
  });
});

netTest("datagrams: one address has no more flows than it may", async () => {
  await withRelay({ maxPerAddress: 1 }, async ({ client, ask, entrance, log }) => {
    const [alice, bob, carol] = [client(), client(), client("127.0.0.2")];
    await ask(alice, "hello");
    await bob.send(bytes("refused"), entrance);
    assertEquals((await ask(carol, "from elsewhere"))[0], "from elsewhere");
    await log.says(new RegExp(`peer=${HERE}:${portOf(bob)} reason="too many flows"`));
  });
});

netTest("datagrams: when no socket can be had the next datagram tries again", async () => {
  let broken = true;
  await withRelay({
    open(hostname): DatagramEndpoint {
      if (broken) throw Object.assign(new Error("no more"), { code: "EMFILE" });
      return new DatagramEndpoint(open(hostname), LONGEST);
    },
    maxConnections: 1,
  }, async ({ client, ask, entrance, log }) => {
    const alice = client();
    await alice.send(bytes("lost"), entrance);
    await log.says(/cannot open a socket reason=EMFILE/);
    broken = false;
    assertEquals((await ask(alice, "hello"))[0], "hello");
  });
});

netTest("datagrams: a server whose name nobody knows is said to have none", async () => {
  await withRelay({ host: "x".repeat(64) }, async ({ client, entrance, log }) => {
    await client().send(bytes("lost"), entrance);
    await log.says(/refused peer=\S+ reason=".*no such host/);
  });
});

netTest("datagrams: faults by number, in their direction", async () => {
  await withRelay({
    faults: ["up:drop@2", "up:duplicate@3", "down:reorder@1", "down:corrupt@3"],
  }, async ({ server, client, entrance }) => {
    const alice = client();
    for (const text of ["1", "2", "3"]) await alice.send(bytes(text), entrance);
    const [one, upstream] = await hear(server);
    assertEquals([one, (await hear(server))[0], (await hear(server))[0]], ["1", "3", "3"]);
    for (const text of ["1", "2", "same length"]) await server.send(bytes(text), upstream);
    assertEquals([(await hear(alice))[0], (await hear(alice))[0]], ["2", "1"]);
    const [data] = await alice.receive();
    const sent = bytes("same length");
    const wrong = [...sent.keys()].filter((i) => sent[i] !== data[i]);
    assertEquals([data.length, wrong.length], [sent.length, 1]);
  });
});

netTest("datagrams: each client has numbers of its own", async () => {
  await withRelay({ faults: ["up:drop@1"] }, async ({ client, ask, entrance }) => {
    for (const socket of [client(), client()]) {
      await socket.send(bytes("lost"), entrance);
      assertEquals((await ask(socket, "second"))[0], "second");
    }
  });
});

netTest("datagrams: a late one is overtaken, and is lost when the relay ends", async () => {
  using time = new FakeTime();
  await withRelay({ faults: ["up:latency=1s@1,4"] }, async ({ server, client, ask, entrance }) => {
    const alice = client();
    await alice.send(bytes("late"), entrance);
    assertEquals((await ask(alice, "first"))[0], "first");
    await time.tick(999);
    assertEquals((await ask(alice, "second"))[0], "second");
    await time.tick(1);
    assertEquals((await hear(server))[0], "late");
    await alice.send(bytes("never"), entrance);
    assertEquals((await ask(alice, "last"))[0], "last");
  });
});
