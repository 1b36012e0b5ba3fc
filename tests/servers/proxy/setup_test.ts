/** What comes before a client's words, and the server's: the PROXY protocol, TLS. */
import { assert, assertEquals } from "@std/assert";
import { Printer } from "../../../servers/proxy/printer.ts";
import { readProxyHeader } from "../../../tools/net/proxy_header.ts";
import { tlsClient, tlsServer } from "../../../tools/net/tls.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { encodeProxyV1, encodeProxyV2 } from "../../../tools/protocol/proxy_protocol.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { SERVER } from "../../support/identities.ts";
import { netTest } from "../../support/permissions.ts";
import { memorySink } from "../../support/sink.ts";
import { bytes, readText } from "../../support/stream.ts";
import { withProxy } from "./running.ts";
import { passTime } from "./test_log.ts";

const HERE = "127.0.0.1";
const SOURCE = { hostname: "192.0.2.1", port: 1234 };
const DESTINATION = { hostname: "198.51.100.7", port: 80 };

function listen(): Deno.TcpListener {
  return Deno.listen({ hostname: HERE, port: 0 });
}

for (const version of ["v1", "v2"] as const) {
  const encode = version === "v1" ? encodeProxyV1 : encodeProxyV2;

  netTest(`proxy: it tells the server whose connection it is, PROXY ${version}`, async () => {
    using server = listen();
    await withProxy(server.addr.port, { sendProxy: version }, async ({ connect }) => {
      const client = await connect();
      await client.write(bytes("hello"));
      await client.closeWrite();
      using conn = await server.accept();
      const { localAddr, remoteAddr } = client;
      const said = await readProxyHeader(conn);
      assertEquals(said, {
        source: { hostname: HERE, port: localAddr.port },
        destination: { hostname: HERE, port: remoteAddr.port },
      });
      assertEquals(await readText(conn), "hello");
    });
  });

  netTest(
    `proxy: it takes whose connection it is from a proxy, and tells that on, PROXY ${version}`,
    async () => {
      using server = listen();
      const sink = memorySink();
      const printer = new Printer("text", (data) => sink.write(data));
      const options = { acceptProxy: true, sendProxy: version, printer };
      await withProxy(server.addr.port, options, async ({ connect, says }) => {
        const client = await connect();
        const header = encode({ source: SOURCE, destination: DESTINATION });
        // In pieces, and with the client's words right behind it.
        for (const byte of header) await client.write(Uint8Array.of(byte));
        await client.write(bytes("hello"));
        await client.closeWrite();
        using conn = await server.accept();
        assertEquals(await readProxyHeader(conn), { source: SOURCE, destination: DESTINATION });
        assertEquals(await readText(conn), "hello");
        await says(/connected number=1 peer=192\.0\.2\.1:1234\n/);
        assert(new TextDecoder().decode(sink.written()).endsWith("#1 > 192.0.2.1:1234 hello\n"));
      });
    },
  );

  netTest(`proxy: a proxy that speaks for itself is the client, PROXY ${version}`, async () => {
    using server = listen();
    await withProxy(server.addr.port, { acceptProxy: true }, async ({ connect, says }) => {
      const client = await connect();
      await writeAll(client, Uint8Array.of(...encode(), ...bytes("hello")));
      await client.closeWrite();
      using conn = await server.accept();
      assertEquals(await readText(conn), "hello");
      await says(new RegExp(`connected number=1 peer=${HERE}:${client.localAddr.port}\n`));
    });
  });
}

netTest(
  "proxy: what is no PROXY header ends the connection, and the log names the client",
  async () => {
    using server = listen();
    await withProxy(server.addr.port, { acceptProxy: true }, async ({ connect, says }) => {
      for (
        const garbage of ["GET / HTTP/1.1\r\n\r\n", "PROXY TCP4 nonsense", "\r\n\r\n\0\r\nQUIP"]
      ) {
        const client = await connect();
        await client.write(bytes(garbage));
        assertEquals(await readText(client), "");
        await says(
          new RegExp(
            `failed .*reason="${HERE}:${client.localAddr.port}: .* valid PROXY header"`,
          ),
        );
      }
      const client = await connect();
      await client.write(bytes("PROXY TCP4 "));
      await client.closeWrite();
      assertEquals(await readText(client), "");
      await says(/reason="\S+ the connection ended in its PROXY header"/);
    });
  },
);

netTest("proxy: a client that is silent where a PROXY header, or TLS, is due", async () => {
  using time = new FakeTime();
  using server = listen();
  for (const options of [{ acceptProxy: true }, { tlsListen: SERVER }]) {
    await withProxy(server.addr.port, options, async (proxy) => {
      const client = await proxy.connect();
      const { port } = client.localAddr;
      await passTime(
        time,
        100,
        proxy,
        new RegExp(`failed .*reason="${HERE}:${port}: no answer in time"`),
      );
      assertEquals(await readText(client), "");
    });
  }
});

netTest("proxy: TLS with clients, and half-close through it both ways", async () => {
  using server = listen();
  await withProxy(server.addr.port, { tlsListen: SERVER }, async ({ connect, says }) => {
    const client = await tlsClient(await connect(), { host: HERE, insecure: true });
    await writeAll(client, bytes("question"));
    await client.closeWrite();
    using conn = await server.accept();
    assertEquals(await readText(conn), "question");
    const answer = "x".repeat(300_000);
    await writeAll(conn, bytes(answer));
    await conn.closeWrite();
    assertEquals(await readText(client), answer);
    // The farewell of TLS came too: nobody has cut it short.
    assert(!client.truncated);
    client.close();
    await says(/closed number=1 peer=\S+ up=8 down=300000 seconds=[\d.]+\n/);
  });
});

netTest("proxy: TLS with the server, and half-close through it both ways", async () => {
  using server = listen();
  const options = { tlsUpstream: { insecure: true } };
  await withProxy(server.addr.port, options, async ({ connect, says }) => {
    const client = await connect();
    const conn = await tlsServer(await server.accept(), SERVER);
    await conn.write(bytes("220 ready\r\n"));
    await conn.closeWrite();
    assertEquals(await readText(client), "220 ready\r\n");
    await client.write(bytes("QUIT\r\n"));
    await client.closeWrite();
    assertEquals(await readText(conn), "QUIT\r\n");
    assert(!conn.truncated);
    conn.close();
    await says(/closed number=1 peer=\S+ up=6 down=11 seconds=[\d.]+\n/);
  });
});

netTest("proxy: TLS on both sides, behind a PROXY header", async () => {
  using server = listen();
  const options = {
    acceptProxy: true,
    sendProxy: "v1",
    tlsListen: SERVER,
    tlsUpstream: { insecure: true },
  } as const;
  await withProxy(server.addr.port, options, async ({ connect }) => {
    const outer = await connect();
    await outer.write(encodeProxyV2({ source: SOURCE, destination: DESTINATION }));
    const handshake = tlsClient(outer, { host: HERE, insecure: true });
    const inner = await server.accept();
    assertEquals((await readProxyHeader(inner))?.source, SOURCE);
    const conn = await tlsServer(inner, SERVER);
    const client = await handshake;
    await client.write(bytes("hello"));
    await client.closeWrite();
    assertEquals(await readText(conn), "hello");
    await conn.closeWrite();
    assertEquals(await readText(client), "");
    client.close();
    conn.close();
  });
});

netTest("proxy: a client that speaks no TLS, and a server that speaks none", async () => {
  using server = listen();
  await withProxy(server.addr.port, { tlsListen: SERVER }, async ({ connect, says }) => {
    const client = await connect();
    await client.write(bytes("GET / HTTP/1.1\r\n\r\n"));
    // An alert of TLS may come before the end.
    await readText(client);
    await says(
      new RegExp(
        `failed .*reason="${HERE}:${client.localAddr.port}: TLS: what the peer sent is not TLS`,
      ),
    );
  });
  const { port } = server.addr;
  await withProxy(port, { tlsUpstream: { insecure: true } }, async ({ connect, says }) => {
    const client = await connect();
    using conn = await server.accept();
    await conn.write(bytes("220 smtp.test ESMTP\r\n"));
    assertEquals(await readText(client), "");
    await says(new RegExp(`failed .*reason="${HERE}:${port}: TLS: what the peer sent is not TLS`));
  });
});

netTest("proxy: a server whose certificate nobody vouches for", async () => {
  using server = listen();
  const { port } = server.addr;
  await withProxy(port, { tlsUpstream: { insecure: false } }, async ({ connect, says }) => {
    const client = await connect();
    const refused = tlsServer(await server.accept(), SERVER).then(
      (conn) => conn.close(),
      () => {},
    );
    assertEquals(await readText(client), "");
    await says(new RegExp(`failed .*reason="${HERE}:${port}: TLS: the certificate comes from`));
    await refused;
  });
});
