/** The daytime client of RFC 867: asks a server for the day and the time. */
import {
  asReported,
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
import { limitSilence } from "../tools/net/silence.ts";
import type { ByteStream } from "../tools/net/stream.ts";
import { type Command, program } from "../tools/program/command.ts";
import { EXIT } from "../tools/program/failure.ts";
import { flag } from "../tools/program/options.ts";
import { writeOut } from "../tools/program/terminal.ts";
import { formatHostPort, unmapped } from "../tools/protocol/address.ts";
import { LONGEST_LINE } from "../tools/protocol/daytime.ts";
import { ProtocolError } from "../tools/protocol/error.ts";
import { latin1, latin1Bytes, visibleBytes } from "../tools/protocol/text.ts";

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

/** The line of the server's answer, escaped for a terminal. Throws Failure. */
export async function askDaytime(query: DaytimeQuery): Promise<string> {
  try {
    const answer = await (query.udp ? askByUdp(query) : askByTcp(query));
    // The RFC has one line, but some servers, such as NIST's, begin with a line end as well.
    const [line] = /[^\r\n]+/.exec(latin1(answer)) ?? [];
    if (line === undefined) throw new ProtocolError("the answer is empty");
    if (line.length > LONGEST_LINE) {
      throw new ProtocolError(`the answer is longer than ${LONGEST_LINE} bytes`);
    }
    return visibleBytes(latin1Bytes(line));
  } catch (error) {
    throw peerFailure(formatHostPort(query.host, query.port), error);
  }
}

async function askByTcp(query: DaytimeQuery): Promise<Uint8Array> {
  const { port, timeout } = query;
  const signal = AbortSignal.timeout(timeout);
  const conn = await Deno.connect({
    hostname: await connectName(query.host, query, signal),
    port,
    signal,
  });
  try {
    return await readLine(limitSilence(conn, timeout));
  } finally {
    closeQuietly(conn);
  }
}

/** Reads until a line ends, or the stream does (RFC 867 asks for no line end), or it is too long. */
async function readLine(stream: ByteStream): Promise<Uint8Array> {
  const buffer = new Uint8Array(LONGEST_LINE + 1);
  let length = 0;
  while (length < buffer.length && !/[^\r\n]\r*\n/.test(latin1(buffer.subarray(0, length)))) {
    const read = await stream.read(buffer.subarray(length));
    if (read === null) break;
    length += read;
  }
  return buffer.subarray(0, length);
}

async function askByUdp(query: DaytimeQuery): Promise<Uint8Array> {
  const { host, port, timeout, ipv4, ipv6 } = query;
  const hostname = await firstAddress(
    host,
    ipv4 === ipv6 ? 0 : ipv4 ? 4 : 6,
    AbortSignal.timeout(timeout),
  );
  const server = asReported(hostname);
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
    const sent = await endpoint.send(new Uint8Array(0), { transport: "udp", hostname, port });
    if (!sent) throw new Error("network unreachable");
    for (;;) {
      const answer = await endpoint.receive();
      if (answer === null) throw new Deno.errors.TimedOut();
      // Anybody can send us a datagram: only the server's own counts.
      if (unmapped(answer.peer.hostname) === server && answer.peer.port === port) {
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
