import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  COMFORTABLE_QUEUE,
  type Ends,
  FILE_QUEUE,
  Recorder,
  VIEWER_GRACE,
  VIEWER_QUEUE,
} from "../../../tools/net/recorder.ts";
import { VERSION } from "../../../tools/program/version.ts";
import { ipBytes } from "../../../tools/protocol/ip_address.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { type ReadPacket, readPacket, readPcapng } from "../../support/pcapng.ts";
import { processTestUnless } from "../../support/permissions.ts";
import { memorySink } from "../../support/sink.ts";
import { bytes, readAll, streamPair } from "../../support/stream.ts";
import { afterTurns } from "../../support/turns.ts";

const ENDS: Ends = {
  client: { hostname: "::ffff:10.0.1.11", port: 40000 },
  server: { hostname: "10.0.1.1", port: 7777 },
};

function recorder(now = (): number => 0): Recorder & { notices: string[] } {
  const notices: string[] = [];
  const made = new Recorder({ name: "proxyd", notice: (notice) => notices.push(notice), now });
  return Object.assign(made, { notices });
}

/** The packets of a recording in short, such as `40000>7777 PA hello`. */
function summary(file: Uint8Array): string[] {
  return readPcapng(file).packets.map(({ bytes, comment }) => {
    const { protocol, ports, flags, payload } = readPacket(bytes);
    const text = new TextDecoder().decode(payload);
    return [
      ports.join(">"),
      protocol === "udp" ? "udp" : flags,
      ...text ? [text] : [],
      ...comment ? [`(${comment})`] : [],
    ].join(" ");
  });
}

function packets(file: Uint8Array): ReadPacket[] {
  return readPcapng(file).packets.map(({ bytes }) => readPacket(bytes));
}

Deno.test("recorder: a connection, with its ends, times, directions and comment", async () => {
  let time = 1_700_000_000_000_000;
  const ours = recorder(() => time++);
  const file = memorySink();
  ours.writeTo(file, "x.pcapng");
  const tap = ours.connection({ ...ENDS, comment: "through [::]:8000" });
  tap.data("up", bytes("hello"));
  tap.data("down", bytes("hi"));
  tap.end("down");
  tap.reset("up");
  await ours.close();
  assert(file.closed);

  assertEquals(
    summary(file.written()),
    [
      "40000>7777 S (through [::]:8000)",
      "7777>40000 SA",
      "40000>7777 A",
      "40000>7777 PA hello",
      "7777>40000 PA hi",
      "7777>40000 FA",
      "40000>7777 A",
      "40000>7777 RA",
    ].map((line) => line.replace("PA", "PA").trim()),
  );
  const { application, name, packets } = readPcapng(file.written());
  assertEquals([application, name], [`labsock proxyd ${VERSION}`, "proxyd"]);
  assertEquals(packets.map(({ flags }) => flags), [1, 2, 1, 1, 2, 2, 1, 1]);
  // One reading of the clock was for the sequence numbers.
  assertEquals(packets.map(({ time }) => time - 1_700_000_000_000_000), [1, 2, 3, 4, 5, 6, 7, 8]);
  const [syn] = packets.map(({ bytes }) => readPacket(bytes));
  assertEquals([syn?.source, syn?.destination], ["0a00010b", "0a000101"]);
  assertEquals(syn?.sequence, 1_700_000_000_000_000 / 4 % 2 ** 32);
});

Deno.test("recorder: datagrams, and ends of two families", async () => {
  const ours = recorder();
  const file = memorySink();
  ours.writeTo(file, "x.pcapng");
  const ends = { client: { hostname: "2001:db8::1", port: 5000 }, server: ENDS.server };
  ours.datagram("up", ends, bytes("ask"));
  ours.datagram("down", { ...ends, comment: "a copy" }, bytes(""));
  ours.datagram("down", ENDS, new Uint8Array(65507));
  ours.connection(ends).reset("down");
  await ours.close();
  assertEquals(summary(file.written()).toSpliced(2, 1), [
    "5000>7777 udp ask",
    "7777>5000 udp (a copy)",
    "5000>7777 S",
    "7777>5000 SA",
    "5000>7777 A",
    "7777>5000 RA",
  ]);
  const [first, , large] = packets(file.written());
  assertEquals(first?.source, ipBytes("2001:db8::1").toHex());
  assertEquals(first?.destination, ipBytes("::ffff:10.0.1.1").toHex());
  assertEquals([large?.source, large?.payload.length], ["0a000101", 65507]);

  const unnamed = { ...ENDS, server: { hostname: "server", port: 1 } };
  assertThrows(() => ours.connection(unnamed), RangeError, "not an IP address: server");
});

Deno.test("recorder: a recording that begins later is told of what is under way, and only of that", async () => {
  const ours = recorder();
  const early = memorySink();
  ours.writeTo(early, "early");
  const over = ours.connection({ ...ENDS, comment: "over" });
  const open = ours.connection(ENDS);
  const half = ours.connection({ ...ENDS, comment: "half" });
  open.data("up", bytes("before"));
  over.end("up");
  over.end("down");
  half.end("up");
  const late = memorySink();
  ours.writeTo(late, "late");
  open.data("down", bytes("after"));
  half.end("down");
  open.reset("up");
  const last = memorySink();
  ours.writeTo(last, "last");
  await ours.close();

  assertEquals(summary(late.written()), [
    "40000>7777 S (under way already)",
    "7777>40000 SA",
    "40000>7777 A",
    "40000>7777 S (half; under way already)",
    "7777>40000 SA",
    "40000>7777 A",
    "40000>7777 FA",
    "7777>40000 A",
    "7777>40000 PA after",
    "7777>40000 FA",
    "40000>7777 A",
    "40000>7777 RA",
  ]);
  assertEquals(summary(last.written()), []);
  // The numbers go on in both recordings alike.
  assertEquals(packets(early.written()).slice(-4), packets(late.written()).slice(-4));
});

Deno.test("recorder: sequence numbers wrap", async () => {
  const ours = recorder(() => 4 * (2 ** 32 - 3));
  const file = memorySink();
  ours.writeTo(file, "x.pcapng");
  const tap = ours.connection(ENDS);
  tap.data("up", bytes("hello"));
  tap.data("down", bytes("hi"));
  await ours.close();
  const numbers = packets(file.written()).map(({ sequence, acknowledgment }) =>
    [sequence, acknowledgment].map((number) => number | 0)
  );
  assertEquals(numbers, [[-3, 0], [-3, -2], [-2, -2], [-2, -2], [-2, 3]]);
});

Deno.test("recorder: ready waits for a slow file, and never for a slow viewer", async () => {
  const ours = recorder();
  const [viewer, end] = [memorySink({ held: true }), Promise.withResolvers<null>()];
  const streamed = ours.streamTo({
    ...streamPair()[0],
    write: (data) => viewer.write(data),
    read: () => end.promise,
    close: () => viewer.close(),
  }, "10.0.1.12:50000");
  const tap = ours.connection(ENDS);
  const half = new Uint8Array(COMFORTABLE_QUEUE / 2);
  tap.data("up", half);
  tap.data("up", half);
  await tap.ready();
  assertEquals(ours.notices, ["10.0.1.12:50000: the viewer is too slow, packets are missing"]);

  const file = memorySink({ held: true });
  ours.writeTo(file, "x.pcapng");
  tap.data("up", half);
  await tap.ready();
  tap.data("up", half);
  let ready = false;
  const waiting = ours.ready().then(() => ready = true);
  while (!ready) {
    file.release();
    await afterTurns(20, () => {});
    if (file.written().length < COMFORTABLE_QUEUE) assert(!ready);
  }
  await waiting;
  viewer.close();
  end.resolve(null);
  await streamed;
  await ours.close();
  assert(VIEWER_QUEUE <= COMFORTABLE_QUEUE);
  const recorded = packets(file.written()).reduce((sum, { payload }) => sum + payload.length, 0);
  assertEquals(recorded, COMFORTABLE_QUEUE);
  assertEquals(ours.notices.length, 1);
});

Deno.test("recorder: who does not wait loses packets beyond the longest queue, and hears of it once", async () => {
  const ours = recorder();
  const file = memorySink({ held: true });
  ours.writeTo(file, "x.pcapng");
  const datagram = new Uint8Array(65507);
  for (let i = 0; i <= FILE_QUEUE / datagram.length + 2; i++) ours.datagram("up", ENDS, datagram);
  assertEquals(ours.notices, ["x.pcapng: the disk is too slow, packets are missing"]);
  const closed = ours.close();
  while (!file.closed) {
    file.release();
    await afterTurns(20, () => {});
  }
  await closed;
  const kept = readPcapng(file.written()).packets.length;
  assert(Math.abs(kept - FILE_QUEUE / datagram.length) < 2, `${kept}`);
  assertEquals(ours.notices.length, 1);
});

const noFullDisk = Deno.build.os === "linux" ? undefined : "there is no /dev/full here";

processTestUnless(
  noFullDisk,
  "recorder: a full disk ends the recording with one notice",
  async () => {
    const ours = recorder();
    const other = memorySink();
    ours.writeTo(await Deno.open("/dev/full", { write: true }), "x.pcapng");
    ours.writeTo(other, "other");
    const tap = ours.connection(ENDS);
    for (let i = 0; i < 20; i++) {
      tap.data("up", new Uint8Array(1 << 20));
      await tap.ready();
    }
    await ours.close();
    assertEquals(ours.notices, ["x.pcapng: no space left on the disk (nothing more is recorded)"]);
    const rest = packets(other.written()).reduce((sum, { payload }) => sum + payload.length, 0);
    assertEquals(rest, 20 << 20);
  },
);

Deno.test("recorder: a viewer gets all from its connecting to the recorder's close; its half-close changes nothing", async () => {
  const ours = recorder();
  const tap = ours.connection(ENDS);
  const [far, near] = streamPair();
  const streamed = ours.streamTo(near, "viewer");
  await far.write(bytes("ignored"));
  await far.closeWrite();
  const file = readAll(far);
  tap.data("up", bytes("hello"));
  await ours.close();
  await streamed;
  assertEquals(summary(await file), [
    "40000>7777 S (under way already)",
    "7777>40000 SA",
    "40000>7777 A",
    "40000>7777 PA hello",
  ]);
});

Deno.test("recorder: a viewer that goes is forgotten, whether it resets or takes no more", async () => {
  let packets = 0;
  const ours = recorder(() => packets++);
  const [far, near] = streamPair();
  const streamed = ours.streamTo(near, "viewer");
  await afterTurns(20, () => far.reset()); // By then nothing is left to write.
  await streamed;

  const [, left] = streamPair();
  const leaving = ours.streamTo({
    ...left,
    write: () => Promise.reject(new Deno.errors.BrokenPipe()),
  }, "viewer");
  await leaving;

  packets = 0;
  ours.datagram("up", ENDS, bytes("hello"));
  assertEquals(packets, 0, "a packet was made for nobody");
  await ours.close();
  assertEquals(ours.notices, []);
});

Deno.test("recorder: at the end a viewer that does not read is given up after its grace period", async () => {
  using time = new FakeTime();
  const ours = recorder();
  const sink = memorySink({ held: true });
  const reading = Promise.withResolvers<null>();
  const streamed = ours.streamTo({
    write: (data) => sink.write(data),
    read: () => reading.promise,
    closeWrite: () => Promise.resolve(),
    close(): void {
      sink.close();
      reading.resolve(null);
    },
  }, "viewer");
  const closed = ours.close();
  await time.tick(VIEWER_GRACE - 1);
  assert(!sink.closed);
  await time.tick(1);
  await Promise.all([closed, streamed]);
  assert(sink.closed);
});

Deno.test("recorder: who closes it a second time waits as well; nothing is recorded from then on", async () => {
  const ours = recorder();
  const file = memorySink({ held: true });
  ours.writeTo(file, "x.pcapng");
  const tap = ours.connection(ENDS);
  const first = ours.close();
  let closed = false;
  const second = ours.close().then(() => closed = true);
  tap.data("up", bytes("late"));
  await ours.streamTo(streamPair()[0], "too late");
  while (!file.closed) {
    assert(!closed);
    file.release();
    await afterTurns(20, () => {});
  }
  await Promise.all([first, second]);
  assertEquals(summary(file.written()).length, 3);
});

Deno.test("recorder: the times follow the date of the machine", async () => {
  const ours = new Recorder({ name: "proxyd", notice: () => {} });
  using time = new FakeTime(1_800_000_000_000); // As if somebody had set it.
  const file = memorySink();
  ours.writeTo(file, "x.pcapng");
  ours.datagram("up", ENDS, bytes("1"));
  await time.tick(5);
  ours.datagram("up", ENDS, bytes("2"));
  await ours.close();
  const times = readPcapng(file.written()).packets.map(({ time }) => time);
  assertEquals(times, [1_800_000_000_000_000, 1_800_000_000_005_000]);
});
