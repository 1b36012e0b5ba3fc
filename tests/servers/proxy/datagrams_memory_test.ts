/** The relay of datagrams where no socket of the system could show it. */
import { assertEquals } from "@std/assert";
import {
  type DatagramOptions,
  DatagramRelay,
  MOST_DELAYED,
} from "../../../servers/proxy/datagrams.ts";
import { DatagramEndpoint } from "../../../tools/net/datagram.ts";
import { parseFault } from "../../../tools/protocol/fault.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { bytes } from "../../support/stream.ts";
import { testLog } from "./test_log.ts";

const HERE = "127.0.0.1";
const LONGEST = 65_507;

/** A socket that gives what `list` holds, and then is closed; only root could send some of it. */
function socketOf(addr: Deno.NetAddr, list: [Uint8Array, Deno.NetAddr][]): Deno.DatagramConn {
  const receive = (): Promise<[Uint8Array, Deno.Addr]> => {
    const next = list.shift();
    return next ? Promise.resolve(next) : Promise.reject(new Deno.errors.BadResource());
  };
  return { addr, receive, close: () => {} } as unknown as Deno.DatagramConn;
}

const OWN: Deno.NetAddr = { transport: "udp", hostname: HERE, port: 6969 };

/** A relay that runs on no socket of the system. */
function relayInMemory(options: Partial<DatagramOptions>): DatagramRelay {
  return new DatagramRelay({
    host: HERE,
    port: 69,
    idleTimeout: 60_000,
    maxConnections: 100,
    maxPerAddress: 100,
    faults: [],
    log: testLog().log,
    printer: undefined,
    recorder: undefined,
    open: () => {
      throw new Error("there is no flow");
    },
    ...options,
  });
}

Deno.test("datagrams: nothing is answered that comes from a small service, or from the relay itself", async () => {
  const { log, text } = testLog();
  const relay = relayInMemory({ log });
  const forged = [7, 19, OWN.port].map((port) =>
    [bytes("loop"), { ...OWN, port }] as [Uint8Array, Deno.NetAddr]
  );
  await relay.run(new DatagramEndpoint(socketOf(OWN, forged), LONGEST));
  await relay.close();
  await log.flush();
  assertEquals(text().match(/reason="[^"]*"/g), [
    'reason="from the port of a small service"',
    'reason="from the port of a small service"',
    'reason="from our own port"',
  ]);
});

Deno.test("datagrams: what waits is bounded, and the rest is lost", async () => {
  using time = new FakeTime();
  const room = Math.floor(MOST_DELAYED / LONGEST);
  let sent = 0;
  const closed = Promise.withResolvers<never>();
  const upstream = {
    addr: OWN,
    receive: () => closed.promise,
    send: () => Promise.resolve(++sent),
    close: () => closed.reject(new Deno.errors.BadResource()),
  } as unknown as Deno.DatagramConn;
  const relay = relayInMemory({
    faults: [parseFault("latency=1s")],
    open: () => new DatagramEndpoint(upstream, LONGEST),
  });
  const many = Array.from(
    { length: room + 10 },
    () => [new Uint8Array(LONGEST), { ...OWN, port: 40_000 }] as [Uint8Array, Deno.NetAddr],
  );
  await relay.run(new DatagramEndpoint(socketOf(OWN, many), LONGEST));
  await time.tick(1000);
  assertEquals(sent, room);
  await relay.close();
});
