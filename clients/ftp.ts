/**
 * An FTP client (RFC 959, 1123, 2428, 3659, 4217): a dialogue with a server, or
 * one file, folder or listing by its URL. Connections are made here; the
 * session is `ftp/client.ts`.
 */
import { delay } from "@std/async/delay";
import {
  connectName,
  PATH_OPTIONS,
  portOption,
  timeoutOption,
  TRUST_OPTIONS,
  trustFile,
  VERBOSE_OPTION,
} from "../tools/net/client.ts";
import { Script } from "../tools/net/script.ts";
import { type Command, program } from "../tools/program/command.ts";
import { EXIT } from "../tools/program/failure.ts";
import { History, historyPath } from "../tools/program/history.ts";
import { count, flag, size, text, value, valueOr, type Values } from "../tools/program/options.ts";
import { onStop } from "../tools/program/signals.ts";
import { mark, say } from "../tools/program/terminal.ts";
import { Terminal } from "../tools/program/terminal_console.ts";
import { Trace } from "../tools/program/trace.ts";
import { charset } from "../tools/protocol/ftp_charset.ts";
import { FtpClient, type FtpConn, type FtpNetwork } from "./ftp/client.ts";
import { hasJob, jobsFor, type Server, SERVICE } from "./ftp/command_line.ts";
import { COMMANDS } from "./ftp/commands.ts";
import { parseLogin } from "./ftp/login.ts";
import { MIRROR_OPTIONS } from "./ftp/mirror_run.ts";
import { OneShot } from "./ftp/one_shot.ts";
import { RateLimit } from "./ftp/rate.ts";
import { Shell } from "./ftp/shell.ts";

export { FtpClient };

/** The `ftp` program. */
export const command = {
  name: "ftp",
  summary: "FTP client: a dialogue, or files and folders by their URLs",
  usage: ["[HOST[:PORT]] [options]", "URL... [options]"],
  words: [0, Infinity],
  options: {
    output: value("FILE", "Save under this name; - is standard output.", text, { short: "o" }),
    "continue-at": value("-", "Go on with a transfer that broke off.", dash, { short: "C" }),
    "upload-file": value(
      "FILE",
      "Send this file to the URL; - is standard input.",
      text,
      { short: "T" },
    ),
    append: flag("With -T: add to the end of the server's file.", { short: "a" }),
    "create-dirs": flag("With -T: make the folders that are missing."),
    "list-only": flag("List names only.", { short: "l" }),
    head: flag("Show size and time of last change.", { short: "I" }),
    recursive: flag("Mirror the folder here, or into -o; with -T FOLDER, mirror that there.", {
      short: "r",
    }),
    ...MIRROR_OPTIONS,
    ascii: flag("Move text: lines end as they do on each side."),
    active: flag("Let the server connect to us for data."),
    "trust-pasv": flag("Follow a PASV answer that names another host."),
    encoding: valueOr("NAME", "The character set of names, such as latin1.", encodingName, "utf-8"),
    user: value("NAME[:PASSWORD]", "Log in; a missing password is asked for.", parseLogin, {
      short: "u",
    }),
    "no-login": flag("In a dialogue: log in by the command user only.", { short: "n" }),
    "no-prompt": flag("In a dialogue: do not ask before each file of several.", { short: "i" }),
    tls: flag("Ask for TLS (AUTH TLS), and go no further without."),
    "limit-rate": value("SIZE", "Move no more than this in a second.", rate),
    retries: valueOr("N", "Try so many times more when a transfer breaks off.", times, "0"),
    ...VERBOSE_OPTION,
    ...portOption(SERVICE),
    ...timeoutOption("30s"),
    ...PATH_OPTIONS,
    ...TRUST_OPTIONS,
  },
  examples: [
    ["ftp server", "A dialogue: asks for name and password; help lists the commands."],
    ["ftp ftp://server/pub/", "List a folder."],
    ["ftp ftp://ftp:guest%40@server/pub/rfc/rfc/rfc99.txt", "Fetch rfc99.txt."],
    ["ftp -C - --retries 9 ftp://server/cake.iso", "Fetch the rest of it, over a bad line."],
    ["ftp -r --delete ftp://server/pub/", "Mirror a folder here, and remove what is gone there."],
    ["ftp -T notes.txt -u me ftp://server/up/", "Send a file into a folder."],
  ],
  // --allow-sys is for --cacert alone: Deno asks for it before it tells the usual authorities.
  // --allow-run is for the command ! alone.
  permissions: [
    "--allow-env",
    "--allow-net",
    "--allow-read",
    "--allow-run",
    "--allow-sys",
    "--allow-write",
  ],
  rfcs: [
    "RFC 959 and 1123 (FTP), RFC 1738 (URLs), RFC 2389 (FEAT), RFC 2428 (EPSV, EPRT)",
    "RFC 2640 (UTF-8), RFC 3659 (MLSD, SIZE, MDTM, REST), RFC 4217 (TLS)",
  ],
} satisfies Command;

function dash(word: string): string {
  if (word !== "-") throw new RangeError("give -: what is there says where to go on");
  return word;
}

function encodingName(word: string): string {
  try {
    return charset(word).name;
  } catch {
    throw new RangeError("give a character set that has ASCII, such as utf-8, latin1 or koi8-r");
  }
}

function rate(word: string): RateLimit {
  const bytes = size(word);
  if (bytes === 0) throw new RangeError("nothing would ever move");
  return new RateLimit(bytes);
}

function times(word: string): number {
  return word === "0" ? 0 : count(word);
}

/** The sockets of a session. */
function network(options: { ipv4: boolean; ipv6: boolean }): FtpNetwork {
  return {
    async dial(host, port, signal): Promise<FtpConn> {
      const hostname = await connectName(host, options, signal);
      const conn = await Deno.connect({ hostname, port, signal });
      conn.setNoDelay();
      return conn;
    },
    listen: (hostname) => Deno.listen({ hostname, port: 0 }),
  };
}

type FtpValues = Values<typeof command.options>;

/** Makes the sessions that the options ask for. */
function connector(options: FtpValues, trace: Trace): (server: Server) => Promise<FtpClient> {
  return (server) =>
    FtpClient.connect({
      ...options,
      ...network(options),
      ...server,
      passive: !options.active,
      trustPassiveHost: options.trustPasv,
      trace,
    });
}

/** Runs `ftp`; returns its exit code. */
export const main = program(command, async ({ options, words }) => {
  if (options.cacert !== undefined) await trustFile(options.cacert);
  const [word] = words;
  // A URL without a path is a server to talk to.
  const isUrls = words.length > 1 || word?.replace(/^\w+:\/\//, "").includes("/");
  return isUrls || hasJob(options) ? await oneShot(words, options) : await dialogue(word, options);
});

async function oneShot(words: string[], options: FtpValues): Promise<number> {
  const jobs = await jobsFor(words, options);
  const shot = new OneShot({
    connect: connector(options, new Trace(options.verbose)),
    retries: options.retries,
    createDirs: options.createDirs,
    rate: options.limitRate,
    wait: delay,
  });
  using _signals = onStop(() => {
    const remark = shot.interrupt();
    clearLine();
    say(`ftp: interrupted${remark}`);
    Deno.exit(EXIT.interrupted);
  });
  return await shot.run(jobs);
}

async function dialogue(host: string | undefined, options: FtpValues): Promise<number> {
  const interactive = Deno.stdin.isTerminal();
  const history = History.open(interactive ? historyPath("ftp") : undefined);
  const trace = new Trace(options.verbose);
  const shell: Shell = new Shell({
    commands: COMMANDS,
    ...options,
    connect: connector(options, trace),
    console: interactive ? new Terminal(history, (line) => shell.complete(line)) : new Script(),
    history,
    trace,
    rate: options.limitRate,
    settings: {
      ascii: options.ascii,
      passive: !options.active,
      verbose: interactive,
      prompt: !options.noPrompt,
      hash: 0,
    },
  });
  using _signals = onStop((signal) => {
    if (interactive && signal === "SIGINT") {
      if (!shell.isAway) clearLine();
      return shell.interrupt();
    }
    say(`ftp: interrupted${shell.keep()}`);
    Deno.exit(EXIT.interrupted);
  });
  return await shell.run(host);
}

/** Before a message: the terminal has shown ^C there, maybe after the figures of a mirror. */
function clearLine(): void {
  if (Deno.stderr.isTerminal()) mark("\r\x1b[K");
}

if (import.meta.main) Deno.exit(await main(Deno.args));
