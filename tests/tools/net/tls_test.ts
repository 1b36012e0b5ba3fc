import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { LARGEST_WRITE, LINGER, LowerStream, READ_AHEAD } from "../../../tools/net/tls_stream.ts";
import { tlsClient, tlsServer, type TlsStream } from "../../../tools/net/tls.ts";
import type { ByteStream } from "../../../tools/net/stream.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { SERVER } from "../../support/identities.ts";
import { netTest } from "../../support/permissions.ts";
import { bytes, readAll, readText } from "../../support/stream.ts";
import { lowerPair, tlsPair } from "../../support/tls.ts";

async function readSome(stream: ByteStream): Promise<string | null> {
  const buffer = new Uint8Array(1000);
  const length = await stream.read(buffer);
  return length === null ? null : new TextDecoder().decode(buffer.subarray(0, length));
}

/** Bytes without a pattern that a lost or swapped piece would keep. */
function noise(length: number): Uint8Array {
  const words = new Uint32Array(length / 4);
  let state = 1;
  for (let i = 0; i < words.length; i++) words[i] = state = Math.imul(state, 1664525) + 1013904223;
  return new Uint8Array(words.buffer);
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

Deno.test("tls: both ends talk, in pieces as small as the reader's buffer", async () => {
  await using pair = await tlsPair();
  const { client, server } = pair;
  assertEquals([client.version, client.resumed], ["TLSv1.3", false]);
  await client.write(bytes("question"));
  const buffer = new Uint8Array(5);
  assertEquals(await server.read(buffer), 5);
  assertEquals(await server.read(buffer), 3);
  await server.write(bytes("answer"));
  assertEquals(await readSome(client), "answer");
  assertEquals(await server.write(bytes("")), 0);
});

for (const side of ["client", "server"] as const) {
  const other = side === "client" ? "server" : "client";

  Deno.test(`tls: closeWrite of the ${side} says farewell, and the other half goes on`, async () => {
    await using pair = await tlsPair();
    await pair[side].write(bytes("last words"));
    await pair[side].closeWrite();
    await pair[side].closeWrite();
    assertEquals(await readText(pair[other]), "last words");
    assertEquals(await pair[other].read(new Uint8Array(1)), null);
    assertEquals(pair[other].truncated, false);
    await assertRejects(() => pair[side].write(bytes("more")), Deno.errors.BrokenPipe);
    await pair[other].write(bytes("answer"));
    assertEquals(await readSome(pair[side]), "answer");
    await pair[other].closeWrite();
    assertEquals(await pair[side].read(new Uint8Array(1)), null);
  });

  Deno.test(`tls: close of the ${side} says farewell, and ends what is pending`, async () => {
    await using pair = await tlsPair();
    const pending = pair[side].read(new Uint8Array(1));
    pair[side].close();
    pair[side].close();
    await assertRejects(() => pending, Deno.errors.Interrupted);
    await assertRejects(() => pair[side].read(new Uint8Array(1)), Deno.errors.Interrupted);
    await assertRejects(() => pair[side].write(bytes("x")), Deno.errors.Interrupted);
    await pair.below[side].closed;
    assertEquals(await readText(pair[other]), "");
    assertEquals(pair[other].truncated, false);
  });

  Deno.test(`tls: what the ${side} has not read yet outlives both farewells`, async () => {
    await using pair = await tlsPair();
    await pair[other].write(bytes("not read yet"));
    await pair[other].closeWrite();
    await pair[side].closeWrite();
    assertEquals(await readText(pair[side]), "not read yet");
  });

  Deno.test(`tls: close of the ${side} waits until a slow connection has taken the farewell`, async () => {
    await using pair = await tlsPair();
    await pair[other].closeWrite();
    assertEquals(await readText(pair[side]), "");
    const lower = pair.below[side];
    const started = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const write = lower.write;
    lower.write = async (data) => {
      started.resolve();
      await gate.promise;
      return await write(data);
    };
    pair[side].close();
    await started.promise;
    for (let turn = 0; turn < 10; turn++) await setImmediate();
    gate.resolve();
    assertEquals(await readText(pair[other]), "");
    assertEquals(pair[other].truncated, false);
    await lower.closed;
  });

  Deno.test(`tls: the ${side} sees an end without a farewell`, async () => {
    await using pair = await tlsPair();
    await pair[other].write(bytes("half a fi"));
    await pair.below[other].closeWrite();
    assertEquals(await readText(pair[side]), "half a fi");
    assertEquals(pair[side].truncated, true);
  });

  Deno.test(`tls: a reset below ends what the ${side} waits for`, async () => {
    await using pair = await tlsPair();
    const pending = pair[side].read(new Uint8Array(1));
    pair.below[other].reset();
    await assertRejects(() => pending, Deno.errors.ConnectionReset);
    await assertRejects(() => pair[side].write(bytes("x")), Deno.errors.ConnectionReset);
    await assertRejects(() => pair[side].closeWrite(), Deno.errors.ConnectionReset);
    await pair.below[side].closed;
  });

  Deno.test(`tls: a write of the ${side} fails with what the connection failed with`, async () => {
    await using pair = await tlsPair();
    const lower = pair.below[side];
    lower.write = () => Promise.reject(new Deno.errors.TimedOut("too slow"));
    await assertRejects(() => pair[side].write(bytes("x")), Deno.errors.TimedOut, "too slow");
    await assertRejects(() => pair[side].read(new Uint8Array(1)), Deno.errors.TimedOut);
  });

  Deno.test(`tls: what is no TLS ends the connection of the ${side}`, async () => {
    await using pair = await tlsPair();
    await pair.below[other].write(bytes("this is no record of TLS at all"));
    await assertRejects(
      () => pair[side].read(new Uint8Array(1)),
      ProtocolError,
      "TLS: what the peer sent is not TLS",
    );
    await pair.below[side].closed;
  });

  Deno.test(`tls: the ${side} reads no further ahead than it must`, async () => {
    await using pair = await tlsPair();
    const lower = pair.below[side];
    let taken = 0;
    const idle = Promise.withResolvers<void>();
    const read = lower.read;
    lower.read = async (buffer) => {
      const length = await read(buffer);
      taken += length ?? 0;
      if (taken > READ_AHEAD) idle.resolve();
      return length;
    };
    const sent = noise(1 << 20);
    const sending = writeAll(pair[other], sent).then(() => pair[other].closeWrite());
    await idle.promise;
    await sending; // The pipe in memory takes all of it; a socket would let the sender wait.
    assert(taken < 4 * READ_AHEAD, `${taken} bytes were read for nobody`);
    assert(same(await readAll(pair[side]), sent));
  });

  Deno.test(`tls: a write of the ${side} waits for the connection, and takes a part of much`, async () => {
    await using pair = await tlsPair();
    const lower = pair.below[side];
    const started = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const write = lower.write;
    lower.write = async (data) => {
      started.resolve();
      await gate.promise;
      return await write(data);
    };
    let done = false;
    const writing = pair[side].write(new Uint8Array(2 * LARGEST_WRITE)).then((length) => {
      done = true;
      return length;
    });
    await started.promise;
    assert(!done);
    gate.resolve();
    assertEquals(await writing, LARGEST_WRITE);
  });

  Deno.test(`tls: a close below ends a write and a closeWrite of the ${side}`, async () => {
    for (const act of ["write", "closeWrite"] as const) {
      await using pair = await tlsPair();
      const lower = pair.below[side];
      const started = Promise.withResolvers<void>();
      lower.write = () => {
        started.resolve();
        return new Promise(() => {});
      };
      const pending = pair[side][act](bytes("never taken"));
      await started.promise;
      lower.close();
      await assertRejects(() => pending, Deno.errors.Interrupted, "closed", act);
    }
  });

  Deno.test(`tls: close of the ${side} within a write ends at once, and is no end of the data`, async () => {
    await using pair = await tlsPair();
    const lower = pair.below[side];
    lower.write = () => new Promise(() => {});
    const writing = pair[side].write(bytes("never taken"));
    pair[side].close();
    assert(lower.isClosed);
    await assertRejects(() => writing, Deno.errors.Interrupted);
    assertEquals(await readText(pair[other]), "");
    assertEquals(pair[other].truncated, true);
  });

  Deno.test(`tls: close of the ${side} waits for a peer that takes nothing, but not for ever`, async () => {
    const pair = await tlsPair();
    const lower = pair.below[side];
    lower.write = () => new Promise(() => {});
    let closed = false;
    const closing = lower.closed.then(() => closed = true);
    using time = new FakeTime();
    pair[side].close();
    await time.tick(LINGER - 1);
    assert(!closed);
    await time.tick(1);
    await closing;
    pair[other].close();
    await pair.below[other].closed;
  });
}

Deno.test("tls: what waits in the stream below is not overwritten by the next read", async () => {
  const [own, peer] = lowerPair();
  const below = new LowerStream(own);
  below.above = new Duplex() as TLSSocket;
  below.pause();
  below.read(0);
  for (const word of ["first", "other", "third"]) await peer.write(bytes(word));
  await peer.closeWrite();
  while (below.readableLength < 15) await setImmediate();
  let text = "";
  for (let data = below.read(); data !== null; data = below.read()) text += data;
  assertEquals(text, "firstotherthird");
  below.abort();
});

Deno.test("tls: much data arrives intact, both ways at once, whatever a read or write moves", async () => {
  const up = noise(3 << 20);
  const down = noise(2 << 20).toReversed();
  for (const most of [1_000, 100_000, Infinity]) {
    await using pair = await tlsPair(most);
    const send = async (stream: TlsStream, data: Uint8Array): Promise<void> => {
      // As a program sends: from one buffer, again and again.
      const buffer = new Uint8Array(150_000);
      for (let at = 0; at < data.length; at += buffer.length) {
        const part = data.subarray(at, at + buffer.length);
        buffer.set(part);
        await writeAll(stream, buffer.subarray(0, part.length));
      }
      await stream.closeWrite();
    };
    const [, , atServer, atClient] = await Promise.all([
      send(pair.client, up),
      send(pair.server, down),
      readAll(pair.server),
      readAll(pair.client),
    ]);
    assert(same(atServer, up), `up, ${most}`);
    assert(same(atClient, down), `down, ${most}`);
  }
});

netTest(
  "tls: much data arrives intact over loopback",
  async () => {
    const data = noise(16 << 20);
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const [a, b] = await Promise.all([
      Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port }),
      listener.accept(),
    ]);
    listener.close();
    const [client, server] = await Promise.all([
      tlsClient(a, { host: "server.test", insecure: true }),
      tlsServer(b, SERVER),
    ]);
    for (const [from, to] of [[client, server], [server, client]] as const) {
      let sent = 0;
      const sending = (async (): Promise<void> => {
        while (sent < data.length) sent += await from.write(data.subarray(sent));
        await from.closeWrite();
      })();
      // Loopback takes some MiB, and then the sender has to wait for the reader.
      await from.write(new Uint8Array(0));
      assert(same(await readAll(to), data));
      await sending;
    }
    a.close();
    b.close();
    await Promise.all([
      assertRejects(() => client.write(data)),
      assertRejects(() => server.write(data)),
    ]);
  },
);

Deno.test("tls: session tickets go out with the first thing that a server says", async () => {
  const [a, b] = lowerPair();
  let sent = 0;
  const counted = { ...b, write: (data: Uint8Array) => (sent += data.length, b.write(data)) };
  const [client, server] = await Promise.all([
    tlsClient(a, { host: "server.test", insecure: true }),
    tlsServer(counted, SERVER),
  ]);
  const handshake = sent;
  // An upload: were the tickets sent now, a client that never reads would leave them behind.
  const upload = noise(100_000);
  const arrived = readAll(server);
  await writeAll(client, upload);
  await client.closeWrite();
  assert(same(await arrived, upload));
  assertEquals(sent, handshake);
  await server.write(bytes("got it"));
  assertEquals(await readSome(client), "got it");
  assert(sent > handshake + 200, `${sent - handshake} bytes are no tickets and an answer`);
  await server.closeWrite();
  assertEquals(await client.read(new Uint8Array(1)), null);
  client.close();
  server.close();
  await a.closed;
});
