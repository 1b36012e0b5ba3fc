/** A proxy that runs in this process, on loopback ports. */
import { type ProxyOptions, start } from "../../../servers/proxy.ts";
import type { Server } from "../../../tools/net/server.ts";
import { type TestLog, testLog } from "./test_log.ts";

/** A proxy, and who connects through it. */
export interface RunningProxy extends TestLog {
  proxy: Server;
  port: number;
  /** Connects to the proxy; the test closes what it gets, or leaves that to the end. */
  connect(hostname?: string): Promise<Deno.TcpConn>;
}

/** The options of a proxy to `port` of this machine. */
export function proxyOptions(port: number, options: Partial<ProxyOptions> = {}): ProxyOptions {
  return {
    listen: { hosts: ["127.0.0.1"], port: 0 },
    host: "127.0.0.1",
    port,
    udp: false,
    timeout: 10_000,
    idleTimeout: 3_600_000,
    tlsListen: undefined,
    tlsUpstream: undefined,
    acceptProxy: false,
    sendProxy: undefined,
    faults: [],
    maxConnections: 100,
    maxPerAddress: 100,
    log: testLog().log,
    printer: undefined,
    recorder: undefined,
    ...options,
  };
}

/** Runs `test` with a proxy to `port`; then stops it and closes what is left. */
export async function withProxy(
  port: number,
  options: Partial<ProxyOptions>,
  test: (running: RunningProxy) => Promise<void>,
): Promise<void> {
  const log = testLog();
  const proxy = start(proxyOptions(port, { log: log.log, ...options }));
  const conns: Deno.TcpConn[] = [];
  const listening = proxy.addrs[0]?.port ?? 0;
  try {
    await test({
      ...log,
      proxy,
      port: listening,
      async connect(hostname = "127.0.0.1"): Promise<Deno.TcpConn> {
        const conn = await Deno.connect({ hostname, port: listening });
        conns.push(conn);
        return conn;
      },
    });
  } finally {
    // Without clients there is nothing to wait for.
    for (const conn of conns) conn[Symbol.dispose]();
    await proxy.shutdown();
    await proxy.finished;
  }
}
