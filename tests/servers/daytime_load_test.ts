/** The daytime server under more clients than a lab has. */
import { assertEquals, assertMatch } from "@std/assert";
import { command, start } from "../../servers/daytime.ts";
import { Log } from "../../tools/program/log.ts";
import { RFC_FORM } from "../../tools/protocol/daytime.ts";
import { FakeTime } from "../support/fake_time.ts";
import { missingProgram, processTestUnless } from "../support/permissions.ts";
import { runCommand, ServerProcess } from "../support/process.ts";
import { readText } from "../support/stream.ts";

const LINE = /^\w+, \w+ \d+, \d{4} \d\d:\d\d:\d\d-UTC\r\n$/;

async function connectAndRead(port: number): Promise<[Deno.TcpConn, string]> {
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  return [conn, await readText(conn)];
}

// A close with SO_LINGER at 0 sends a reset; Deno has no way to ask for that.
const RESETS = `
import socket, struct, sys
for _ in range(20000):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.connect(("127.0.0.1", int(sys.argv[1])))
    s.close()
`;

processTestUnless(
  missingProgram("python3"),
  "daytimed goes on serving after 20,000 connections that reset at once",
  async () => {
    await using server = await ServerProcess.start(
      "servers/daytime.ts",
      ["--host", "127.0.0.1", "--port", "0", "--tcp", "--utc", "--quiet"],
      { permissions: command.permissions },
    );
    const port = await server.port();
    assertEquals(await runCommand("python3", ["-c", RESETS, `${port}`]), {
      code: 0,
      stdout: "",
      stderr: "",
    });
    const [conn, text] = await connectAndRead(port);
    conn.close();
    assertMatch(text, LINE);
    assertEquals(await server.stop("SIGTERM"), 0);
  },
);

const CLIENTS = 5000;

/** Why the system does not allow `needed` of something, or undefined; `pattern` finds in `file` how many it does. */
function allowsLess(
  needed: number,
  what: string,
  file: string,
  pattern: RegExp,
): string | undefined {
  if (Deno.permissions.querySync({ name: "read" }).state !== "granted") return undefined;
  let allowed;
  try {
    allowed = pattern.exec(Deno.readTextFileSync(file))?.[1];
  } catch {
    // Not a Linux.
  }
  return Number(allowed) >= needed ? undefined : `needs ${what} of ${needed}`;
}

/** Why one process may not hold so many sockets, or undefined. */
function tooFewDescriptors(needed: number): string | undefined {
  return allowsLess(needed, "ulimit -n", "/proc/self/limits", /^Max open files\s+(\d+)/m);
}

processTestUnless(
  tooFewDescriptors(2 * CLIENTS + 100),
  "daytimed answers each of 5,000 clients that never close, and keeps none of them",
  async () => {
    using time = new FakeTime();
    const server = start({
      hosts: ["127.0.0.1"],
      port: 0,
      tcp: true,
      udp: false,
      format: RFC_FORM,
      utc: true,
      maxConnections: CLIENTS,
      maxPerAddress: CLIENTS,
      log: new Log({ name: "daytimed", form: "text", quiet: true }),
    });
    const port = server.addrs[0]?.port ?? 0;
    const clients: Deno.TcpConn[] = [];
    for (let i = 0; i < CLIENTS; i++) {
      const [conn, text] = await connectAndRead(port);
      assertMatch(text, LINE);
      clients.push(conn);
    }
    await time.tick(1000);
    // No time passes any more: this ends only if the server has closed every connection by now.
    await server.shutdown();
    clients.forEach((conn) => conn.close());
  },
);

const WAITING = 2000;

processTestUnless(
  tooFewDescriptors(WAITING + 100) ??
    allowsLess(WAITING, "net.core.somaxconn", "/proc/sys/net/core/somaxconn", /(\d+)/),
  "daytimed lets 2,000 connections wait while it is busy",
  async () => {
    await using server = await ServerProcess.start(
      "servers/daytime.ts",
      ["--host", "127.0.0.1", "--port", "0", "--tcp", "--utc", "--quiet"],
      { permissions: command.permissions },
    );
    const port = await server.port();
    server.kill("SIGSTOP");
    // The system makes a connection that has a place in the queue, and no other.
    const signal = AbortSignal.timeout(30_000);
    const clients = await Promise.all(
      Array.from({ length: WAITING }, () => Deno.connect({ hostname: "127.0.0.1", port, signal })),
    );
    server.kill("SIGCONT");
    for (const conn of clients) {
      assertMatch(await readText(conn), LINE);
      conn.close();
    }
  },
);
