/** The http program and servers with TLS. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { tlsServer } from "../../../tools/net/tls.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { latin1Bytes } from "../../../tools/protocol/text.ts";
import {
  type Certificate,
  certificateMaker,
  type CertificateOptions,
} from "../../support/certificates.ts";
import { missingProgram, processTestUnless } from "../../support/permissions.ts";
import { webServer } from "../../support/web.ts";
import { http, inFolder, OK } from "./program.ts";

/** A web server that shows `certificate`. */
async function serve({ cert, key }: Certificate): Promise<Deno.HttpServer<Deno.NetAddr>> {
  const options = {
    hostname: "127.0.0.1",
    port: 0,
    cert: await Deno.readTextFile(cert),
    key: await Deno.readTextFile(key),
    onListen: (): void => {},
    onError: (): Response => new Response(null, { status: 500 }),
  };
  return Deno.serve(options, () => new Response("hello"));
}

const openssl = missingProgram("openssl");

processTestUnless(
  openssl,
  "https: a server is who its certificate says, or is refused",
  () =>
    inFolder(async (cwd) => {
      const make = await certificateMaker(cwd);
      const rows: [name: string, CertificateOptions, host: string, refused?: RegExp][] = [
        ["by-name", {}, "localhost"],
        ["by-address", {}, "127.0.0.1"],
        [
          "other",
          { names: "DNS:other.example" },
          "localhost",
          /certificate is for another host: .*other\.example/,
        ],
        [
          "other-too",
          { names: "DNS:other.example" },
          "127.0.0.1",
          /certificate is for another host/,
        ],
        // Deno does not tell the two apart when the authority is ours.
        [
          "expired",
          { expired: true },
          "localhost",
          /certificate (has expired|comes from an unknown)/,
        ],
      ];
      for (const [name, options, host, refused] of rows) {
        const certificate = await make(name, options);
        await using server = await serve(certificate);
        const { port } = server.addr;
        const url = `https://${host}:${port}/`;
        const trusting = await http(["--cacert", certificate.ca, url]);
        if (refused === undefined) {
          assertEquals(trusting, { code: 0, stdout: "hello", stderr: "" });
        } else {
          assertEquals([trusting.code, trusting.stdout], [1, ""], name);
          assertMatch(trusting.stderr, new RegExp(`^http: ${host}:${port}: TLS: the .*\\n$`));
          assertMatch(trusting.stderr, refused);
        }
        assertEquals((await http(["--insecure", url])).stdout, "hello");
        const distrusting = await http([url]);
        assertEquals([distrusting.code, distrusting.stdout], [1, ""], name);
        assertMatch(distrusting.stderr, /from an unknown authority.* \(--cacert FILE trusts/);
      }
    }),
);

processTestUnless(
  openssl,
  "https: TLS where none is, and none where it is",
  () =>
    inFolder(async (cwd) => {
      const certificate = await (await certificateMaker(cwd))("server");
      await using server = await serve(certificate);
      const wrong = await http([`http://localhost:${server.addr.port}/`]);
      assertEquals([wrong.code, wrong.stdout], [1, ""]);
      assertMatch(wrong.stderr, /^http: localhost:\d+: the answer is not HTTP.*\n$/);

      const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const answering = (async (): Promise<void> => {
        for await (const conn of listener) {
          using _conn = conn;
          await conn.read(new Uint8Array(4096));
          await conn.write(latin1Bytes("HTTP/1.1 400 Bad Request\r\n\r\n"));
          await conn.read(new Uint8Array(1)).catch(() => null);
        }
      })();
      const plain = await http([
        "--cacert",
        certificate.ca,
        `https://localhost:${listener.addr.port}`,
      ]);
      assertEquals(plain.code, 1);
      assertMatch(plain.stderr, /^http: localhost:\d+: TLS: what the peer sent is not TLS/);
      listener.close();
      await answering;
    }),
);

processTestUnless(
  openssl,
  "https: redirected from http, with nothing of the user's own",
  () =>
    inFolder(async (cwd) => {
      const certificate = await (await certificateMaker(cwd))("server");
      const [cert, key] = [certificate.cert, certificate.key].map((path) =>
        Deno.readTextFileSync(path)
      );
      await using secure = Deno.serve(
        { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} } as Deno.ServeTcpOptions,
        (request) => new Response(JSON.stringify([...request.headers.keys()])),
      );
      const { port } = secure.addr as Deno.NetAddr;
      await using first = webServer(() =>
        `HTTP/1.1 301 Moved\r\nLocation: https://localhost:${port}/\r\nContent-Length: 0\r\n\r\n`
      );
      const args = ["-L", "-uada:secret", "-H", "Cookie: a=b", "-H", "X-Key: k"];
      const { code, stdout } = await http([
        ...args,
        "--cacert",
        certificate.ca,
        `http://localhost:${first.port}/`,
      ]);
      assertEquals([code, stdout], [0, '["accept","connection","host","user-agent"]']);
      assertStringIncludes(first.requests[0] ?? "", "Authorization: Basic");
    }),
);

// RFC 9112 section 9.8.
processTestUnless(
  openssl,
  "https: a cut is told from an end where nothing else tells it",
  () =>
    inFolder(async (cwd) => {
      const certificate = await (await certificateMaker(cwd))("server");
      const identity = {
        cert: await Deno.readTextFile(certificate.cert),
        key: await Deno.readTextFile(certificate.key),
      };
      const answers: [answer: string, farewell: boolean, code: number][] = [
        [`${OK}\r\nhello`, true, 0],
        [`${OK}\r\nhello`, false, 1],
        [`${OK}Content-Length: 5\r\n\r\nhello`, false, 0],
        [`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, false, 0],
        [`${OK}Content-Length: 9\r\n\r\nhello`, false, 1],
        [`${OK}Content-Length: 9\r\n\r\nhello`, true, 1],
      ];
      for (const [answer, farewell, code] of answers) {
        using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
        const url = `https://localhost:${listener.addr.port}/`;
        const fetching = http(["-o", "saved", "--cacert", certificate.ca, url], { cwd });
        using conn = await listener.accept();
        const stream = await tlsServer(conn, identity);
        await stream.read(new Uint8Array(4096));
        await writeAll(stream, latin1Bytes(answer));
        await (farewell ? stream : conn).closeWrite();
        const { code: got, stderr } = await fetching;
        stream.close();
        assertEquals(got, code, answer);
        assertEquals(await Deno.readTextFile(`${cwd}/saved`), "hello");
        if (code === 0) assertEquals(stderr, "");
        else {
          const why = answer.includes("9")
            ? "ended after 5 of 9 bytes"
            : "may be cut after 5 bytes";
          assertMatch(stderr, new RegExp(`the body ${why}.*; saved has the first 5 bytes\\n$`));
        }
      }
    }),
);
