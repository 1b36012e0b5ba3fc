import { once } from "node:events";
import tls from "node:tls";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import {
  tlsClient,
  tlsServer,
  type TlsServerOptions,
  type TlsStream,
  trustAlso,
} from "../../../tools/net/tls.ts";
import type { ByteStream } from "../../../tools/net/stream.ts";
import { EXIT, type Failure } from "../../../tools/program/failure.ts";
import { AUTHORITY, EXPIRED, OLD, SERVER, STRANGER } from "../../support/identities.ts";
import { netTest, testWith } from "../../support/permissions.ts";
import { bytes, readAll, readText } from "../../support/stream.ts";
import { type Lower, lowerPair } from "../../support/tls.ts";

/** A record with a hello of TLS 1.1 (RFC 4346 section 7.4.1): version, random, no session, and `rest`. */
function oldHello(type: number, ...rest: number[]): Uint8Array {
  const body = [3, 2, ...Array(32).fill(7), 0, ...rest];
  return Uint8Array.of(22, 3, 2, 0, body.length + 4, type, 0, 0, body.length, ...body);
}

// One cipher, TLS_RSA_WITH_AES_128_CBC_SHA, and no compression.
const OLD_CLIENT_HELLO = oldHello(1, 0, 2, 0, 0x2f, 1, 0);
const OLD_SERVER_HELLO = oldHello(2, 0, 0x2f, 0);

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

  Deno.test(`tls: a handshake of the ${side} with a peer that knows TLS 1.1 and no better`, async () => {
    const hello = side === "client" ? OLD_SERVER_HELLO : OLD_CLIENT_HELLO;
    const error = await failure((peer) => peer.write(hello));
    assertEquals(
      error.message,
      "TLS: the peer has no version (1.2 or 1.3) or no cipher in common with us",
    );
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
    trustAlso(`Other things may stand in the file.\n${STRANGER.cert}\n${OLD.cert}\n${AUTHORITY}`);
    assertEquals(await checked("server.test", STRANGER), "good");
    for (const host of ["server.test", "SERVER.TEST", "localhost", "127.0.0.1", "::1"]) {
      assertEquals(await checked(host, SERVER), "good", host);
    }
    const names = "DNS:server.test, DNS:localhost, IP Address:127.0.0.1, IP Address:::1";
    const rows: [host: string, identity: TlsServerOptions, names: string][] = [
      ["other.test", SERVER, names],
      ["127.0.0.2", SERVER, names],
      ["127.0.0.1", STRANGER, "DNS:server.test"],
      ["127.0.0.1", OLD, "old.test"],
      ["other.test", OLD, "old.test"],
    ];
    for (const [host, identity, names] of rows) {
      assertEquals(
        await checked(host, identity),
        `TLS: the certificate is for another host: ${names}`,
      );
    }
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
