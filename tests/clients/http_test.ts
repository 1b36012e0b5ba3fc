/** The http program as its user meets it: requests and answers. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { missingProgram, processTest, processTestUnless } from "../support/permissions.ts";
import { commandLine, run, runCommand } from "../support/process.ts";
import { webServer } from "../support/web.ts";
import { HELLO, http, inFolder, OK } from "./http/program.ts";

processTest(
  "http shows the body; with -i, or as gethttp, the head too",
  async () => {
    await using server = webServer(() => `${OK}X: \x1b[2J\r\nContent-Length: 5\r\n\r\nhello`);
    const url = `127.0.0.1:${server.port}`;
    assertEquals(await http([url]), { code: 0, stdout: "hello", stderr: "" });
    const whole = `${OK}X: \\x1b[2J\r\nContent-Length: 5\r\n\r\nhello`;
    assertEquals((await http(["-i", url])).stdout, whole);
    assertEquals((await run("tools/labsock.ts", ["gethttp", url])).stdout, whole);
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
    await using away = webServer(() =>
      "HTTP/1.1 302 Found\r\nLocation: http://nosuch.invalid/\r\n\r\n"
    );
    const lost = await http(["-L", `http://127.0.0.1:${away.port}`]);
    assertEquals([lost.code, /^http: nosuch\.invalid:80: /.test(lost.stderr)], [3, true]);
  },
);

processTest(
  "http -r asks for a range; --resolve says where a name is",
  async () => {
    await using server = webServer(() => HELLO);
    const { port } = server;
    const resolve = ["--resolve", `www:${port}:127.0.0.1`];
    assertEquals(await http(["-r", "0-4", ...resolve, `www:${port}`]), {
      code: 0,
      stdout: "hello",
      stderr: "http: the server sends no ranges: this is all of it\n",
    });
    assertMatch(
      server.requests[0] ?? "",
      new RegExp(`Host: www:${port}\\r\\n[^]*Range: bytes=0-4\\r\\n`),
    );
  },
);

processTestUnless(
  missingProgram("script"),
  "http at a terminal asks for a password, and shows nothing that could steer the terminal",
  async () => {
    await using server = webServer(() => `${OK}\r\n\x1b[2Jhello\r\n`);
    const args = commandLine("clients/http.ts", ["-u", "ada", `127.0.0.1:${server.port}`]);
    const line = `'${Deno.execPath()}' ${args.join(" ")}`;
    const ended = await runCommand("script", ["-qec", line, "/dev/null"], { stdin: "secret\n" });
    assertMatch(ended.stdout, /Password for ada: [^]*\*\*\*\*\*\*[^]*\n\\x1b\[2Jhello\r\n$/);
    assertStringIncludes(server.requests[0] ?? "", `Basic ${btoa("ada:secret")}`);
    assertEquals(ended.code, 0);
  },
);
