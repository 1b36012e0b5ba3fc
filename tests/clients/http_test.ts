/** The http program as its user meets it. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import { command } from "../../clients/http.ts";
import { latin1 } from "../../tools/protocol/text.ts";
import { processTest } from "../support/permissions.ts";
import { type Ended, run } from "../support/process.ts";
import { webServer } from "../support/web.ts";

const OK = "HTTP/1.1 200 OK\r\n";
const MODIFIED = "Sun, 22 Feb 1998 17:37:43 GMT";
const DATES = `Date: Mon, 23 Feb 1998 00:00:00 GMT\r\nLast-Modified: ${MODIFIED}\r\n`;
const HELLO = `${OK}Content-Length: 5\r\n\r\nhello`;

function http(
  args: string[],
  options: { stdin?: string; cwd?: string } = {},
): Promise<Ended> {
  return run("clients/http.ts", args, {
    permissions: command.permissions,
    ...options,
  });
}

/** Runs `test` in a new folder. */
async function inFolder(
  test: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

processTest(
  "http shows the body; with -i, or as gethttp, the head too",
  async () => {
    await using server = webServer(() => `${OK}X: \x1b[2J\r\nContent-Length: 5\r\n\r\nhello`);
    const url = `127.0.0.1:${server.port}`;
    assertEquals(await http([url]), { code: 0, stdout: "hello", stderr: "" });
    const whole = `${OK}X: \\x1b[2J\r\nContent-Length: 5\r\n\r\nhello`;
    assertEquals((await http(["-i", url])).stdout, whole);
  },
);

processTest(
  "http -I asks for the head alone, -v shows the dialogue without passwords",
  async () => {
    await using server = webServer(() => `${OK}Content-Length: 5\r\n\r\n`);
    const { code, stdout, stderr } = await http([
      "-vI",
      "-uada:secret",
      `127.0.0.1:${server.port}/x`,
    ]);
    assertEquals([code, stdout], [0, `${OK}Content-Length: 5\r\n\r\n`]);
    assertStringIncludes(stderr, "> HEAD /x HTTP/1.1\n");
    assertStringIncludes(stderr, "> Authorization: Basic ***\n");
    assertStringIncludes(stderr, "< HTTP/1.1 200 OK\n");
    assertStringIncludes(
      stderr,
      "* body: the answer to HEAD has no body (RFC 9112 6.3.1)\n",
    );
    assertStringIncludes(
      server.requests[0] ?? "",
      `Basic ${btoa("ada:secret")}`,
    );
  },
);

processTest("http sends methods, fields and data as told", async () => {
  await using server = webServer(() => HELLO);
  const url = `http://127.0.0.1:${server.port}/form`;
  const args = [
    "-d",
    "a=1",
    "-d",
    "@-",
    "-H",
    "X-Two: 2",
    "-H",
    "Accept:",
    "-XPATCH",
    url,
  ];
  assertEquals((await http(args, { stdin: "b=\r\n" })).code, 0);
  const [request = ""] = server.requests;
  assertMatch(request, /^PATCH \/form HTTP\/1\.1\r\n/);
  assertMatch(request, /\r\nX-Two: 2\r\n/);
  assertMatch(
    request,
    /\r\nContent-Type: application\/x-www-form-urlencoded\r\n/,
  );
  assert(!/^Accept:/m.test(request));
  assert(request.endsWith("\r\n\r\na=1&b=\r\n"));
});

processTest(
  "http -T uploads a file, into a folder under its own name",
  async () => {
    await using server = webServer(() => `${OK}Content-Length: 0\r\n\r\n`);
    await inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/my cake`, "flour");
      const { code } = await http([
        "-T",
        `${folder}/my cake`,
        `127.0.0.1:${server.port}/up/`,
      ]);
      assertEquals(code, 0);
      const [request = ""] = server.requests;
      assertMatch(request, /^PUT \/up\/my%20cake HTTP\/1\.1\r\n/);
      assertMatch(request, /\r\nExpect: 100-continue\r\nContent-Length: 5\r\n/);
    });
  },
);

processTest(
  "http: 400 and above is exit code 1, with the body still shown",
  async () => {
    await using server = webServer(() => "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nlost");
    const { code, stdout, stderr } = await http([`127.0.0.1:${server.port}/x`]);
    assertEquals([code, stdout], [1, "lost"]);
    assertEquals(
      stderr,
      `http: http://127.0.0.1:${server.port}/x: 404 Not Found\n`,
    );
    await inFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/kept`, "kept");
      const saved = await http(["-o", "kept", `127.0.0.1:${server.port}`], {
        cwd: folder,
      });
      assertEquals([saved.code, saved.stdout], [1, "lost"]);
      assertEquals(await Deno.readTextFile(`${folder}/kept`), "kept");
    });
  },
);

processTest(
  "http -O saves under the URL's name with the server's time; -z then asks if newer",
  async () => {
    await using server = webServer((request) =>
      request.includes(`If-Modified-Since: ${MODIFIED}`)
        ? "HTTP/1.1 304 Not Modified\r\n\r\n"
        : `${OK}${DATES}Content-Length: 5\r\n\r\nhello`
    );
    await inFolder(async (cwd) => {
      const url = `http://127.0.0.1:${server.port}/a/my%20cake?x=/y`;
      assertEquals((await http(["-O", url], { cwd })).code, 0);
      assertEquals(await Deno.readTextFile(`${cwd}/my cake`), "hello");
      assertEquals(
        (await Deno.stat(`${cwd}/my cake`)).mtime,
        new Date(MODIFIED),
      );
      const again = await http(["-O", "-z", "my cake", url], { cwd });
      assertEquals([again.code, again.stderr], [0, "http: not modified\n"]);
      assertEquals(await Deno.readTextFile(`${cwd}/my cake`), "hello");
    });
  },
);

processTest("http -O makes no file outside the folder", async () => {
  for (const path of ["", "a/", "a/..", "%2e%2e", "..%2fx", "a%00b", "%0a"]) {
    const { code, stderr } = await http(["-O", `http://127.0.0.1:9/${path}`]);
    assertEquals([code, /use -o FILE/.test(stderr)], [2, true], path);
  }
});

processTest(
  "http keeps the part of a truncated body, and -C - completes it",
  async () => {
    await using server = webServer((request) =>
      !request.includes("Range: bytes=5-")
        ? `${OK}${DATES}Content-Length: 10\r\n\r\nhello`
        : request.includes(`If-Range: ${MODIFIED}`)
        ? `HTTP/1.1 206 Partial Content\r\n${DATES}Content-Range: bytes 5-9/10\r\n` +
          "Content-Length: 5\r\n\r\nworld"
        : `${OK}Content-Length: 3\r\n\r\nnew`
    );
    const url = `http://127.0.0.1:${server.port}/cake`;
    await inFolder(async (cwd) => {
      const first = await http(["-O", url], { cwd });
      assertEquals(first.code, 1);
      assertStringIncludes(first.stderr, "the body ended after 5 of 10 bytes");
      assertStringIncludes(
        first.stderr,
        "cake has the first 5 bytes (-C - resumes)",
      );
      assertEquals(await Deno.readTextFile(`${cwd}/cake`), "hello");
      assertEquals((await http(["-OC-", url], { cwd })).code, 0);
      assertEquals(await Deno.readTextFile(`${cwd}/cake`), "helloworld");
    });
    await inFolder(async (cwd) => {
      // Any other beginning may be one of another version: the server decides, by its time.
      await Deno.writeTextFile(`${cwd}/cake`, "jelly");
      const { code, stderr } = await http(["-OC", "-", url], { cwd });
      assertEquals([code, stderr], [
        0,
        "http: cake: has changed, or the server has no ranges: all of it again\n",
      ]);
      assertEquals(await Deno.readTextFile(`${cwd}/cake`), "new");
    });
  },
);

processTest(
  "http -C - takes 416 for a complete file, and no other part than the rest",
  async () => {
    let answer = "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */5\r\n\r\n";
    await using server = webServer(() => answer);
    await inFolder(async (cwd) => {
      await Deno.writeTextFile(`${cwd}/cake`, "hello");
      const args = ["-C", "-", "-o", "cake", `127.0.0.1:${server.port}`];
      assertEquals(await http(args, { cwd }), {
        code: 0,
        stdout: "",
        stderr: "http: cake: is complete\n",
      });
      answer = "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */3\r\n\r\n";
      assertEquals((await http(args, { cwd })).code, 1);
      answer = "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4/10\r\n\r\nworld";
      const wrong = await http(args, { cwd });
      assertEquals(wrong.code, 1);
      assertStringIncludes(
        wrong.stderr,
        "asked for the rest from byte 5, got another part",
      );
      assertEquals(await Deno.readTextFile(`${cwd}/cake`), "hello");
    });
  },
);

processTest(
  "http -L follows redirects, as many as --max-redirs says",
  async () => {
    await using server = webServer((request) =>
      request.startsWith("GET /end")
        ? HELLO
        : `HTTP/1.1 302 Found\r\nLocation: ${
          request.startsWith("GET /loop") ? "/loop" : "end"
        }\r\n\r\n`
    );
    const url = `http://127.0.0.1:${server.port}`;
    assertEquals(await http(["-L", `${url}/start`]), {
      code: 0,
      stdout: "hello",
      stderr: "",
    });
    assertEquals((await http([`${url}/start`])).code, 0);
    assertEquals(server.requests.length, 3);
    const looping = await http(["-L", "--max-redirs", "3", `${url}/loop`]);
    assertEquals([looping.code, server.requests.length], [1, 3 + 4]);
    assertStringIncludes(looping.stderr, "redirected more than 3 times");
  },
);

processTest("http --max-filesize limits what is written", async () => {
  const bomb = gzipSync(new Uint8Array(10_000_000));
  let answer = `${OK}Content-Encoding: gzip\r\n\r\n${latin1(bomb)}`;
  await using server = webServer(() => answer);
  const args = [
    "--compressed",
    "--max-filesize",
    "64K",
    `127.0.0.1:${server.port}`,
  ];
  const { code, stdout, stderr } = await http(args);
  assertEquals([code, stdout.length], [1, 65536]);
  assertStringIncludes(
    stderr,
    "the body is larger than --max-filesize (65536 bytes)",
  );
  answer = `${OK}Content-Length: 100000\r\n\r\n`;
  const known = await http(args);
  assertEquals([known.code, known.stdout], [1, ""]);
  assertStringIncludes(known.stderr, "the body has 100000 bytes");
});

processTest(
  "http -r asks for a range; --resolve says where a name is",
  async () => {
    await using server = webServer(() => HELLO);
    const { port } = server;
    const { code } = await http([
      "-r",
      "0-4",
      "--resolve",
      `www:${port}:127.0.0.1`,
      `www:${port}`,
    ]);
    assertEquals(code, 0);
    assertMatch(
      server.requests[0] ?? "",
      new RegExp(`Host: www:${port}\\r\\n[^]*Range: bytes=0-4\\r\\n`),
    );
  },
);

processTest(
  "http: every mistake is one clear line and its exit code",
  async () => {
    const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = closed.addr;
    closed.close();
    await using garbage = webServer(() => "SSH-2.0-OpenSSH_9.2\r\n");
    const rows: [args: string[], code: number, line: RegExp][] = [
      [[], 2, /^http: too few words; usage: http URL\|HOST/],
      [["a", "b"], 2, /^http: too many words/],
      [
        ["--locaton", "www"],
        2,
        /^http: unknown option --locaton; is it --location\?/,
      ],
      [
        ["--port", "99999", "www"],
        2,
        /^http: --port 99999: a port is a number from 1 to 65535/,
      ],
      [["www:99999"], 2, /^http: "www:99999": this is not a URL or a host/],
      [["ftp://www/"], 2, /^http: "ftp:\/\/www\/": ftp:\/\/ is not known here/],
      [["-r", "5-1", "www"], 2, /^http: --range 5-1: give a range such as/],
      [
        ["-H", "a b: c", "www"],
        2,
        /^http: --header a b: c: give 'NAME: VALUE'/,
      ],
      [
        ["-H", "A: b\r\nC: d", "www"],
        2,
        /^http: --header A: b\\r\\nC: d: a field holds no CR/,
      ],
      [["-X", "GET /", "www"], 2, /^http: -X: "GET \/" is not a method/],
      [["-I", "-d", "x", "www"], 2, /^http: -I, -d and -T: one of them/],
      [["-C", "-", "www"], 2, /^http: -C needs -o or -O/],
      [["-u", "ada", "www"], 2, /^http: -u: give NAME:PASSWORD/],
      [
        ["-T", "/no/such", "www"],
        4,
        /^http: \/no\/such: no such file or folder/,
      ],
      [
        ["-o", "/no/such", `127.0.0.1:${garbage.port}`],
        1,
        /is not HTTP\/1.1: it begins with "SSH-2.0/,
      ],
      [
        [`127.0.0.1:${port}`],
        3,
        /^http: 127\.0\.0\.1:\d+: connection refused \(is a server/,
      ],
      [
        ["http://nosuch.invalid/"],
        3,
        /^http: nosuch\.invalid:80: no such host/,
      ],
    ];
    for (const [args, code, line] of rows) {
      const ended = await http(args);
      assertMatch(ended.stderr, line);
      assertEquals([ended.code, ended.stderr.trimEnd().split("\n").length], [
        code,
        1,
      ], ended.stderr);
    }
  },
);

processTest("http gives up on a silent server after --timeout", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await http([
    "--timeout",
    "50ms",
    `127.0.0.1:${listener.addr.port}`,
  ]);
  assertEquals(
    [code, /: no answer in time\n$/.test(stderr)],
    [3, true],
    stderr,
  );
});

processTest(
  "http saves into a file that cannot be made: exit code 4",
  async () => {
    await using server = webServer(() => HELLO);
    const { code, stderr } = await http([
      "-o",
      "/no/such/file",
      `127.0.0.1:${server.port}`,
    ]);
    assertEquals([code, stderr], [
      4,
      "http: /no/such/file: no such file or folder\n",
    ]);
  },
);
