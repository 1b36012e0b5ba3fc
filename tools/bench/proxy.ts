/** The proxy against haproxy and socat: a stream, round trips, new connections, idle ones. */
import { defaultMaxConnections } from "../net/limits.ts";
import type { Benchmark, Contender, Measure } from "./benchmark.ts";
import { memoryFolder } from "./files.ts";
import { compileLoad, figures, holdLoad, serverMemory } from "./load.ts";
import { type CommandLine, freePort, listens, ours, startServer } from "./processes.ts";

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
    const load = await compileLoad(folder, "proxy_load.c");
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

/** Runs `load`, which prints one figure. */
async function figure(load: string, ...args: string[]): Promise<number> {
  return (await figures(load, ...args))[0] ?? NaN;
}

/** How much memory a fresh relay takes for each of many idle connections, in KiB. */
async function idleMemory(load: string, relay: Relay): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const port = freePort();
  const pid = await startServer(stack, await relay(port), () => listens(port));
  const before = await serverMemory(pid);
  await holdLoad(stack, load, "hold", `${port}`, `${HELD}`);
  return (await serverMemory(pid) - before) * 1e6 / 1024 / HELD;
}
