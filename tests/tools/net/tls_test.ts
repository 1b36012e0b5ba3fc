import { once } from "node:events";
import tls from "node:tls";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { LARGEST_WRITE, LINGER, READ_AHEAD } from "../../../tools/net/tls_stream.ts";
import {
  tlsClient,
  tlsServer,
  type TlsServerOptions,
  type TlsStream,
  trustAlso,
} from "../../../tools/net/tls.ts";
import type { ByteStream } from "../../../tools/net/stream.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { EXIT, Failure } from "../../../tools/program/failure.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { AUTHORITY, EXPIRED, SERVER, STRANGER } from "../../support/identities.ts";
import { netTest, testWith } from "../../support/permissions.ts";
import { bytes, readAll, readText, streamPair, type TestStream } from "../../support/stream.ts";

/** One end of the connection that TLS runs on. */
interface Lower extends TestStream {
  /** Resolves when TLS has closed it. */
  closed: Promise<void>;
}

function lowerPair(most = Infinity): [Lower, Lower] {
  const watched = (stream: TestStream): Lower => {
    const closed = Promise.withResolvers<void>();
    return {
      ...stream,
      closed: closed.promise,
      close(): void {
        stream.close();
        closed.resolve();
      },
    };
  };
  const [one, other] = streamPair({ most });
  return [watched(one), watched(other)];
}

/** Both ends of a TLS connection in memory, and of the connection below. */
interface Pair extends AsyncDisposable {
  client: TlsStream;
  server: TlsStream;
  below: { client: Lower; server: Lower };
}

async function tlsPair(most?: number): Promise<Pair> {
  const [a, b] = lowerPair(most);
  const [client, server] = await Promise.all([
    tlsClient(a, { host: "server.test", insecure: true }),
    tlsServer(b, SERVER),
  ]);
  return {
    client,
    server,
    below: { client: a, server: b },
    async [Symbol.asyncDispose](): Promise<void> {
      client.close();
      server.close();
      await Promise.all([a.closed, b.closed]);
    },
  };
}

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
    assertEquals(await readAll(pair[side]), sent);
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
    await lower.closed;
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
    assertEquals(atServer, up, `up, ${most}`);
    assertEquals(atClient, down, `down, ${most}`);
  }
});

for (const side of ["client", "server"] as const) {
  const start = (stream: ByteStream): Promise<TlsStream> =>
    side === "client"
      ? tlsClient(stream, { host: "server.test", insecure: true })
      : tlsServer(stream, SERVER);

  /** What the handshake fails with when the peer does `act`; the connection must be closed then. */
  const failure = async (act: (peer: Lower, own: Lower) => unknown): Promise<Error> => {
    const [own, peer] = lowerPair();
    const done = assertRejects(() => start(own));
    await act(peer, own);
    const error = await done;
    await own.closed;
    return error;
  };

  Deno.test(`tls: a handshake of the ${side} with a peer that does not speak TLS`, async () => {
    for (
      const words of ["220 server.test ESMTP\r\n", "GET / HTTP/1.1\r\n\r\n", "\r\n\0\0\0\0\0\0"]
    ) {
      const error = await failure((peer) => peer.write(bytes(words)));
      assertEquals((error as Failure).exitCode, EXIT.refused);
      assertEquals(
        error.message,
        "TLS: what the peer sent is not TLS (does it speak TLS on this port?)",
      );
    }
  });

  Deno.test(`tls: a handshake of the ${side} with a peer that goes away`, async () => {
    const ways: ((peer: Lower) => unknown)[] = [
      (peer) => peer.closeWrite(),
      (peer) => peer.close(),
      (peer) => peer.reset(),
      (peer) => peer.write(Uint8Array.of(22, 3, 1)).then(() => peer.closeWrite()),
    ];
    for (const way of ways) {
      const error = await failure(way);
      assertEquals((error as Failure).exitCode, EXIT.refused);
      assertEquals(error.message, "TLS: the peer closed the connection");
    }
  });

  Deno.test(`tls: a handshake of the ${side} that somebody else ends is not the peer's fault`, async () => {
    assert(await failure((_, own) => own.close()) instanceof Deno.errors.Interrupted);
    const [own] = lowerPair();
    own.read = () => Promise.reject(new Deno.errors.TimedOut("no answer in time"));
    await assertRejects(() => start(own), Deno.errors.TimedOut, "no answer in time");
    await own.closed;
  });

  Deno.test(`tls: a handshake of the ${side} that the peer refuses`, async () => {
    for (
      const [alert, words] of [
        [40, "handshake failure"],
        [48, "unknown ca"],
        [70, "protocol version"],
        [116, "certificate required"],
      ] as const
    ) {
      // RFC 8446 section 6: a record with a fatal alert.
      const error = await failure((peer) => peer.write(Uint8Array.of(21, 3, 3, 0, 2, 2, alert)));
      assertEquals(error.message, `TLS: the peer refused: ${words}`);
    }
  });
}

/** What a client that checks the certificate says. */
async function checked(
  host: string,
  identity: TlsServerOptions,
  insecure = false,
): Promise<string> {
  const [a, b] = lowerPair();
  const server = tlsServer(b, identity).then((stream) => stream.close(), () => {});
  try {
    (await tlsClient(a, { host, insecure })).close();
    return "good";
  } catch (error) {
    assertEquals((error as Failure).exitCode, EXIT.refused);
    return (error as Error).message;
  } finally {
    await Promise.all([server, a.closed, b.closed]);
  }
}

/** Serves TLS on loopback by `tlsServer`, one word to each client, until it is disposed of. */
function greeter(): AsyncDisposable & { port: number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async (): Promise<void> => {
    for await (const conn of listener) {
      const stream = await tlsServer(conn, SERVER);
      await stream.write(bytes("hello"));
      await stream.closeWrite();
      await readAll(stream);
      stream.close();
    }
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      await serving;
    },
  };
}

/** Whether each of three connections in a row resumes the session of the one before it. */
async function resumptions(port: number): Promise<{ version: string; resumed: boolean }[]> {
  const seen = [];
  let session: Uint8Array | undefined;
  for (let i = 0; i < 3; i++) {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const stream = await tlsClient(conn, { host: `tls-${port}.test`, insecure: true, session });
    assertEquals(await readText(stream), "hello");
    const { version, resumed } = stream;
    seen.push({ version, resumed });
    session = stream.session();
    await stream.closeWrite();
    conn.close();
  }
  return seen;
}

function thrice(version: string): { version: string; resumed: boolean }[] {
  return [false, true, true].map((resumed) => ({ version, resumed }));
}

netTest("tls: a session is resumed with our own server, TLS 1.3", async () => {
  await using server = greeter();
  assertEquals(await resumptions(server.port), thrice("TLSv1.3"));
});

netTest("tls: a session is resumed with a server that speaks TLS 1.2", async () => {
  const server = tls.createServer({ ...SERVER, maxVersion: "TLSv1.2" }, (socket) => {
    socket.end("hello");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  assertEquals(await resumptions(port), thrice("TLSv1.2"));
  server.close();
  await once(server, "close");
});

netTest("tls: our server resumes the session of a client that speaks TLS 1.2", async () => {
  await using server = greeter();
  const seen = [];
  let session: never | undefined;
  for (let i = 0; i < 3; i++) {
    const socket = tls.connect({
      host: "127.0.0.1",
      port: server.port,
      servername: "tls-12.test",
      rejectUnauthorized: false,
      maxVersion: "TLSv1.2",
      ...(session ? { session } : {}),
    });
    await once(socket, "secureConnect");
    seen.push({ version: socket.getProtocol() ?? "", resumed: socket.isSessionReused() });
    session = socket.getSession() as never;
    socket.resume();
    socket.end();
    await once(socket, "close");
  }
  assertEquals(seen, thrice("TLSv1.2"));
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
      assertEquals(await readAll(to), data);
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

const HINT = "(--cacert FILE trusts its authority, --insecure checks nothing)";

testWith(
  ["sys"],
  "tls: the certificate must come from an authority that is trusted, and be for the host",
  async () => {
    const unknown =
      `TLS: the certificate comes from an unknown authority, or is out of date ${HINT}`;
    assertEquals(await checked("server.test", SERVER), unknown);
    assertEquals(
      await checked("server.test", STRANGER),
      `TLS: the certificate comes from an unknown authority ${HINT}`,
    );
    assertEquals(await checked("other.test", SERVER, true), "good");
    trustAlso(`Other things may stand in the file.\n${STRANGER.cert}\n${AUTHORITY}`);
    assertEquals(await checked("server.test", STRANGER), "good");
    for (const host of ["server.test", "SERVER.TEST", "localhost", "127.0.0.1", "::1"]) {
      assertEquals(await checked(host, SERVER), "good", host);
    }
    const names = "DNS:server.test, DNS:localhost, IP Address:127.0.0.1, IP Address:::1";
    assertEquals(
      await checked("other.test", SERVER),
      `TLS: the certificate is for another host: ${names}`,
    );
    assertEquals(
      await checked("127.0.0.2", SERVER),
      "TLS: the certificate is for another host: 127.0.0.1, ::1",
    );
    assertEquals(await checked("server.test", EXPIRED), unknown);
    assertEquals(await checked("server.test", EXPIRED, true), "good");
  },
);

testWith(["sys"], "tls: what holds no certificate is not trusted", () => {
  const damaged = AUTHORITY.replace(/^MII/m, "AAA");
  for (const pem of ["", "junk", SERVER.key, damaged]) {
    assertThrows(() => trustAlso(pem), RangeError, "there is no certificate in PEM form in it");
  }
});
