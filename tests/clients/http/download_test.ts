/** What the http program does with files. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { gzipSync } from "node:zlib";
import { latin1 } from "../../../tools/protocol/text.ts";
import { processTest } from "../../support/permissions.ts";
import { ROOT, run, runCommand } from "../../support/process.ts";
import { webServer } from "../../support/web.ts";
import { DATES, fileHas, HELLO, http, inFolder, MODIFIED, OK, startHttp } from "./program.ts";

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
      const byDate = await http(["-z", MODIFIED, url], { cwd });
      assertEquals([byDate.code, byDate.stderr], [0, "http: not modified\n"]);
      const always = await http(["-z", "no such", url], { cwd });
      assertEquals([always.code, always.stdout], [0, "hello"]);
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

processTest("http cannot resume what changed in the second in which it was sent", async () => {
  const dates = `Date: ${MODIFIED}\r\nLast-Modified: ${MODIFIED}\r\n`;
  await using server = webServer(() => `${OK}${dates}Content-Length: 10\r\n\r\nhello`);
  await inFolder(async (cwd) => {
    const { code, stderr } = await http(["-O", `127.0.0.1:${server.port}/cake`], { cwd });
    assertEquals(code, 1);
    assertMatch(stderr, /; cake has the first 5 bytes\n$/);
    const { mtime } = await Deno.stat(`${cwd}/cake`);
    assert(mtime && mtime > new Date(MODIFIED));
  });
});

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
  await inFolder(async (cwd) => {
    const saved = await http(["-o", "bomb", ...args], { cwd });
    assertEquals([saved.code, (await Deno.stat(`${cwd}/bomb`)).size], [1, 65536]);
    assertMatch(saved.stderr, /; bomb has the first 65536 bytes\n$/);
  });
  answer = `${OK}Content-Length: 100000\r\n\r\n`;
  const known = await http(args);
  assertEquals([known.code, known.stdout], [1, ""]);
  assertStringIncludes(known.stderr, "the body has 100000 bytes");
});

processTest("http -C - says so when the server sends less than the rest", async () => {
  await using server = webServer(() =>
    `HTTP/1.1 206 Partial Content\r\n${DATES}Content-Range: bytes 5-6/10\r\n` +
    "Content-Length: 2\r\n\r\nwo"
  );
  await inFolder(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/cake`, "hello");
    const { code, stderr } = await http(["-C-", "-ocake", `127.0.0.1:${server.port}`], { cwd });
    assertEquals(code, 1);
    assertStringIncludes(
      stderr,
      "a part that ends before byte 10; cake has the first 7 bytes (-C - resumes)",
    );
    assertEquals(await Deno.readTextFile(`${cwd}/cake`), "hellowo");
  });
});

processTest("http takes no part of a file for all of it", async () => {
  await using server = webServer(() =>
    "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\nworld"
  );
  await inFolder(async (cwd) => {
    const url = `127.0.0.1:${server.port}`;
    const { code, stderr } = await http(["-o", "cake", url], { cwd });
    assertEquals(code, 1);
    assertStringIncludes(stderr, "the server sent a part (206), though all of it was asked for");
    assertEquals([...Deno.readDirSync(cwd)], []);
    assertEquals((await http(["-r", "5-9", "-o", "cake", url], { cwd })).code, 0);
    assertEquals(await Deno.readTextFile(`${cwd}/cake`), "world");
  });
});

processTest("http keeps a file when the answer has no body, and says where it moved", async () => {
  let answer = "HTTP/1.1 204 No Content\r\n\r\n";
  await using server = webServer(() => answer);
  await inFolder(async (cwd) => {
    await Deno.writeTextFile(`${cwd}/cake`, "hello");
    const args = ["-o", "cake", `http://127.0.0.1:${server.port}/`];
    assertEquals(await http(args, { cwd }), { code: 0, stdout: "", stderr: "" });
    answer = "HTTP/1.1 301 Moved\r\nLocation: /there\x1b[2J\r\nContent-Length: 0\r\n\r\n";
    const { code, stderr } = await http(args, { cwd });
    assertEquals([code, stderr], [
      0,
      `http: ${args[2]}: 301 Moved: it is at /there\\x1b[2J (-L follows)\n`,
    ]);
    assertEquals(await Deno.readTextFile(`${cwd}/cake`), "hello");
  });
});

processTest("http stopped by a signal keeps what it has; -C - completes it", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = serveTwice(listener);
  await inFolder(async (cwd) => {
    const args = ["-OC-", `http://127.0.0.1:${listener.addr.port}/cake`];
    await using first = startHttp(args, cwd);
    await fileHas(`${cwd}/cake`, 5);
    assertEquals(await first.stop("SIGINT"), 130);
    assertEquals(
      first.stderr,
      "http: interrupted; cake has the first 5 bytes (-C - resumes)\n",
    );
    assertEquals(await http(args, { cwd }), { code: 0, stdout: "", stderr: "" });
    assertEquals(await Deno.readTextFile(`${cwd}/cake`), "helloworld");
  });
  listener.close();
  await serving;
});

/** Sends half of a file and then nothing more; to the next client, the other half. */
async function serveTwice(listener: Deno.TcpListener): Promise<void> {
  const answers = [
    `${OK}${DATES}Content-Length: 10\r\n\r\nhello`,
    `HTTP/1.1 206 Partial Content\r\n${DATES}Content-Range: bytes 5-9/10\r\n` +
    "Content-Length: 5\r\n\r\nworld",
  ];
  for await (const conn of listener) {
    using _conn = conn;
    await conn.read(new Uint8Array(4096));
    await conn.write(new TextEncoder().encode(answers.shift()));
    await conn.read(new Uint8Array(1)).catch(() => null);
  }
}

processTest("http says what it has when the disk is full", async () => {
  await using server = webServer(() => HELLO);
  const args = ["-o", "/dev/full", `127.0.0.1:${server.port}`];
  // Only with all permissions does Deno open a device.
  const { code, stderr } = await run("clients/http.ts", args);
  assertEquals([code, stderr], [
    4,
    "http: /dev/full: no space left on the disk\n",
  ]);
});

processTest("http writes into a FIFO", async () => {
  await using server = webServer(() => HELLO);
  await inFolder(async (cwd) => {
    await runCommand("mkfifo", [`${cwd}/fifo`]);
    const [saved, read] = await Promise.all([
      http(["-o", "fifo", `127.0.0.1:${server.port}`], { cwd }),
      runCommand("cat", [`${cwd}/fifo`]),
    ]);
    assertEquals([saved.code, saved.stderr, read.stdout], [0, "", "hello"]);
  });
});

processTest("http ends quietly when nobody reads on", async () => {
  await using server = webServer(() => `${OK}\r\n${"again ".repeat(500_000)}`);
  const line = `"$0" run --quiet -A clients/http.ts 127.0.0.1:${server.port} | head -c 5`;
  const { stdout, stderr } = await runCommand("sh", ["-c", line, Deno.execPath()], { cwd: ROOT });
  assertEquals([stdout, stderr], ["again", ""]);
});
