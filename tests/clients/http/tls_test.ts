/** The http program and servers with TLS. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { tlsServer } from "../../../tools/net/tls.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { latin1Bytes } from "../../../tools/protocol/text.ts";
import { AUTHORITY, EXPIRED, SERVER, STRANGER } from "../../support/identities.ts";
import { processTest } from "../../support/permissions.ts";
import { webServer } from "../../support/web.ts";
import { http, inFolder, OK } from "./program.ts";

/** A web server with an identity. */
function serve(
  { cert, key } = SERVER,
  handler: (request: Request) => Response = () => new Response("hello"),
): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} }, handler);
}

/** Runs `test` in a folder, with the options to trust the authority. */
async function trusting(test: (folder: string, cacert: string[]) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/ca.pem`, AUTHORITY);
    await test(folder, ["--cacert", `${folder}/ca.pem`]);
  });
}

processTest(
  "https: a server is who its certificate says, or is refused",
  () =>
    trusting(async (_, cacert) => {
      const rows: [host: string, identity: typeof SERVER, refused?: RegExp][] = [
        ["localhost", SERVER],
        ["127.0.0.1", SERVER],
        ["server.test", SERVER],
        ["other.test", SERVER, /certificate is for another host: .*server\.test/],
        ["127.0.0.2", SERVER, /certificate is for another host/],
        ["server.test", EXPIRED, /certificate .*(expired|out of date)/],
        ["server.test", STRANGER, /certificate comes from an unknown authority/],
      ];
      for (const [host, identity, refused] of rows) {
        await using server = serve(identity);
        const { port } = server.addr;
        const where = ["--resolve", `${host}:${port}:127.0.0.1`, `https://${host}:${port}/`];
        const { code, stdout, stderr } = await http([...cacert, ...where]);
        if (refused === undefined) {
          assertEquals([code, stdout, stderr], [0, "hello", ""]);
        } else {
          assertEquals([code, stdout], [1, ""], host);
          assertMatch(stderr, new RegExp(`^http: ${host}:${port}: TLS: the .*\\n$`));
          assertMatch(stderr, refused);
        }
        assertEquals((await http(["--insecure", ...where])).stdout, "hello");
        const distrusting = await http(where);
        assertEquals([distrusting.code, distrusting.stdout], [1, ""], host);
        assertMatch(distrusting.stderr, /from an unknown authority.* \(--cacert FILE trusts/);
      }
    }),
);

processTest("https: TLS where none is, and none where it is", async () => {
  await using server = serve();
  const wrong = await http([`http://localhost:${server.addr.port}/`]);
  assertEquals([wrong.code, wrong.stdout], [1, ""]);
  assertMatch(wrong.stderr, /^http: localhost:\d+: the answer is not HTTP.*\n$/);

  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const fetching = http([`https://localhost:${listener.addr.port}`]);
  using conn = await listener.accept();
  await conn.read(new Uint8Array(4096));
  await conn.write(latin1Bytes("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const plain = await fetching;
  assertEquals(plain.code, 1);
  assertMatch(plain.stderr, /^http: localhost:\d+: TLS: what the peer sent is not TLS.*\n$/);
});

processTest(
  "https: redirected from http, with nothing of the user's own",
  () =>
    trusting(async (_, cacert) => {
      await using secure = serve(
        SERVER,
        (request) => new Response(JSON.stringify([...request.headers.keys()])),
      );
      await using first = webServer(() =>
        `HTTP/1.1 301 Moved\r\nLocation: https://localhost:${secure.addr.port}/\r\n\r\n`
      );
      const own = ["-uada:secret", "-H", "Cookie: a=b", "-H", "X-Key: k"];
      const { code, stdout } = await http([
        "-L",
        ...own,
        ...cacert,
        `http://localhost:${first.port}/`,
      ]);
      assertEquals([code, stdout], [0, '["accept","connection","host","user-agent"]']);
      assertStringIncludes(first.requests[0] ?? "", "Authorization: Basic");
    }),
);

// RFC 9112 section 9.8.
processTest(
  "https: a cut is told from an end where nothing else tells it",
  () =>
    trusting(async (cwd, cacert) => {
      const answers: [answer: string, farewell: boolean, wrong?: string][] = [
        [`${OK}\r\nhello`, true],
        [`${OK}\r\nhello`, false, "may be cut after 5 bytes"],
        [`${OK}Content-Length: 5\r\n\r\nhello`, false],
        [`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, false],
        [`${OK}Content-Length: 9\r\n\r\nhello`, false, "ended after 5 of 9 bytes"],
        [`${OK}Content-Length: 9\r\n\r\nhello`, true, "ended after 5 of 9 bytes"],
      ];
      for (const [answer, farewell, wrong] of answers) {
        using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
        const url = `https://localhost:${listener.addr.port}/`;
        const fetching = http(["-o", "saved", ...cacert, url], { cwd });
        const conn = await listener.accept();
        const stream = await tlsServer(conn, SERVER);
        await stream.read(new Uint8Array(4096));
        await writeAll(stream, latin1Bytes(answer));
        await (farewell ? stream : conn).closeWrite();
        const { code, stderr } = await fetching;
        // The client is gone: what is left of the connection goes with it.
        while (await stream.read(new Uint8Array(4096)).catch(() => null) !== null);
        stream.close();
        assertEquals(await Deno.readTextFile(`${cwd}/saved`), "hello");
        assertEquals(code, wrong === undefined ? 0 : 1, answer);
        assertMatch(
          stderr,
          new RegExp(
            wrong === undefined ? "^$" : `the body ${wrong}.*; saved has the first 5 bytes\n$`,
          ),
        );
      }
    }),
);
