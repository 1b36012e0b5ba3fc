/**
 * A proxy that relays every connection to one server and shows what passes. It
 * is only a relay: it decides nothing about who gets what.
 */
import { Acceptor } from "../tools/net/accept.ts";
import { TRUST_OPTIONS, trustFile } from "../tools/net/client.ts";
import { DatagramEndpoint } from "../tools/net/datagram.ts";
import { type Caps } from "../tools/net/limits.ts";
import { BACKLOG, listenAt } from "../tools/net/listen.ts";
import { Recorder } from "../tools/net/recorder.ts";
import { readIdentity } from "../tools/net/tls_identity.ts";
import {
  CAP_OPTIONS,
  capsFrom,
  GRACE,
  listenOptions,
  LOG_OPTIONS,
  runServer,
  type Server,
} from "../tools/net/server.ts";
import { type Command, program } from "../tools/program/command.ts";
import { fileFailure, UsageError } from "../tools/program/failure.ts";
import { Log } from "../tools/program/log.ts";
import {
  duration,
  flag,
  list,
  listenPort,
  port,
  text,
  value,
  valueOr,
  type Values,
} from "../tools/program/options.ts";
import { formatHostPort, parseHostPort } from "../tools/protocol/address.ts";
import { FAULT_KINDS, parseFault } from "../tools/protocol/fault.ts";
import { ConnectionRelay } from "./proxy/connections.ts";
import { DatagramRelay } from "./proxy/datagrams.ts";
import { Printer } from "./proxy/printer.ts";
import type { SessionOptions } from "./proxy/session.ts";

/** The longest datagram there is: over IPv6, without its header and that of UDP. */
const LONGEST_DATAGRAM = 65_527;
/** A relayed connection has a socket on either side. */
const SOCKETS = 2;
/** How many clients may have datagrams under way, by default: each waits for the longest, in 64 KiB. */
const FLOWS = 1000;
// Those who watch a recording are few.
const VIEWERS: Caps = { maxConnections: 10, maxPerAddress: 10 };

/** How a proxy is set up. */
export interface ProxyOptions extends Caps, Omit<SessionOptions, "dial"> {
  /** Where to listen; no hosts: all addresses. */
  listen: { hosts: string[]; port: number };
  udp: boolean;
  /** A port on the loopback address that serves the recording live. */
  pcapPort?: number | undefined;
}

/** Starts a proxy, which closes the recorder at its end. Throws Failure when it cannot listen. */
export function start(options: ProxyOptions): Server {
  const viewing = options.pcapPort === undefined ? undefined : serveRecording(options);
  try {
    const server = options.udp ? startUdp(options) : startTcp(options);
    const finished = server.finished.finally(async () => {
      // Those who watch leave at the end of the recording.
      await Promise.all([options.recorder?.close(), viewing?.shutdown()]);
    });
    return {
      addrs: server.addrs,
      finished,
      async shutdown(): Promise<void> {
        await server.shutdown();
        await finished;
      },
    };
  } catch (error) {
    viewing?.shutdown();
    throw error;
  }
}

function startTcp(options: ProxyOptions): Server {
  const { host: hostname, port, listen, log } = options;
  const listeners = listenAt(
    { ...listen, service: listen.port, transport: "tcp" },
    (hostname, port) => Deno.listen({ transport: "tcp", hostname, port, tcpBacklog: BACKLOG }),
    (message) => log.say(message),
  );
  const relay = new ConnectionRelay({
    ...options,
    dial: (signal) => Deno.connect({ hostname, port, signal }),
  });
  const acceptor = new Acceptor({ ...options, serve: (conn, peer) => relay.serve(conn, peer) });
  listeners.forEach((listener) => acceptor.listen(listener));
  return {
    addrs: listeners.map(({ addr }) => addr),
    finished: acceptor.finished().finally(() => relay.close()),
    async shutdown(): Promise<void> {
      const timer = setTimeout(() => relay.breakOff(), GRACE);
      await acceptor.shutdown(GRACE);
      clearTimeout(timer);
    },
  };
}

function startUdp(options: ProxyOptions): Server {
  const { listen, log } = options;
  const endpoints = listenAt(
    { ...listen, service: listen.port, transport: "udp" },
    (hostname, port, reuseAddress) =>
      Deno.listenDatagram({ transport: "udp", hostname, port, reuseAddress }),
    (message) => log.say(message),
  ).map((socket) => new DatagramEndpoint(socket, LONGEST_DATAGRAM));
  const relay = new DatagramRelay({
    ...options,
    open: (hostname) =>
      new DatagramEndpoint(
        Deno.listenDatagram({ transport: "udp", hostname, port: 0 }),
        LONGEST_DATAGRAM,
      ),
  });
  const finished = Promise.all(endpoints.map((endpoint) => relay.run(endpoint)))
    .finally(() => relay.close()).then(() => {});
  return {
    addrs: endpoints.map(({ addr }) => addr),
    finished,
    async shutdown(): Promise<void> {
      endpoints.forEach((endpoint) => endpoint.close());
      await finished;
    },
  };
}

/** Serves the recording to whoever connects, on the loopback address alone: it holds everything that passes. */
function serveRecording({ recorder, pcapPort = 0, log }: ProxyOptions): Server {
  const acceptor = new Acceptor({
    ...VIEWERS,
    log,
    async serve(conn, peer): Promise<void> {
      await recorder?.streamTo(conn, formatHostPort(peer.hostname, peer.port));
    },
  });
  const [listener] = listenAt(
    { hosts: ["127.0.0.1"], port: pcapPort, service: pcapPort, transport: "tcp" },
    (hostname, port) => Deno.listen({ transport: "tcp", hostname, port }),
    (message) => log.say(message),
  );
  if (listener) {
    acceptor.listen(listener);
    log.say(`live recording: wireshark -k -i TCP@127.0.0.1:${listener.addr.port}`);
  }
  return {
    addrs: [],
    finished: acceptor.finished(),
    shutdown: () => acceptor.shutdown(GRACE),
  };
}

/** The faults there are `on` streams, or datagrams, as help lists them. */
function faultHelp(on: "stream" | "datagram"): string {
  return Object.entries(FAULT_KINDS).filter(([, kind]) => kind.on.some((one) => one === on))
    .map(([name, kind]) => `${name}${"value" in kind ? `=${kind.value}` : ""} (${kind.help})`)
    .join(", ");
}

/** The `proxy` program. */
export const command = {
  name: "proxy",
  summary: "relays connections to a server, and shows what passes",
  usage: ["PORT RHOST RPORT [options]"],
  words: [3, 3],
  options: {
    udp: flag("Relay datagrams instead of connections.", { short: "u" }),
    hex: flag("Show bytes in hexadecimal.", { short: "x" }),
    pcap: value("FILE", "Record what passes in this file, for Wireshark (pcapng).", text),
    "pcap-listen": value(
      "PORT",
      "Serve the recording live: wireshark -k -i TCP@127.0.0.1:PORT.",
      listenPort,
    ),
    fault: list(
      "[up:|down:]KIND[=VALUE][@RULE]",
      "Do harm on purpose, to what goes up to the server, down to the client, or both; may be " +
        "repeated. RULE picks connections, with --udp datagrams: a list of numbers (3,7) or a " +
        `chance (1%,seed=7). What a connection carries: ${faultHelp("stream")}. ` +
        `A datagram: ${faultHelp("datagram")}.`,
      parseFault,
    ),
    "tls-listen": flag("Speak TLS with clients; needs --cert and --key."),
    cert: value("FILE", "The certificate chain for --tls-listen, in PEM.", text),
    key: value("FILE", "Its private key, in PEM.", text),
    "tls-upstream": flag("Speak TLS with the server."),
    ...TRUST_OPTIONS,
    "accept-proxy": flag("Clients are proxies, and say whose connection it is (PROXY protocol)."),
    "send-proxy": value("v1|v2", "Tell the server whose connection it is.", proxyVersion),
    host: listenOptions(0).host,
    ...CAP_OPTIONS,
    "max-connections": {
      ...CAP_OPTIONS["max-connections"],
      shown: `${CAP_OPTIONS["max-connections"].shown}, or ${FLOWS} with --udp`,
    },
    timeout: valueOr("TIME", "Give up setting a connection up after so long.", duration, "10s"),
    "idle-timeout": value("TIME", "Close what is silent for so long.", duration, {
      shown: "1h, or 2m with --udp",
    }),
    ...LOG_OPTIONS,
    quiet: flag("Show nothing of what passes, and no log; errors and the address are still shown."),
  },
  examples: [
    ["proxy 8000 server 80", "Browse http://localhost:8000/ and see what is said."],
    ["proxy 7000 server 7777 --quiet --pcap chat.pcapng", "Record a chat for Wireshark."],
    ["proxy 6969 server 69 --udp --fault down:drop=@3", "Lose the third datagram from a server."],
  ],
  permissions: ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"],
  rfcs: [
    "RFC 9293 (TCP), RFC 768 (UDP), RFC 8446 (TLS 1.3), pcapng, the PROXY protocol",
  ],
} satisfies Command;

function proxyVersion(word: string): "v1" | "v2" {
  if (word !== "v1" && word !== "v2") throw new RangeError("give v1 or v2");
  return word;
}

/** Runs `proxy`; returns its exit code. */
export const main = program(command, async ({ options, words }) => {
  const [listenWord = "", host = "", portWord = ""] = words;
  const where = {
    listen: { hosts: options.host, port: word("PORT", listenWord, listenPort) },
    host: word("RHOST", host, hostName),
    port: word("RPORT", portWord, port),
  };
  checkOptions(options);
  const { cert, key } = options;
  const tlsListen = cert !== undefined && key !== undefined
    ? await readIdentity(cert, key)
    : undefined;
  if (options.cacert !== undefined) await trustFile(options.cacert);
  const log = new Log({ name: command.name, form: options.log, quiet: options.quiet });
  const printer = options.quiet ? undefined : new Printer(options.hex ? "hex" : "text");
  const recorder = options.pcap === undefined && options.pcapListen === undefined
    ? undefined
    : new Recorder({ name: command.name, notice: (message) => log.say(message) });
  using file = options.pcap === undefined ? undefined : await create(options.pcap);
  const code = await runServer(log, () => {
    const server = start({
      ...options,
      ...where,
      ...capsFrom({
        ...options,
        maxConnections: options.maxConnections ?? (options.udp ? FLOWS : undefined),
      }, SOCKETS),
      idleTimeout: options.idleTimeout ?? duration(options.udp ? "2m" : "1h"),
      tlsListen,
      tlsUpstream: options.tlsUpstream ? { insecure: options.insecure } : undefined,
      faults: options.fault,
      pcapPort: options.pcapListen,
      log,
      printer,
      recorder,
    });
    if (file) {
      // Only now: a proxy that could not start leaves an older recording alone.
      if (file.statSync().isFile) file.truncateSync();
      recorder?.writeTo(file, options.pcap ?? "");
    }
    // As a closed pipe ends tcpdump and socat: `proxy ... | head` is over when head is.
    printer?.closed.then(() => {
      log.say("nobody reads what is shown any more: stopping");
      return server.shutdown();
    }).catch((error) => log.say(String(error)));
    return server;
  });
  await printer?.flush();
  return code;
});

function word<T>(name: string, text: string, read: (text: string) => T): T {
  try {
    return read(text);
  } catch (error) {
    throw new UsageError(`${name} ${JSON.stringify(text)}: ${(error as Error).message}`);
  }
}

/** A host as a word of its own; IPv6 with or without brackets. */
function hostName(text: string): string {
  if (text.includes("/")) throw new RangeError("give a host, not a URL");
  const { host, port } = parseHostPort(text);
  if (port !== undefined) throw new RangeError("the port is a word of its own");
  return host;
}

/** Throws UsageError where options do not go together. */
function checkOptions(options: Values<typeof command.options>): void {
  const { udp, tlsListen, cert, key, tlsUpstream, cacert, insecure } = options;
  const kind = udp ? "datagram" : "stream";
  const wrong = options.fault.find(({ kind: name }) =>
    !FAULT_KINDS[name].on.some((on) => on === kind)
  );
  if (wrong) {
    throw new UsageError(`--fault ${wrong.kind}: not for ${kind}s${udp ? "" : " (try --udp)"}`);
  }
  if (udp && (tlsListen || tlsUpstream || options.sendProxy || options.acceptProxy)) {
    throw new UsageError("--udp goes without TLS and without the PROXY protocol");
  }
  if ([cert, key].some((file) => tlsListen === (file === undefined))) {
    throw new UsageError("--tls-listen, --cert FILE and --key FILE go together");
  }
  if (!tlsUpstream && (insecure || cacert !== undefined)) {
    throw new UsageError("--cacert and --insecure are for --tls-upstream");
  }
}

async function create(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path, { write: true, create: true });
  } catch (error) {
    throw fileFailure(path, error);
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
