/** Both ends of TFTP on a line that harms one datagram: client, proxy and server over real sockets. */
import { assert, assertEquals } from "@std/assert";
import { DatagramEndpoint } from "../../../tools/net/datagram.ts";
import { parseFault } from "../../../tools/protocol/fault.ts";
import { testWith } from "../../support/permissions.ts";
import { BLOCKS, connectTo, DATA } from "../../support/tftp_client.ts";
import { BytesSink, bytesSource } from "../../support/tftp_line.ts";
import { type Running, withTftpd } from "../../support/tftp_server.ts";
import { withProxy } from "../proxy/running.ts";

/** How a file is moved. */
interface Case {
  way: "get" | "put";
  windowsize: number;
  fault: string;
}

/** A socket that counts what it sends. */
class CountedEndpoint extends DatagramEndpoint {
  sent = 0;

  override async send(data: Uint8Array, peer: Deno.NetAddr): Promise<boolean> {
    this.sent++;
    return await super.send(data, peer);
  }
}

/**
 * Moves the file through a proxy that does harm; it must arrive whole. The client
 * stays until `over` for what the server may ask again.
 * Returns how many packets the client sent.
 */
async function move(
  { port, folder }: Running,
  { way, windowsize, fault }: Case,
  over: Promise<unknown>,
): Promise<number> {
  const faults = [parseFault(fault)];
  let sent = 0;
  await withProxy(port, { udp: true, faults, idleTimeout: 120_000 }, async (proxy) => {
    let endpoint: CountedEndpoint | undefined;
    const client = await connectTo(
      proxy.port,
      windowsize,
      (socket, longest) => endpoint = new CountedEndpoint(socket, longest),
    );
    try {
      if (way === "get") {
        const sink = new BytesSink();
        await client.get("file", sink);
        assertEquals(sink.data, DATA, fault);
      } else {
        const name = `new ${windowsize} ${fault}`;
        await client.put(name, bytesSource(DATA), DATA.length);
        assertEquals(await Deno.readFile(`${folder}/${name}`), DATA, fault);
      }
      await over;
    } finally {
      await client.close();
    }
    sent = endpoint?.sent ?? 0;
  });
  return sent;
}

/** A request and its answer, the blocks, and their acknowledgements: none is left out. */
const PACKETS = BLOCKS + 3;

for (const way of ["get", "put"] as const) {
  for (const windowsize of [1, 4]) {
    testWith(
      ["net", "sys", "read", "write"],
      `${way} in windows of ${windowsize}: each datagram lost, twice, overtaken and late in turn`,
      async () => {
        await withTftpd({ writing: "new" }, { file: DATA }, async (running) => {
          const cases = ["drop@", "duplicate@", "reorder@", "latency=1500ms@"].flatMap((kind) =>
            ["up", "down"].flatMap((direction) =>
              Array.from(
                { length: PACKETS },
                (_, i) => ({ way, windowsize, fault: `${direction}:${kind}${i + 1}` }),
              )
            )
          );
          // All at once, since each of them has to wait for something.
          const over = running.log.saysTimes(way === "get" ? " sent " : " received ", cases.length);
          const sent = await Promise.all(cases.map((each) => move(running, each, over)));
          // One packet calls for one window at most, twice where order was lost; never for all that follows.
          assert(sent.every((packets) => packets <= PACKETS + 3 * windowsize), `${sent}`);
        });
      },
    );
  }
}
