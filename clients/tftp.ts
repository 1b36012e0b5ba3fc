/**
 * A TFTP client (RFC 1350, 2347, 2348, 2349, 7440): files by their names, or a
 * dialogue as with the classic `tftp`. Sockets are opened here; a transfer is
 * `tftp/client.ts`.
 */
import { allAddresses, PATH_OPTIONS, portOption, VERBOSE_OPTION } from "../tools/net/client.ts";
import { DatagramEndpoint } from "../tools/net/datagram.ts";
import { peerFailure } from "../tools/net/errors.ts";
import { type Command, program } from "../tools/program/command.ts";
import { EXIT, Failure } from "../tools/program/failure.ts";
import { duration, flag, value, valueOr, type Values } from "../tools/program/options.ts";
import { onStop } from "../tools/program/signals.ts";
import { say } from "../tools/program/terminal.ts";
import { Trace } from "../tools/program/trace.ts";
import { formatHostPort } from "../tools/protocol/address.ts";
import { PLAIN_TERMS } from "../tools/protocol/tftp_options.ts";
import { TftpClient, type TftpSettings } from "./tftp/client.ts";
import { type Job, readWords, type Server, SERVICE } from "./tftp/command_line.ts";
import { moveFile } from "./tftp/file_transfer.ts";
import {
  checkWindow,
  parseBlksize,
  parseRexmt,
  parseWindowsize,
  STANDARD_BLKSIZE,
} from "./tftp/options.ts";
import type { Connect } from "./tftp/shell.ts";

export { TftpClient };

/** The `tftp` program. */
export const command = {
  name: "tftp",
  summary: "TFTP client: moves files, by command or in a dialogue",
  usage: [
    "[HOST[:PORT]] [options]",
    "HOST[:PORT] get REMOTE [LOCAL] [options]",
    "HOST[:PORT] put LOCAL [REMOTE] [options]",
    "HOST[:PORT] mget REMOTE... | mput LOCAL... [options]",
    "tftp://HOST[:PORT]/FILE [LOCAL] [options]",
  ],
  words: [0, Infinity],
  options: {
    ascii: flag("Move text: lines end as they do on each side (mode netascii).", { short: "a" }),
    blksize: valueOr(
      "BYTES",
      "Ask for blocks of this size, 8 to 65464.",
      parseBlksize,
      `${STANDARD_BLKSIZE}`,
      { short: "b" },
    ),
    windowsize: value("BLOCKS", "Ask for so many blocks before each answer.", parseWindowsize, {
      short: "w",
      shown: "32, or what fits",
    }),
    "no-options": flag("Ask for nothing that RFC 1350 does not have."),
    rexmt: value(
      "TIME",
      "Send again after so long (100ms to 255s), and ask the server to as well.",
      parseRexmt,
      { shown: "as measured" },
    ),
    timeout: valueOr("TIME", "Give up when nothing comes for so long.", duration, "25s"),
    ...VERBOSE_OPTION,
    ...portOption(SERVICE),
    ...PATH_OPTIONS,
  },
  examples: [
    ["tftp server get cake", "Fetch a file."],
    ["tftp server put notes.txt pub/notes.txt", "Send a file under another name."],
    ["tftp server get config -", "Show a file."],
    ["tftp server", "A dialogue: help lists the commands."],
    ["tftp --blksize 512 --windowsize 1 server get cake", "As slow as the oldest clients."],
  ],
  permissions: ["--allow-env", "--allow-net", "--allow-read", "--allow-write"],
  rfcs: [
    "RFC 1350 (TFTP), RFC 2347, 2348 and 2349 (options), RFC 3617 (URLs), RFC 7440 (windowsize)",
  ],
} satisfies Command;

type TftpValues = Values<typeof command.options>;

function settingsOf(options: TftpValues): TftpSettings {
  const { ascii, noOptions, rexmt, timeout } = options;
  const settings: TftpSettings = {
    mode: ascii ? "netascii" : "octet",
    blksize: noOptions ? PLAIN_TERMS.blksize : options.blksize,
    windowsize: noOptions ? PLAIN_TERMS.windowsize : options.windowsize,
    tsize: !noOptions,
    rexmt,
    timeout,
  };
  checkWindow(settings);
  return settings;
}

/** Makes the clients that the options ask for. */
function connector({ ipv4, ipv6 }: TftpValues, settings: TftpSettings, trace: Trace): Connect {
  const family = ipv4 === ipv6 ? 0 : ipv4 ? 4 : 6;
  return async (server, signal) => {
    try {
      return await TftpClient.connect({
        ...server,
        settings,
        trace,
        resolve: (host, signal) => allAddresses(host, family, signal),
        bind,
      }, signal);
    } catch (error) {
      throw peerFailure(formatHostPort(server.host, server.port), error);
    }
  };
}

function bind(address: string, longest: number): DatagramEndpoint {
  const hostname = address.includes(":") ? "::" : "0.0.0.0";
  return new DatagramEndpoint(
    Deno.listenDatagram({ transport: "udp", hostname, port: 0 }),
    longest,
  );
}

/** Runs `tftp`; returns its exit code. */
export const main = program(command, async ({ options, words }) => {
  const request = readWords(words, options);
  const settings = settingsOf(options);
  if (request.mode) settings.mode = request.mode;
  const trace = new Trace(options.verbose);
  const connect = connector(options, settings, trace);
  if (request.server && request.jobs.length > 0) {
    return await oneShot(request.server, request.jobs, connect);
  }
  // Only here, since line editing takes some 20 ms to load.
  const { dialogue } = await import("./tftp/dialogue.ts");
  return await dialogue(request.server, settings, trace, connect);
});

async function oneShot(
  server: Server,
  jobs: readonly Job[],
  connect: Connect,
): Promise<number> {
  const interruption = new AbortController();
  const { signal } = interruption;
  using _signals = onStop(() => interruption.abort());
  const client = await connect(server, signal);
  let code: number = EXIT.ok;
  for (const job of jobs) {
    try {
      await moveFile(client, job, signal);
    } catch (error) {
      if (!(error instanceof Failure) || error.exitCode === EXIT.ok) throw error;
      say(`tftp: ${error.message}`);
      code ||= error.exitCode;
      // Nobody is there, or nobody wants it, for the next one either.
      if (error.exitCode === EXIT.unreachable || signal.aborted) break;
    }
  }
  // Without dallying for a last block that comes again (RFC 1350 section 6), as tftp-hpa, atftp and
  // curl: servers repeat it after 1 s to 6 s, which a script of many downloads would wait each time.
  await client.close();
  return signal.aborted ? EXIT.interrupted : code;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
