import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import {
  CAP_OPTIONS,
  capsFrom,
  idleOption,
  listenOptions,
  LOG_OPTIONS,
} from "../../../tools/net/server.ts";
import { UsageError } from "../../../tools/program/failure.ts";
import { parseOptions } from "../../../tools/program/options.ts";
import { processTest } from "../../support/permissions.ts";
import { commandLine, run } from "../../support/process.ts";

Deno.test("the options of servers are read, and have their defaults", () => {
  const table = { ...listenOptions(13), ...CAP_OPTIONS, ...LOG_OPTIONS, ...idleOption("5m") };
  assertEquals(parseOptions(table, []).options, {
    host: [],
    port: undefined,
    maxConnections: undefined,
    maxPerAddress: undefined,
    log: "text",
    quiet: false,
    idleTimeout: 300_000,
  });
  const line = "--host ::1 --host 127.0.0.1 --port 0 --max-connections 9 --max-per-address 2 " +
    "--log json --quiet --idle-timeout 5s";
  assertEquals(parseOptions(table, line.split(" ")).options, {
    host: ["::1", "127.0.0.1"],
    port: 0,
    maxConnections: 9,
    maxPerAddress: 2,
    log: "json",
    quiet: true,
    idleTimeout: 5000,
  });
  for (const wrong of ["--log=xml", "--max-connections=0", "--port=65536", "--host="]) {
    assertThrows(() => parseOptions(table, [wrong]), UsageError);
  }
  assertEquals(table.port.shown, "13, or 1313 if that is not allowed");
  assertEquals(listenOptions(7777).port.shown, "7777");
});

Deno.test("capsFrom(): half of all for one address, unless more is said", () => {
  const caps = (maxConnections?: number, maxPerAddress?: number): number[] =>
    Object.values(capsFrom({ maxConnections, maxPerAddress }));
  assertEquals(caps(9), [9, 5]);
  assertEquals(caps(9, 2), [9, 2]);
  const [all = 0, each] = caps();
  assertEquals(each, Math.ceil(all / 2));
});

/** The test server as a process, and one connection to it that is being served. */
class Running implements AsyncDisposable {
  readonly child: Deno.ChildProcess;
  readonly #stdout: ReadableStreamDefaultReader<Uint8Array>;
  port = 0;
  client!: Deno.TcpConn;

  private constructor(action: string) {
    this.child = new Deno.Command(Deno.execPath(), {
      args: commandLine("tests/support/server.ts", [action]),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#stdout = this.child.stdout.getReader();
  }

  static async start(action = "serve"): Promise<Running> {
    const running = new Running(action);
    running.port = Number(await running.says());
    running.client = await Deno.connect({ hostname: "127.0.0.1", port: running.port });
    assertEquals(await running.ask(), "ok\n");
    return running;
  }

  /** What comes next on standard output. */
  async says(): Promise<string> {
    const { value } = await this.#stdout.read();
    return new TextDecoder().decode(value);
  }

  async ask(): Promise<string> {
    await this.client.write(new Uint8Array(1));
    const buffer = new Uint8Array(10);
    const length = await this.client.read(buffer) ?? 0;
    return new TextDecoder().decode(buffer.subarray(0, length));
  }

  /** The exit code and the log; resolves when the process is over. */
  async end(): Promise<{ code: number; stderr: string }> {
    const stderr = await new Response(this.child.stderr).text();
    return { code: (await this.child.status).code, stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.#stdout.cancel();
    await this.child.status;
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  processTest(`runServer(): ${signal} stops it; what is under way is finished first`, async () => {
    await using server = await Running.start("quiet");
    server.child.kill(signal);
    assertEquals(await server.says(), "stopping\n");
    assertEquals(await server.ask(), "ok\n");
    server.client.closeWrite();
    const { code, stderr } = await server.end();
    assertEquals(code, 0);
    assertEquals(
      stderr,
      `testd: listening on tcp 127.0.0.1:${server.port}\n` +
        `testd: listening on tcp 127.0.0.2:${server.port}\n` +
        "testd: almost over\ntestd: over\n",
    );
  });
}

processTest("runServer(): it says that it waits, and a second signal ends that", async () => {
  await using server = await Running.start("quiet");
  server.child.kill("SIGTERM");
  assertEquals(await server.says(), "stopping\n");
  assertEquals(await server.ask(), "ok\n");
  let said = "";
  for await (const bytes of server.child.stderr) {
    said += new TextDecoder().decode(bytes);
    if (said.includes("Ctrl-C")) server.child.kill("SIGTERM");
  }
  assertMatch(
    said,
    /^(?:testd: listening .*\n){2}testd: stopping: .* 5 seconds .* Ctrl-C again to stop at once\n$/,
  );
  assertEquals((await server.child.status).code, 0);
});

processTest(
  "runServer(): while nobody reads the log it serves all the same, and loses nothing of it",
  async () => {
    await using server = await Running.start("flood"); // More than a pipe holds.
    server.client.closeWrite();
    server.child.kill("SIGTERM");
    assertEquals(await server.says(), "stopping\n");
    const { code, stderr } = await server.end();
    assertEquals([code, stderr.match(/noise/g)?.length], [0, 5000]);
    assertMatch(stderr, /^testd: over\n$/m);
  },
);

processTest("runServer(): what goes wrong with a server comes through", async () => {
  const { code, stderr } = await run("tests/support/server.ts", ["fail"]);
  assertEquals(code, 1);
  // What was said before is not lost, and stands before it.
  assertMatch(
    stderr,
    /^testd: notice 1\ntestd: notice 2\ntestd: notice 3\n.*the server cannot start/,
  );
  await using broken = await Running.start("break");
  broken.client.closeWrite();
  broken.child.kill("SIGTERM");
  const end = await broken.end();
  assertEquals(end.code, 1);
  assertMatch(end.stderr, /^testd: over\n.*the server broke/m);
});
