/** What a proxy is started with: recordings, datagrams, and what keeps it from starting. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { start } from "../../../servers/proxy.ts";
import { Printer } from "../../../servers/proxy/printer.ts";
import { Recorder } from "../../../tools/net/recorder.ts";
import { EXIT, Failure } from "../../../tools/program/failure.ts";
import { concat } from "../../../tools/protocol/bytes.ts";
import { type ReadPacket, readPacket, readPcapng } from "../../support/pcapng.ts";
import { netTest } from "../../support/permissions.ts";
import { memorySink } from "../../support/sink.ts";
import { bytes, readAll, readText } from "../../support/stream.ts";
import { proxyOptions, withProxy } from "./running.ts";
import { testLog } from "./test_log.ts";

const HERE = "127.0.0.1";

function listen(): Deno.TcpListener {
  return Deno.listen({ hostname: HERE, port: 0 });
}

function recorder(): Recorder {
  return new Recorder({ name: "proxy", notice: (notice) => assert(false, notice) });
}

/** The packets of a recording: their flags, and what they carry. */
function packetsOf(file: Uint8Array): ReadPacket[] {
  return readPcapng(file).packets.map((packet) => readPacket(packet.bytes));
}

function payload(packets: ReadPacket[], port: number): string {
  const sent = packets.filter(({ ports }) => ports[0] === port).map(({ payload }) => payload);
  return new TextDecoder().decode(concat(sent));
}

netTest(
  "proxy: a recording has the client's address, the server's port, and every byte",
  async () => {
    using server = listen();
    const sink = memorySink();
    const recording = recorder();
    recording.writeTo(sink, "file");
    await withProxy(server.addr.port, { recorder: recording }, async ({ connect, says }) => {
      const client = await connect();
      await client.write(bytes("question"));
      await client.closeWrite();
      using conn = await server.accept();
      assertEquals(await readText(conn), "question");
      await conn.write(bytes("answer"));
      await conn.closeWrite();
      assertEquals(await readText(client), "answer");
      await says(/closed number=1/);
      await recording.close();
      const packets = packetsOf(sink.written());
      const { port } = client.localAddr;
      assertEquals(packets[0]?.ports, [port, server.addr.port]);
      assertEquals(payload(packets, port), "question");
      assertEquals(payload(packets, server.addr.port), "answer");
      // Each half ends once, and nothing is reset.
      const count = (flag: string): number =>
        packets.filter(({ flags }) => flags.includes(flag)).length;
      assertEquals([count("F"), count("R")], [2, 0]);
    });
  },
);

netTest(
  "proxy: the recording is served live, and said to be; it is no address of the proxy",
  async () => {
    using server = listen();
    const recording = recorder();
    const options = { recorder: recording, pcapPort: 0 };
    await withProxy(server.addr.port, options, async ({ proxy, port, connect, says, text }) => {
      assertEquals(proxy.addrs.map(({ port }) => port), [port]);
      await says(/proxy: live recording: wireshark -k -i TCP@127\.0\.0\.1:\d+\n/);
      const [, viewing] = /TCP@127\.0\.0\.1:(\d+)/.exec(text()) ?? [];
      const viewer = await Deno.connect({ hostname: HERE, port: Number(viewing) });
      // It has begun once the header has come.
      const head = new Uint8Array(28);
      await viewer.read(head);
      const client = await connect();
      using conn = await server.accept();
      await client.write(bytes("hello"));
      const buffer = new Uint8Array(10);
      await conn.read(buffer);
      client.close();
      await says(/closed|connected/);
      const rest = readAll(viewer);
      conn.close();
      await proxy.shutdown();
      const packets = packetsOf(concat([head, await rest]));
      viewer.close();
      assertEquals(payload(packets, client.localAddr.port), "hello");
    });
  },
);

netTest(
  "proxy: a reply to a datagram leaves from the address that was asked",
  async () => {
    const server = Deno.listenDatagram({ transport: "udp", hostname: HERE, port: 0 });
    const clients = [HERE, HERE].map((hostname) =>
      Deno.listenDatagram({ transport: "udp", hostname, port: 0 })
    );
    const shown = memorySink();
    const printer = new Printer("text", (data) => shown.write(data));
    const { port: serverPort } = server.addr as Deno.NetAddr;
    const listening = [{ hosts: [HERE, "127.0.0.2"], port: 0 }, { hosts: [], port: 0 }];
    const sinks = listening.map(() => memorySink());
    for (const [i, listen] of listening.entries()) {
      const recording = recorder();
      recording.writeTo(sinks[i] ?? memorySink(), "file");
      const options = { listen, udp: true, printer, recorder: recording };
      await withProxy(serverPort, options, async ({ proxy, port }) => {
        for (const hostname of i === 0 ? listen.hosts : [HERE]) {
          assert(proxy.addrs.some((addr) => addr.hostname === hostname));
          const client = clients[i] ?? server;
          await client.send(bytes(`to ${hostname}`), { transport: "udp", hostname, port });
          const [data, upstream] = await server.receive();
          assertEquals(new TextDecoder().decode(data), `to ${hostname}`);
          await server.send(bytes("back"), upstream);
          const [, from] = await client.receive();
          assertEquals(from, { transport: "udp", hostname, port });
        }
      });
    }
    const packets = sinks.flatMap((sink) => packetsOf(sink.written()));
    const ports = clients.map(({ addr }) => (addr as Deno.NetAddr).port);
    assertEquals(packets.map(({ protocol, ports }) => `${protocol} ${ports}`), [
      `udp ${ports[0]},${serverPort}`,
      `udp ${serverPort},${ports[0]}`,
      `udp ${ports[0]},${serverPort}`,
      `udp ${serverPort},${ports[0]}`,
      `udp ${ports[1]},${serverPort}`,
      `udp ${serverPort},${ports[1]}`,
    ]);
    await printer.flush();
    const lines = new TextDecoder().decode(shown.written()).trimEnd().split("\n");
    assertEquals(lines.map((line) => line.split(" ").slice(1).join(" ")), [
      `#1 > ${HERE}:${ports[0]} to ${HERE}`,
      `#1 < ${HERE}:${ports[0]} back`,
      `#2 > ${HERE}:${ports[0]} to 127.0.0.2`,
      `#2 < ${HERE}:${ports[0]} back`,
      `#1 > ${HERE}:${ports[1]} to ${HERE}`,
      `#1 < ${HERE}:${ports[1]} back`,
    ]);
    [server, ...clients].forEach((socket) => socket.close());
  },
);

netTest("proxy: where a port is taken it does not start, and leaves nothing open", () => {
  using taken = listen();
  const { port } = taken.addr;
  const { log } = testLog();
  const table = [
    { listen: { hosts: [HERE], port } },
    { listen: { hosts: [HERE], port }, pcapPort: 0, recorder: recorder() },
    { pcapPort: port, recorder: recorder() },
  ];
  for (const options of table) {
    const failure = assertThrows(() => start(proxyOptions(1, { log, ...options })), Failure);
    assertEquals(failure.exitCode, EXIT.unreachable);
    assert(failure.message.includes("address in use"), failure.message);
  }
});
