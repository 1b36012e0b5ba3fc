/**
 * The daytime server of RFC 867. Over TCP each client gets one line and the
 * connection closes; over UDP each datagram, whatever it holds, gets one back.
 */
import { Acceptor } from "../tools/net/accept.ts";
import { DatagramEndpoint } from "../tools/net/datagram.ts";
import type { Caps } from "../tools/net/limits.ts";
import { closeGently } from "../tools/net/linger.ts";
import { BACKLOG, listenAt, TWIN_PORTS } from "../tools/net/listen.ts";
import {
  CAP_OPTIONS,
  capsFrom,
  GRACE,
  listenOptions,
  LOG_OPTIONS,
  runServer,
  type Server,
} from "../tools/net/server.ts";
import { writeAll } from "../tools/net/writer.ts";
import { type Command, program } from "../tools/program/command.ts";
import { Log } from "../tools/program/log.ts";
import { flag, valueOr } from "../tools/program/options.ts";
import { unmapped } from "../tools/protocol/address.ts";
import {
  checkFormat,
  type DaytimeForm,
  daytimeLine,
  RFC_FORM,
  SMALL_SERVICES,
} from "../tools/protocol/daytime.ts";

const SERVICE = 13;

/** How a daytime server is set up. */
export interface DaytimeOptions extends DaytimeForm, Caps {
  /** Empty: all addresses. */
  hosts: string[];
  /** Undefined: 13, or 1313 where that is refused. */
  port?: number | undefined;
  tcp: boolean;
  udp: boolean;
  log: Log;
}

/** Starts a daytime server. Throws Failure when it cannot listen. */
export function start(options: DaytimeOptions): Server {
  const { hosts, port, log } = options;
  const where = { hosts, port, service: SERVICE };
  const notice = (message: string): void => log.say(message);
  const line = (): Uint8Array =>
    new TextEncoder().encode(`${daytimeLine(options, new Date())}\r\n`);

  const acceptor = new Acceptor({
    ...options,
    async serve(conn, peer): Promise<void> {
      // A fresh connection takes one line at once, so no client can hold us up here.
      await writeAll(conn, line());
      log.event("answered", { transport: "tcp", peer: peer.hostname, port: peer.port });
      await closeGently(conn); // What the client sends does not matter (RFC 867).
    },
  });
  const listeners = !options.tcp ? [] : listenAt(
    { ...where, transport: "tcp" },
    (hostname, port) => Deno.listen({ transport: "tcp", hostname, port, tcpBacklog: BACKLOG }),
    notice,
  );
  let sockets: Deno.DatagramConn[] = [];
  try {
    if (options.udp) {
      sockets = listenAt(
        { ...where, transport: "udp" },
        (hostname, port, reuseAddress) =>
          Deno.listenDatagram({ transport: "udp", hostname, port, reuseAddress }),
        notice,
      );
    }
  } catch (error) {
    listeners.forEach((listener) => listener.close());
    throw error;
  }
  listeners.forEach((listener) => acceptor.listen(listener));
  // What a datagram says does not matter (RFC 867), so one byte of it is enough.
  const endpoints = sockets.map((socket) => new DatagramEndpoint(socket, 1));
  const answering = endpoints.map((endpoint) => answerDatagrams(endpoint, line, log));

  return {
    addrs: [...listeners, ...sockets].map(({ addr }) => addr as Deno.NetAddr),
    finished: Promise.all([acceptor.finished(), ...answering]).then(() => {}),
    async shutdown(): Promise<void> {
      endpoints.forEach((endpoint) => endpoint.close());
      await acceptor.shutdown(GRACE);
    },
  };
}

async function answerDatagrams(
  endpoint: DatagramEndpoint,
  line: () => Uint8Array,
  log: Log,
): Promise<void> {
  // Another server of this program listens where this one does, or on the twin port.
  const refused = new Set([...SMALL_SERVICES, TWIN_PORTS[SERVICE], endpoint.addr.port]);
  for (let asked = await endpoint.receive(); asked; asked = await endpoint.receive()) {
    const { peer } = asked;
    const fields = { transport: "udp", peer: unmapped(peer.hostname), port: peer.port };
    if (refused.has(peer.port)) {
      log.event("ignored", { ...fields, reason: "from the port of a small service" });
    } else if (await endpoint.send(line(), peer)) {
      log.event("answered", fields);
    }
  }
}

/** The `daytimed` program. */
export const command = {
  name: "daytimed",
  summary: "daytime server (RFC 867): tells the day and the time over TCP and UDP",
  usage: ["[options]"],
  words: [0, 0],
  options: {
    tcp: flag("TCP alone."),
    udp: flag("UDP alone."),
    format: valueOr(
      "FORMAT",
      "A strftime pattern such as %c, or iso.",
      checkFormat,
      RFC_FORM,
    ),
    utc: flag("UTC instead of local time."),
    ...listenOptions(SERVICE),
    ...CAP_OPTIONS,
    ...LOG_OPTIONS,
  },
  examples: [
    ["daytimed", "Serve on all addresses, TCP and UDP."],
    [
      "daytimed --port 1313 --format %c --utc",
      "The form of the C library, in UTC.",
    ],
  ],
  permissions: ["--allow-net", "--allow-sys=networkInterfaces"],
  rfcs: ["RFC 867 (Daytime Protocol)"],
} satisfies Command;

/** Runs `daytimed`; returns its exit code. */
export const main = program(command, async ({ options }) => {
  const log = new Log({
    name: command.name,
    form: options.log,
    quiet: options.quiet,
  });
  const both = options.tcp === options.udp;
  return await runServer(log, () =>
    start({
      ...options,
      ...capsFrom(options),
      hosts: options.host,
      tcp: options.tcp || both,
      udp: options.udp || both,
      log,
    }));
});

if (import.meta.main) Deno.exit(await main(Deno.args));
