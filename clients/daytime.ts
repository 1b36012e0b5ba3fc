/** The daytime client of RFC 867: asks a server for the day and the time. */
import {
  connectName,
  firstAddress,
  PATH_OPTIONS,
  portOption,
  serverAddress,
  timeoutOption,
} from "../tools/net/client.ts";
import { DatagramEndpoint } from "../tools/net/datagram.ts";
import { Deadline } from "../tools/net/deadline.ts";
import { closeQuietly, peerFailure } from "../tools/net/errors.ts";
import { ByteReader } from "../tools/net/reader.ts";
import { limitSilence } from "../tools/net/silence.ts";
import { type Command, program } from "../tools/program/command.ts";
import { EXIT } from "../tools/program/failure.ts";
import { flag } from "../tools/program/options.ts";
import { writeOut } from "../tools/program/terminal.ts";
import { formatHostPort, unmapped } from "../tools/protocol/address.ts";
import { LONGEST_LINE } from "../tools/protocol/daytime.ts";
import { ProtocolError } from "../tools/protocol/error.ts";
import { visibleBytes } from "../tools/protocol/text.ts";

const SERVICE = 13;

/** Whom to ask, and how. */
export interface DaytimeQuery {
  host: string;
  port: number;
  udp: boolean;
  ipv4: boolean;
  ipv6: boolean;
  /** How long to wait for the answer, in milliseconds. */
  timeout: number;
}

/** The server's answer, its line ends removed, escaped for a terminal. Throws Failure. */
export async function askDaytime(query: DaytimeQuery): Promise<string> {
  try {
    const answer = await (query.udp ? askByUdp(query) : askByTcp(query));
    return visibleBytes(answer).replace(/(\\r|\\n)+$/, "");
  } catch (error) {
    throw peerFailure(formatHostPort(query.host, query.port), error);
  }
}

async function askByTcp(query: DaytimeQuery): Promise<Uint8Array> {
  const { port, timeout } = query;
  const conn = await Deno.connect({
    hostname: await connectName(query.host, query),
    port,
    signal: AbortSignal.timeout(timeout),
  });
  try {
    const reader = new ByteReader(limitSilence(conn, timeout));
    const line = await reader.readLine({ longest: LONGEST_LINE, end: "lf" });
    if (line === null) {
      throw new ProtocolError("the server closed without an answer");
    }
    return line;
  } finally {
    closeQuietly(conn);
  }
}

async function askByUdp(query: DaytimeQuery): Promise<Uint8Array> {
  const { host, port, timeout, ipv4, ipv6 } = query;
  const hostname = await firstAddress(host, ipv4 === ipv6 ? 0 : ipv4 ? 4 : 6);
  const endpoint = new DatagramEndpoint(
    Deno.listenDatagram({
      transport: "udp",
      hostname: hostname.includes(":") ? "::" : "0.0.0.0",
      port: 0,
    }),
    LONGEST_LINE,
  );
  using _deadline = new Deadline(timeout, () => endpoint.close());
  try {
    await endpoint.send(new Uint8Array(0), {
      transport: "udp",
      hostname,
      port,
    });
    for (;;) {
      const answer = await endpoint.receive();
      if (answer === null) throw new Deno.errors.TimedOut();
      // Anybody can send us a datagram: only the server's own counts.
      if (
        unmapped(answer.peer.hostname) === unmapped(hostname) &&
        answer.peer.port === port
      ) {
        return answer.data;
      }
    }
  } finally {
    endpoint.close();
  }
}

/** The `daytime` program. */
export const command = {
  name: "daytime",
  summary: "daytime client (RFC 867): asks a server for the day and the time",
  usage: ["HOST[:PORT] [options]"],
  words: [1, 1],
  options: {
    udp: flag("Ask by UDP instead of TCP.", { short: "u" }),
    ...portOption(SERVICE),
    ...timeoutOption("5s"),
    ...PATH_OPTIONS,
  },
  examples: [
    ["daytime server", "Ask the machine called server."],
    ["daytime --udp 127.0.0.1:1313", "Ask by UDP, on another port."],
  ],
  permissions: ["--allow-net"],
  rfcs: ["RFC 867 (Daytime Protocol)"],
} satisfies Command;

/** Runs `daytime`; returns its exit code. */
export const main = program(
  command,
  async ({ options, words: [word = ""] }) => {
    const server = serverAddress(word, options, SERVICE);
    await writeOut(`${await askDaytime({ ...options, ...server })}\n`);
    return EXIT.ok;
  },
);

if (import.meta.main) Deno.exit(await main(Deno.args));
