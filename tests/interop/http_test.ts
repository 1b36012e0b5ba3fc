/** The http client and curl against the same servers: the same bytes. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { missingProgram, processTestUnless } from "../support/permissions.ts";
import { run, runCommand, ServerProcess } from "../support/process.ts";
import { fileHas, startHttp } from "../clients/http/program.ts";
import { AUTHORITY, SERVER } from "../support/identities.ts";

const GIB = 2 ** 30;

// nginx says on standard error, and so do we in python, when it is ready.
const NGINX = (port: number, secure: number, site: string, work: string): string => `
  daemon off; master_process off; pid ${work}/nginx.pid; error_log stderr notice; worker_processes 1;
  events {}
  http {
    access_log off; default_type application/octet-stream;
    client_body_temp_path ${work}; proxy_temp_path ${work}; fastcgi_temp_path ${work};
    uwsgi_temp_path ${work}; scgi_temp_path ${work};
    server {
      listen 127.0.0.1:${port}; root ${site};
      listen 127.0.0.1:${secure} ssl; ssl_certificate ${work}/cert.pem; ssl_certificate_key ${work}/key.pem;
      location /packed/ { alias ${site}/; gzip on; gzip_types *; gzip_min_length 1; }
      location /moved { return 302 /index.html; }
      location /slow/ { alias ${site}/; limit_rate 1m; }
      location /put/ { root ${work}; dav_methods PUT DELETE; create_full_put_path on; client_max_body_size 0; }
      location /put/small/ { root ${work}; dav_methods PUT; client_max_body_size 1k; }
    }
  }`;

const PYTHON = `
import http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if not self.path.startswith("/chunked/"):
            return super().do_GET()
        data = open(self.path[9:], "rb").read()
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(data), 7777):
            part = data[at:at + 7777]
            self.wfile.write(b"%x\\r\\n%s\\r\\n" % (len(part), part))
        self.wfile.write(b"0\\r\\nX-Trailer: yes\\r\\n\\r\\n")
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print("listening on tcp 127.0.0.1:%d" % server.server_port, file=sys.stderr, flush=True)
server.serve_forever()
`;

/** A folder with something of each kind to fetch. */
async function makeSite(): Promise<string> {
  const site = await Deno.makeTempDir();
  await Deno.writeTextFile(`${site}/index.html`, "<p>hello\n");
  const noise = new Uint8Array(300_000);
  for (let i = 0; i < noise.length; i += 65536) {
    crypto.getRandomValues(noise.subarray(i, i + 65536));
  }
  await Deno.writeFile(`${site}/noise`, noise);
  await Deno.writeTextFile(`${site}/words`, "the same words again and again\n".repeat(20_000));
  // 1 GiB that takes no room, but for some noise at its ends and in its middle.
  using large = await Deno.open(`${site}/large`, { write: true, create: true });
  await large.truncate(GIB);
  for (const at of [0, GIB / 2 - 77, GIB - noise.length]) {
    await large.seek(at, Deno.SeekMode.Start);
    await large.write(noise);
  }
  return site;
}

/** Fetches `url` with both clients and compares what they saved. */
async function compare(folder: string, url: string, ...options: string[]): Promise<void> {
  const [ours, theirs] = [`${folder}/ours`, `${folder}/theirs`];
  const http = await run("clients/http.ts", [...options, "-o", ours, url]);
  assertEquals([http.code, http.stderr], [0, ""], url);
  const curl = await runCommand("curl", ["-sS", ...options, "-o", theirs, url]);
  assertEquals(curl.code, 0, url);
  await assertSame(ours, theirs);
  assert((await Deno.stat(ours)).size > 0);
}

async function assertSame(ours: string, theirs: string): Promise<void> {
  const cmp = await runCommand("cmp", [ours, theirs]);
  assertEquals([cmp.code, cmp.stdout], [0, ""], theirs);
}

async function withSite(test: (site: string, work: string) => Promise<void>): Promise<void> {
  const [site, work] = [await makeSite(), await Deno.makeTempDir()];
  try {
    await test(site, work);
  } finally {
    await Deno.remove(site, { recursive: true });
    await Deno.remove(work, { recursive: true });
  }
}

/** A port that was free a moment ago, for a peer that cannot choose one itself. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Runs `test` with an nginx that serves the site; `url` has its port, `secure` the one with TLS. */
async function withNginx(
  test: (nginx: { url: string; secure: string; site: string; work: string }) => Promise<void>,
): Promise<void> {
  await withSite(async (site, work) => {
    const [port, secure] = [freePort(), freePort()];
    await Deno.writeTextFile(`${work}/cert.pem`, SERVER.cert);
    await Deno.writeTextFile(`${work}/key.pem`, SERVER.key);
    await Deno.writeTextFile(`${work}/ca.pem`, AUTHORITY);
    await Deno.writeTextFile(`${work}/nginx.conf`, NGINX(port, secure, site, work));
    await using nginx = new ServerProcess("nginx", ["-c", `${work}/nginx.conf`, "-p", work]);
    await nginx.says(/getrlimit|start worker|using the/);
    await test({
      url: `http://127.0.0.1:${port}`,
      secure: `https://localhost:${secure}`,
      site,
      work,
    });
  });
}

processTestUnless(
  missingProgram("curl") ?? missingProgram("nginx"),
  "http gets from nginx what curl gets: plain, compressed, ranges, redirects, 1 GiB",
  () =>
    withNginx(async ({ url, work }) => {
      await compare(work, `${url}/index.html`);
      await compare(work, `${url}/noise`);
      await compare(work, `${url}/noise`, "-r", "1000-2999");
      await compare(work, `${url}/noise`, "-r", "-300");
      await compare(work, `${url}/packed/words`, "--compressed");
      await compare(work, `${url}/packed/words`, "-H", "Accept-Encoding: gzip");
      await compare(work, `${url}/packed/words`);
      await compare(work, `${url}/moved`, "-L");
      await compare(work, `${url}/large`);
    }),
);

processTestUnless(
  missingProgram("curl") ?? missingProgram("nginx"),
  "https gets from nginx what curl gets: plain, compressed, 1 GiB",
  () =>
    withNginx(async ({ secure, work }) => {
      const trust = ["--cacert", `${work}/ca.pem`];
      await compare(work, `${secure}/noise`, ...trust);
      await compare(work, `${secure}/packed/words`, "--compressed", ...trust);
      await compare(work, `${secure}/large`, ...trust);
    }),
);

processTestUnless(
  missingProgram("nginx"),
  "http completes a download from nginx that was cut, and knows when it is complete",
  () =>
    withNginx(async ({ url, site, work }) => {
      // Only a time a second older than the answer can tell two versions apart.
      const changed = new Date("2001-02-03T04:05:06Z");
      await Deno.utime(`${site}/large`, changed, changed);
      const cake = `${work}/cake`;
      await using slow = startHttp(["-o", cake, `${url}/slow/large`], work);
      await fileHas(cake, 1);
      assertEquals(await slow.stop("SIGINT"), 130);
      const { size } = await Deno.stat(cake);
      assert(size < GIB, "it was not cut");
      const rest = await run("clients/http.ts", ["-v", "-C", "-", "-o", cake, `${url}/large`]);
      assertEquals(rest.code, 0);
      assertStringIncludes(rest.stderr, `< Content-Range: bytes ${size}-${GIB - 1}/${GIB}\n`);
      await assertSame(cake, `${site}/large`);
      const again = await run("clients/http.ts", ["-C", "-", "-o", cake, `${url}/large`]);
      assertEquals([again.code, again.stderr], [0, `http: ${cake}: is complete\n`]);
      // Another version, though as long: all of it again.
      await Deno.utime(`${site}/large`, changed, new Date("2002-02-03T04:05:06Z"));
      await Deno.truncate(cake, 1000);
      await Deno.utime(cake, changed, changed);
      const other = await run("clients/http.ts", ["-C", "-", "-o", cake, `${url}/large`]);
      assertEquals([other.code, /all of it again/.test(other.stderr)], [0, true]);
      await assertSame(cake, `${site}/large`);
    }),
);

processTestUnless(
  missingProgram("nginx"),
  "http uploads to nginx: a file, 1 GiB, standard input, and one that is refused",
  () =>
    withNginx(async ({ url, site, work }) => {
      const put = async (file: string, to: string): Promise<void> => {
        const { code, stderr } = await run("clients/http.ts", ["-T", file, `${url}${to}`]);
        assertEquals([code, stderr], [0, ""]);
      };
      await put(`${site}/noise`, "/put/");
      await assertSame(`${work}/put/noise`, `${site}/noise`);
      await put(`${site}/large`, "/put/deep/down/large");
      await assertSame(`${work}/put/deep/down/large`, `${site}/large`);
      const typed = await run("clients/http.ts", ["-T", "-", `${url}/put/typed`], {
        stdin: "by hand",
      });
      assertEquals(typed.code, 0);
      assertEquals(await Deno.readTextFile(`${work}/put/typed`), "by hand");
      const refused = await run("clients/http.ts", [
        "-v",
        "-T",
        `${site}/large`,
        `${url}/put/small/`,
      ]);
      assertEquals(refused.code, 1);
      assertStringIncludes(refused.stderr, "large: 413 Request Entity Too Large\n");
      assert(!refused.stderr.includes("< HTTP/1.1 100"), "the body was sent");
      const gone = await run("clients/http.ts", ["-X", "DELETE", `${url}/put/noise`]);
      assertEquals([gone.code, gone.stderr], [0, ""]);
      const not = await run("clients/http.ts", ["-T", `${site}/noise`, `${url}/`]);
      assertEquals([not.code, /405 Not Allowed/.test(not.stderr)], [1, true]);
    }),
);

processTestUnless(
  missingProgram("curl") ?? missingProgram("python3"),
  "http gets from python's http.server what curl gets: plain and chunked",
  () =>
    withSite(async (site, work) => {
      await using python = new ServerProcess("python3", ["-c", PYTHON], { cwd: site });
      const url = `http://127.0.0.1:${await python.port()}`;
      await compare(work, `${url}/noise`);
      await compare(work, `${url}/words`);
      await compare(work, `${url}/chunked/noise`);
      await compare(work, `${url}/`);
      // It sends no ranges: all of it again.
      await Deno.writeFile(`${work}/part`, (await Deno.readFile(`${site}/noise`)).subarray(0, 999));
      const rest = await run("clients/http.ts", ["-C-", "-o", `${work}/part`, `${url}/noise`]);
      assertEquals([rest.code, /all of it again/.test(rest.stderr)], [0, true]);
      await assertSame(`${work}/part`, `${site}/noise`);
    }),
);
