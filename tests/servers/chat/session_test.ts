import { assert, assertEquals, assertRejects } from "@std/assert";
import { NamedRoom } from "../../../servers/chat/named_room.ts";
import { RawRoom } from "../../../servers/chat/raw_room.ts";
import type { Person } from "../../../servers/chat/room.ts";
import { serveSession } from "../../../servers/chat/session.ts";
import type { ByteStream } from "../../../tools/net/stream.ts";
import { LONGEST_LINE } from "../../../tools/protocol/chat.ts";
import { testLog, TestOutlet } from "../../support/chat.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { bytes, streamPair, type TestStream } from "../../support/stream.ts";

const PEER = { hostname: "192.0.2.1", port: 1000 };
const MINUTE = 60_000;

/** A session in a room where somebody listens, with a clock that stands. */
class Tester implements Disposable {
  readonly time = new FakeTime();
  readonly room: NamedRoom | RawRoom;
  readonly listener = new TestOutlet();
  readonly listening: Person;
  ended = false;

  constructor(readonly raw = false) {
    const options = { motd: [], history: 0, log: testLog().log };
    const now = (): number => Date.now();
    this.room = raw ? new RawRoom(options) : new NamedRoom({ ...options, now });
    this.listening = this.room.enter(this.listener, PEER);
  }

  serve(conn: ByteStream): Promise<void> {
    return serveSession(conn, PEER, this.room, {
      rate: 10,
      idleTimeout: MINUTE,
      telnet: !this.raw,
      now: () => Date.now(),
    }).finally(() => this.ended = true);
  }

  /** Serves one end of a pair and returns the other, which is called guest2. */
  async connect(most = Infinity): Promise<[TestStream, Promise<void>]> {
    const [ours, theirs] = streamPair({ most });
    const session = this.serve(theirs);
    await this.heard();
    return [ours, session];
  }

  /** What the listener has heard since this was asked last, lines without their ends. */
  async heard(): Promise<string[]> {
    await this.time.tick(0);
    return this.listener.writes.splice(0).join("").split("\r\n").slice(0, -1);
  }

  [Symbol.dispose](): void {
    this.time[Symbol.dispose]();
  }
}

/** All that `stream` gives before it must wait, or until its end. */
async function received(stream: ByteStream, tester: Tester): Promise<string> {
  let text = "";
  let open = true;
  const buffer = new Uint8Array(65536);
  const reading = (async (): Promise<void> => {
    while (open) {
      const length = await stream.read(buffer);
      if (length === null) return void (text += "[end]");
      text += new TextDecoder().decode(buffer.subarray(0, length));
    }
  })();
  await tester.time.tick(0);
  open = false;
  void reading.catch(() => {});
  return text;
}

Deno.test("session: lines are put together from pieces, with LF or CRLF, and text stays whole", async () => {
  for (const most of [1, 2, 7, Infinity]) {
    using tester = new Tester();
    const [client, session] = await tester.connect(most);
    const text = bytes("déjà\nvu\r\n你好\nlast line, without an end");
    for (let at = 0; at < text.length; at += most) {
      await client.write(text.subarray(at, at + Math.min(most, text.length)));
    }
    await client.closeWrite();
    assertEquals(await tester.heard(), [
      ...["déjà", "vu", "你好", "last line, without an end"].map((line) => `<guest2> ${line}`),
      "* guest2 left",
    ]);
    await session;
  }
});

Deno.test("session: what a Telnet client says to its like is taken out, but not for a raw room", async () => {
  const said = Uint8Array.of(255, 251, 10, 0x68, 255, 241, 0x69, 0x0d, 0x0a);
  const rows: [raw: boolean, heard: string[]][] = [
    [false, ["<guest2> hi"]],
    [true, ["\ufffd\ufffd", "h\ufffd\ufffdi"]],
  ];
  for (const [raw, heard] of rows) {
    using tester = new Tester(raw);
    const [client] = await tester.connect();
    await client.write(said);
    assertEquals(await tester.heard(), heard);
    client.close();
    await tester.heard();
  }
});

Deno.test("session: a client that says no more still gets what waits for it, and then the end", async () => {
  using tester = new Tester();
  const [client, session] = await tester.connect();
  await client.write(bytes("/who\n"));
  await client.closeWrite();
  await session;
  assertEquals(
    await received(client, tester),
    "* you are guest2, one of 2 here; /help lists the commands\r\n" +
      "* 2 here: guest1, guest2\r\n[end]",
  );
});

Deno.test("session: after /quit nothing is heard, and the client is given time to close", async () => {
  using tester = new Tester();
  const [client, session] = await tester.connect();
  await client.write(bytes("/quit\nand one more thing\n"));
  assertEquals(await tester.heard(), ["* guest2 left"]);
  assert((await received(client, tester)).endsWith("* good-bye\r\n[end]"));
  await client.write(bytes("more\n"));
  await tester.time.tick(999);
  assertEquals([await tester.heard(), tester.ended], [[], false]);
  await tester.time.tick(1);
  await session;
});

Deno.test("session: after /quit all input is taken at once, so that nothing is unread at the end", async () => {
  using tester = new Tester();
  const [client, session] = await tester.connect();
  await client.write(bytes("/quit\n"));
  assertEquals(await tester.heard(), ["* guest2 left"]);
  for (let i = 0; i < 100; i++) await client.write(bytes("more\n"));
  await client.write(bytes("no end"));
  await client.closeWrite();
  assertEquals([await tester.heard(), tester.ended], [[], true]);
  await session;
});

Deno.test("session: who says too much at once is slowed down, and nothing is lost", async () => {
  using tester = new Tester();
  const [client, session] = await tester.connect();
  const lines = Array.from({ length: 80 }, (_, i) => `line ${i}`);
  await client.write(bytes(`${lines.join("\n")}\n`));
  await client.closeWrite();
  const heard = await tester.heard();
  assertEquals(heard.length, 50);
  await tester.time.tick(99);
  assertEquals(await tester.heard(), []);
  await tester.time.tick(1);
  heard.push(...await tester.heard());
  assertEquals(heard.length, 51);
  await tester.time.tick(1000);
  heard.push(...await tester.heard());
  assertEquals(heard.length, 61);
  await tester.time.tick(2000);
  heard.push(...await tester.heard());
  assertEquals(heard, [...lines.map((line) => `<guest2> ${line}`), "* guest2 left"]);
  await session;
});

/** A client that sends as much of `piece`, again and again, as it is let to; `reads` are the sizes it was asked for. */
function pouring(piece: Uint8Array): ByteStream & { reads: number[] } {
  let closed = false;
  return {
    reads: [],
    async read(buffer): Promise<number | null> {
      await Promise.resolve();
      if (closed) return null;
      this.reads.push(buffer.length);
      const length = Math.min(buffer.length, piece.length);
      buffer.set(piece.subarray(0, length));
      return length;
    },
    write: (data) => Promise.resolve(data.length),
    closeWrite: () => Promise.resolve(),
    close: () => void (closed = true),
  };
}

Deno.test("session: a line that never ends is slowed down as well, and cut", async () => {
  using tester = new Tester();
  const stream = pouring(new Uint8Array(100_000).fill(97));
  await tester.heard();
  const session = tester.serve(stream);
  await tester.time.tick(10_000);
  // The burst, and ten a second.
  assert(stream.reads.length <= 160, `${stream.reads.length} reads`);
  stream.close();
  await tester.time.tick(1000);
  assertEquals(await tester.heard(), [
    "* guest2 joined",
    `<guest2> ${"a".repeat(LONGEST_LINE)}`,
    "* guest2 left",
  ]);
  await session;
});

Deno.test("session: reads are small for who types, large for who pours, and small again", async () => {
  using tester = new Tester();
  const [client, server] = streamPair();
  const sizes: number[] = [];
  const session = tester.serve({
    ...server,
    read(buffer): Promise<number | null> {
      sizes.push(buffer.length);
      return server.read(buffer);
    },
  });
  for (const text of ["typed\n", "x".repeat(1000), "y".repeat(10_000), "\n", "z\n"]) {
    await client.write(bytes(text));
    await tester.heard();
  }
  assertEquals(sizes, [512, 512, 65536, 512, 65536, 65536, 512, 512]);
  await client.closeWrite();
  await tester.heard();
  await session;
});

Deno.test("session: who says nothing for too long is told and let go; who says something is not", async () => {
  using tester = new Tester();
  const [client, session] = await tester.connect();
  await tester.time.tick(MINUTE - 1);
  await client.write(bytes("still here\nand half a li"));
  await tester.time.tick(MINUTE - 1);
  assertEquals(await tester.heard(), ["<guest2> still here"]);
  await tester.time.tick(1);
  assertEquals(await tester.heard(), ["* guest2 left (silent for too long)"]);
  assert(
    (await received(client, tester)).endsWith("good-bye: you said nothing for too long\r\n[end]"),
  );
  // Half a line is no last word of somebody who was let go.
  await client.closeWrite();
  assertEquals(await tester.heard(), []);
  await session;
});

Deno.test("session: who leaves and does not read is closed after a while", async () => {
  using tester = new Tester();
  let closed = false;
  const stuck = Promise.withResolvers<never>();
  const session = tester.serve({
    read: () => closed ? Promise.resolve(null) : stuck.promise,
    write: () => stuck.promise,
    closeWrite: () => stuck.promise,
    close(): void {
      closed = true;
      stuck.reject(new Deno.errors.Interrupted("closed"));
    },
  });
  await tester.heard();
  tester.room.close();
  await tester.time.tick(4999);
  assert(!closed);
  await tester.time.tick(1);
  assert(closed);
  await session;
});

Deno.test("session: a reset is no more than somebody leaving", async () => {
  using tester = new Tester();
  const [client, session] = await tester.connect();
  client.reset();
  assertEquals(await tester.heard(), ["* guest2 left (the connection broke)"]);
  await session;
});

Deno.test("session: what else goes wrong is told to who started it, after the person has left", async () => {
  using tester = new Tester();
  const stuck = Promise.withResolvers<never>();
  const session = tester.serve({
    read: () => Promise.reject(new Error("out of order")),
    write: () => stuck.promise,
    closeWrite: () => Promise.resolve(),
    close: () => stuck.reject(new Deno.errors.Interrupted("closed")),
  });
  const rejected = assertRejects(() => session, Error, "out of order");
  assertEquals((await tester.heard()).at(-1), "* guest2 left (the connection broke)");
  await tester.time.tick(5000);
  await rejected;
});
