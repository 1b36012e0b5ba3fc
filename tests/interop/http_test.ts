/** The http client and curl against the same servers: the same bytes. */
import { assert, assertEquals } from "@std/assert";
import { missingProgram, processTestUnless } from "../support/permissions.ts";
import { run, runCommand, ServerProcess } from "../support/process.ts";

const GIB = 2 ** 30;

// nginx says on standard error, and so do we in python, when it is ready.
const NGINX = (port: number, site: string, work: string): string => `
  daemon off; master_process off; pid ${work}/nginx.pid; error_log stderr notice; worker_processes 1;
  events {}
  http {
    access_log off; default_type application/octet-stream;
    client_body_temp_path ${work}; proxy_temp_path ${work}; fastcgi_temp_path ${work};
    uwsgi_temp_path ${work}; scgi_temp_path ${work};
    server {
      listen 127.0.0.1:${port}; root ${site};
      location /packed/ { alias ${site}/; gzip on; gzip_types *; gzip_min_length 1; }
      location /moved { return 302 /index.html; }
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
  const cmp = await runCommand("cmp", [ours, theirs]);
  assertEquals([cmp.code, cmp.stdout], [0, ""], url);
  assert((await Deno.stat(ours)).size > 0);
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

processTestUnless(
  missingProgram("curl") ?? missingProgram("nginx"),
  "http gets from nginx what curl gets: plain, compressed, ranges, redirects, 1 GiB",
  () =>
    withSite(async (site, work) => {
      const port = freePort();
      await Deno.writeTextFile(`${work}/nginx.conf`, NGINX(port, site, work));
      await using nginx = new ServerProcess("nginx", ["-c", `${work}/nginx.conf`, "-p", work]);
      await nginx.says(/getrlimit|start worker|using the/);
      const url = `http://127.0.0.1:${port}`;
      await compare(work, `${url}/index.html`);
      await compare(work, `${url}/noise`);
      await compare(work, `${url}/noise`, "-r", "1000-2999");
      await compare(work, `${url}/packed/words`, "--compressed");
      await compare(work, `${url}/packed/words`, "-H", "Accept-Encoding: gzip");
      await compare(work, `${url}/moved`, "-L");
      await compare(work, `${url}/large`);
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
    }),
);
