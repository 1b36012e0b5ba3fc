/** The PROXY protocol with haproxy and curl. */
import { assert, assertEquals } from "@std/assert";
import { readProxyHeader } from "../../tools/net/proxy_header.ts";
import { writeAll } from "../../tools/net/writer.ts";
import { formatHostPort } from "../../tools/protocol/address.ts";
import { encodeProxyV1, encodeProxyV2, type Proxied } from "../../tools/protocol/proxy_protocol.ts";
import { missingProgram, processTestUnless } from "../support/permissions.ts";
import { runCommand, ServerProcess } from "../support/process.ts";
import { bytes, readAll, readText, streamOf } from "../support/stream.ts";

const HOMES = ["127.0.0.1", "::1"];

/** A port that was free a moment ago, for a peer that cannot choose one itself. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "::", port: 0 });
  return listener.addr.port;
}

/** Runs `test` with haproxy, which in master-worker mode says when it is ready. */
async function withHaproxy(sections: string, test: () => Promise<void>): Promise<void> {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(
      file,
      `defaults
         timeout connect 5s
         timeout client 5s
         timeout server 5s
      ${sections}\n`,
    );
    await using haproxy = new ServerProcess("haproxy", ["-W", "-f", file]);
    await haproxy.says(/Loading success/);
    await test();
    await haproxy.stop();
  } finally {
    await Deno.remove(file);
  }
}

for (const [version, encode] of [["v1", encodeProxyV1], ["v2", encodeProxyV2]] as const) {
  processTestUnless(
    missingProgram("haproxy"),
    `PROXY ${version}: what haproxy sends is read, and is what we would send`,
    async () => {
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const port = freePort();
      const send = version === "v1" ? "send-proxy" : "send-proxy-v2";
      await withHaproxy(
        `listen all
           mode tcp
           bind 127.0.0.1:${port}
           bind [::1]:${port}
           server here 127.0.0.1:${listener.addr.port} ${send}`,
        async () => {
          for (const hostname of HOMES) {
            using client = await Deno.connect({ hostname, port });
            await client.write(bytes("hello"));
            await client.closeWrite();
            using conn = await listener.accept();
            const sent = await readAll(conn);
            const proxied = { source: client.localAddr, destination: client.remoteAddr };
            assertEquals(sent, Uint8Array.of(...encode(proxied), ...bytes("hello")));
            const stream = streamOf(sent);
            const got = await readProxyHeader(stream);
            assertEquals(got && ends(got), ends(proxied));
            assertEquals(await readText(stream), "hello");
          }
        },
      );
    },
  );

  processTestUnless(
    missingProgram("haproxy"),
    `PROXY ${version}: haproxy takes from what we send whose connection it is`,
    async () => {
      const port = freePort();
      await withHaproxy(
        `frontend all
           mode http
           bind 127.0.0.1:${port} accept-proxy
           http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]"`,
        async () => {
          const table: [source: string, destination: string, seen?: [string, string]][] = [
            ["192.0.2.1", "198.51.100.7"],
            ["2001:db8::1", "2001:db8:1:2:3:4:5:6"],
            ["::ffff:192.0.2.1", "198.51.100.7", ["192.0.2.1", "198.51.100.7"]],
            ["2001:db8::1", "198.51.100.7", ["2001:db8::1", "::ffff:198.51.100.7"]],
          ];
          for (const [source, destination, [from, to] = [source, destination]] of table) {
            const header = encode({
              source: { hostname: source, port: 65535 },
              destination: { hostname: destination, port: 80 },
            });
            assertEquals(await ask(port, header), `${from} 65535 ${to} 80`);
          }
          const own = await ask(port, encode());
          assert(new RegExp(`^127\\.0\\.0\\.1 \\d+ 127\\.0\\.0\\.1 ${port}$`).test(own), own);
        },
      );
    },
  );
}

function ends({ source, destination }: Proxied): string[] {
  return [source, destination].map(({ hostname, port }) => formatHostPort(hostname, port));
}

/** What the server at `port` answers to a request after `header`. */
async function ask(port: number, header: Uint8Array): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  await writeAll(conn, Uint8Array.of(...header, ...bytes(request)));
  return (await readText(conn)).split("\r\n\r\n")[1] ?? "";
}

processTestUnless(
  missingProgram("curl"),
  "PROXY v1: what curl sends is read, and its request after it",
  async () => {
    for (const hostname of HOMES) {
      using listener = Deno.listen({ hostname, port: 0 });
      const url = `http://${formatHostPort(hostname, listener.addr.port)}/`;
      const curl = runCommand("curl", ["-sS", "--haproxy-protocol", url]);
      using conn = await listener.accept();
      const proxied = await readProxyHeader(conn);
      assertEquals(
        proxied && ends(proxied),
        ends({ source: conn.remoteAddr, destination: conn.localAddr }),
      );
      const buffer = new Uint8Array(4096);
      const length = await conn.read(buffer) ?? 0;
      assertEquals(new TextDecoder().decode(buffer.subarray(0, 16)), "GET / HTTP/1.1\r\n");
      assert(length > 16);
      await conn.write(bytes("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
      assertEquals(await curl, { code: 0, stdout: "hello", stderr: "" });
    }
  },
);
