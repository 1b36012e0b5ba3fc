import { assert, assertEquals, assertRejects } from "@std/assert";
import { DatagramEndpoint } from "../../../tools/net/datagram.ts";
import { RecordedEndpoint, recordedStream, type Side } from "../../../tools/net/recorded.ts";
import { COMFORTABLE_QUEUE, Recorder } from "../../../tools/net/recorder.ts";
import type { ByteStream } from "../../../tools/net/stream.ts";
import { readPacket, readPcapng } from "../../support/pcapng.ts";
import { netTest } from "../../support/permissions.ts";
import { memorySink } from "../../support/sink.ts";
import { bytes, readText, streamPair, type TestStream } from "../../support/stream.ts";
import { afterTurns } from "../../support/turns.ts";

/** What `act` made of a connection whose near end is recorded: `>` goes up to the server. */
async function recording(
  side: Side,
  act: (near: ByteStream, far: TestStream) => Promise<void>,
): Promise<string[]> {
  const recorder = new Recorder({ name: "test", notice: () => {} });
  const file = memorySink();
  recorder.writeTo(file, "x.pcapng");
  const tap = recorder.connection({
    client: { hostname: "10.0.1.11", port: 40000 },
    server: { hostname: "10.0.1.1", port: 21 },
  });
  const [near, far] = streamPair({ most: 5 });
  await act(recordedStream(near, tap, side), far);
  await recorder.close();
  return readPcapng(file.written()).packets.slice(3).map(({ bytes }) => readPacket(bytes))
    .filter(({ flags, payload }) => flags !== "A" || payload.length > 0)
    .map(({ ports, flags, payload }) =>
      `${ports[1] === 21 ? ">" : "<"} ${flags} ${new TextDecoder().decode(payload)}`.trim()
    );
}

Deno.test("recordedStream: what is read and written, as the server's and as the client's connection", async () => {
  const talk = async (near: ByteStream, far: TestStream): Promise<void> => {
    await far.write(bytes("ask"));
    const buffer = new Uint8Array(10);
    assertEquals([await near.read(buffer), buffer[0]], [3, 97]);
    assertEquals(await near.write(bytes("answers")), 5);
    await far.closeWrite();
    assertEquals(await near.read(buffer), null);
    assertEquals(await near.write(bytes("rs")), 2);
    await near.closeWrite();
    near.close();
    assertEquals(await readText(far), "answers");
  };
  const server = ["> PA ask", "< PA answe", "> FA", "< PA rs", "< FA"];
  assertEquals(await recording("server", talk), server);
  const swapped = server.map((line) => (line.startsWith(">") ? "<" : ">") + line.slice(1));
  assertEquals(await recording("client", talk), swapped);
});

Deno.test("recordedStream: a reset by the peer, and our own close", async () => {
  const reset = await recording("server", async (near, far) => {
    far.reset();
    await assertRejects(() => near.read(new Uint8Array(1)), Deno.errors.ConnectionReset);
    near.close();
  });
  assertEquals(reset, ["> RA"]);
  const closed = await recording("server", async (near) => {
    await near.write(bytes("bye"));
    near.close();
    await assertRejects(() => near.read(new Uint8Array(1)), Deno.errors.Interrupted);
  });
  assertEquals(closed, ["< PA bye", "< FA", "> FA"]);
});

Deno.test("recordedStream: reading waits while the disk is behind", async () => {
  const recorder = new Recorder({ name: "test", notice: () => {} });
  const file = memorySink({ held: true });
  recorder.writeTo(file, "x.pcapng");
  const end = { hostname: "127.0.0.1", port: 1 };
  const [near, far] = streamPair();
  const stream = recordedStream(near, recorder.connection({ client: end, server: end }), "client");
  await stream.write(new Uint8Array(COMFORTABLE_QUEUE));
  await far.write(bytes("x"));
  let done = false;
  const reading = stream.read(new Uint8Array(1)).then(() => done = true);
  while (file.written().length < COMFORTABLE_QUEUE) {
    assert(!done);
    file.release();
    await afterTurns(20, () => {});
  }
  await reading;
  file.close();
  await recorder.close();
});

netTest("RecordedEndpoint: datagrams, at the server and at the client", async () => {
  const recorder = new Recorder({ name: "test", notice: () => {} });
  const file = memorySink();
  recorder.writeTo(file, "x.pcapng");
  const open = (hostname: string): Deno.DatagramConn =>
    Deno.listenDatagram({ transport: "udp", hostname, port: 0 });
  const server = new RecordedEndpoint(open("127.0.0.1"), 100, recorder, "server");
  const client = new RecordedEndpoint(open("127.0.0.1"), 100, recorder, "client");
  const silent = new DatagramEndpoint(open("127.0.0.1"), 100);
  await client.send(bytes("ask"), server.addr);
  const asked = await server.receive();
  await silent.send(bytes("me too"), server.addr);
  await server.receive();
  if (asked) await server.send(bytes("answer"), asked.peer);
  await client.receive();
  const ports = [client, server, silent].map(({ addr }) => addr.port);
  for (const endpoint of [client, server, silent]) endpoint.close();
  assertEquals(await server.receive(), null);
  await recorder.close();
  const lines = readPcapng(file.written()).packets.map(({ bytes }) => readPacket(bytes)).map((
    { source, ports: [from, to], payload },
  ) => [source, ports.indexOf(from), ports.indexOf(to), new TextDecoder().decode(payload)]);
  const home = "7f000001";
  assertEquals(lines, [
    [home, 0, 1, "ask"],
    [home, 0, 1, "ask"],
    [home, 2, 1, "me too"],
    [home, 1, 0, "answer"],
    [home, 1, 0, "answer"],
  ]);
});
