/** The proxy against haproxy and socat: a stream, round trips, new connections, idle ones. */
import { fromFileUrl } from "@std/path";
import { defaultMaxConnections } from "../net/limits.ts";
import type { Benchmark, Contender, Measure } from "./benchmark.ts";
import { memoryFolder } from "./files.ts";
import {
  type CommandLine,
  findInstalled,
  freePort,
  listens,
  ours,
  startServer,
  timed,
} from "./processes.ts";

const HERE = "127.0.0.1";
const STREAM = "2 GB in one stream";
const TRIP = "a byte and back";
const OPEN = "new connections";
const IDLE = "an idle connection";

/** As many as a relay may have by default: two descriptors for each, three quarters of all. */
const HELD = defaultMaxConnections(2);

/** The command line of a relay that listens on `port`. */
type Relay = (port: number) => CommandLine | Promise<CommandLine>;

/** The benchmark `proxy`. */
export const benchmark: Benchmark = {
  summary: `relays on loopback, one at work at a time; ${HELD} idle connections`,
  columns: [
    { name: STREAM, unit: "MB/s", better: "more" },
    { name: TRIP, unit: "us", better: "less" },
    { name: OPEN, unit: "1/s", better: "more" },
    { name: IDLE, unit: "KiB", better: "less" },
  ],

  async contenders(stack): Promise<Contender[]> {
    const folder = await memoryFolder(stack);
    const load = await compileLoad(folder);
    const server = freePort();
    await startServer(stack, [load, "serve", `${server}`], () => listens(server));
    const measures = (port: number): Record<string, Measure> => ({
      [STREAM]: () => figure(load, "get", `${port}`, "2000"),
      [TRIP]: () => figure(load, "trip", `${port}`, "10000"),
      [OPEN]: () => figure(load, "open", `${port}`, "2"),
    });
    const contender = (name: string, relay: Relay, idle: boolean): Contender => ({
      name,
      async start(stack): Promise<Record<string, Measure>> {
        const port = freePort();
        await startServer(stack, await relay(port), () => listens(port));
        return { ...measures(port), ...idle && { [IDLE]: () => idleMemory(load, relay) } };
      },
    });
    // Only Linux tells how much memory a process has.
    const linux = Deno.build.os === "linux";
    const proxy: Relay = (port) => {
      const caps = ["--max-connections", `${HELD}`, "--max-per-address", `${HELD}`];
      return ours("proxy", `${port}`, HERE, `${server}`, "--quiet", "--host", HERE, ...caps);
    };
    const haproxy: Relay = async (port) => {
      const file = `${folder}/haproxy-${port}.cfg`;
      await Deno.writeTextFile(file, haproxyConfig(port, server));
      return ["haproxy", "-db", "-f", file];
    };
    const socat: Relay = (port) => {
      const listen = `TCP-LISTEN:${port},bind=${HERE},fork,reuseaddr,nodelay`;
      return ["socat", "-b", "524288", listen, `TCP:${HERE}:${server},nodelay`];
    };
    return [
      contender("proxy", proxy, linux),
      { name: "no relay", start: () => Promise.resolve(measures(server)) },
      { ...contender("haproxy", haproxy, linux), needs: "haproxy" },
      // It starts a process for each connection.
      { ...contender("socat -b 524288", socat, false), needs: "socat" },
    ];
  },
};

function haproxyConfig(port: number, server: number): string {
  return `
    global
      maxconn ${HELD}
    defaults
      mode tcp
      timeout connect 5s
      timeout client 5m
      timeout server 5m
    listen relay
      bind ${HERE}:${port}
      server behind ${HERE}:${server}\n`;
}

/** Compiles the client and server of this benchmark; returns the file. */
async function compileLoad(folder: string): Promise<string> {
  if (await findInstalled("cc") === undefined) {
    throw new Error("cc is not installed: the load of this benchmark is a program in C");
  }
  const source = fromFileUrl(new URL("load.c", import.meta.url));
  await timed(["cc", "-O2", "-pthread", "-o", `${folder}/load`, source]);
  return `${folder}/load`;
}

/** Runs `load` and returns the figure that it prints. */
async function figure(load: string, ...args: string[]): Promise<number> {
  const { success, stdout, stderr } = await new Deno.Command(load, { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
  return Number(new TextDecoder().decode(stdout));
}

/** How much memory a fresh relay takes for each of many idle connections, in KiB. */
async function idleMemory(load: string, relay: Relay): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const port = freePort();
  const pid = await startServer(stack, await relay(port), () => listens(port));
  const before = await residentMemory(pid);
  const client = new Deno.Command(load, {
    args: ["hold", `${port}`, `${HELD}`],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  stack.defer(async () => {
    await client.stdin.close();
    await client.status;
  });
  const { done } = await client.stdout.values().next();
  if (done) throw new Error(`cannot hold ${HELD} connections`);
  return (await residentMemory(pid) - before) / HELD;
}

/** In KiB. */
async function residentMemory(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
}
