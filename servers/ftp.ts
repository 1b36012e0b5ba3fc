/**
 * The FTP server of RFC 959, with what came since: RFC 1123, 2389, 2428, 2577,
 * 2640, 3659 and 4217. It serves a folder, read-only unless it is told otherwise.
 */
import { promptSecret } from "@std/cli/prompt-secret";
import { prepareUploads } from "../tools/files/upload.ts";
import { Acceptor } from "../tools/net/accept.ts";
import { type Caps, ConnectionCount } from "../tools/net/limits.ts";
import { BACKLOG, listenAt } from "../tools/net/listen.ts";
import {
  CAP_OPTIONS,
  capsFrom,
  GRACE,
  idleOption,
  listenOptions,
  LOG_OPTIONS,
  runServer,
  type Server,
} from "../tools/net/server.ts";
import { type Command, program } from "../tools/program/command.ts";
import { EXIT, UsageError } from "../tools/program/failure.ts";
import { checkFolder, readParsed } from "../tools/program/files.ts";
import { Log } from "../tools/program/log.ts";
import { count, flag, list, size, text, value } from "../tools/program/options.ts";
import { writeOut } from "../tools/program/terminal.ts";
import { isIPv4, unmapped } from "../tools/protocol/address.ts";
import { formatReply } from "../tools/protocol/ftp_reply.ts";
import { Secret } from "../tools/protocol/secret.ts";
import { parsePortRange } from "../tools/protocol/units.ts";
import { formatUser, parseUser, parseUsers, type Right } from "../tools/protocol/users.ts";
import { BY_VERB } from "./ftp/commands.ts";
import { withZone } from "./ftp/link_local.ts";
import { Folders, LoginGuard, passwordText } from "./ftp/login.ts";
import type { FtpService } from "./ftp/service.ts";
import { FtpSession } from "./ftp/session.ts";
import { type DataNetwork, type FtpSettings, PASSIVE_PORTS, TIMEOUTS } from "./ftp/settings.ts";

const SERVICE = 21;
const IMPLICIT_TLS_SERVICE = 990;
/** A session has a control connection, a data connection or the socket for it, and a file. */
const DESCRIPTORS = 3;

/** How an FTP server is set up. */
export interface FtpOptions extends FtpSettings, Caps {
  /** Empty: all addresses. */
  hosts: string[];
  /** Undefined: 21, or 2121 where that is refused; 990 and 9990 with implicit TLS. */
  port?: number | undefined;
}

/** The sockets for data. */
const NETWORK: DataNetwork = {
  listen: (hostname, port) => Deno.listen({ transport: "tcp", hostname, port }),
  dial: (hostname, port, signal) => Deno.connect({ transport: "tcp", hostname, port, signal }),
};

/** Starts an FTP server. Throws Failure when it cannot listen. */
export function start(options: FtpOptions): Server {
  const { hosts, port, log } = options;
  const service: FtpService = {
    ...options,
    network: NETWORK,
    guard: new LoginGuard(),
    folders: new Folders(),
    sessions: new ConnectionCount({
      maxConnections: Infinity,
      maxPerAddress: options.maxPerUser,
    }),
  };
  const sessions = new Set<FtpSession>();
  const acceptor = new Acceptor({
    ...options,
    refusal: new TextEncoder().encode(formatReply(421, "Too many connections; try later.")),
    serve(conn, { hostname: peer }): Promise<void> {
      const local = withZone(unmapped((conn.localAddr as Deno.NetAddr).hostname));
      const session = new FtpSession(conn, { peer, local }, service, BY_VERB);
      sessions.add(session);
      return session.run().finally(() => sessions.delete(session));
    },
  });
  const listeners = listenAt(
    {
      hosts,
      port,
      transport: "tcp",
      service: options.tls?.implicit ? IMPLICIT_TLS_SERVICE : SERVICE,
    },
    (hostname, port) => Deno.listen({ transport: "tcp", hostname, port, tcpBacklog: BACKLOG }),
    (message) => log.say(message),
  );
  listeners.forEach((listener) => acceptor.listen(listener));
  return {
    addrs: listeners.map(({ addr }) => addr),
    finished: acceptor.finished(),
    async shutdown(): Promise<void> {
      sessions.forEach((session) => session.stop());
      await acceptor.shutdown(GRACE);
    },
  };
}

const READ: Right[] = ["r"];
const ALL: Right[] = ["r", "w", "d"];

/** The `ftpd` program. */
export const command = {
  name: "ftpd",
  summary: "FTP server (RFC 959): serves a folder, read-only unless told otherwise",
  usage: ["[DIR] [options]", "--hash-password NAME"],
  words: [0, 1],
  options: {
    write: flag("Let anonymous store, delete and rename as well."),
    user: list(
      "NAME:PASSWORD[:DIR[:RIGHTS]]",
      "A user; may be repeated. Rights are r (read), w (write), d (delete, rename).",
      parseUser,
      { shown: "anonymous alone" },
    ),
    users: value("FILE", "Users, one a line, as --hash-password prints them.", text),
    anonymous: flag("Let anonymous in although there are users."),
    "hash-password": flag("Read a password, print the line of NAME for --users, and end."),
    "passive-ports": value("FIRST-LAST", "The ports for passive mode.", parsePortRange, {
      shown: `${PASSIVE_PORTS.first}-${PASSIVE_PORTS.last}`,
    }),
    "public-address": value(
      "IPV4",
      "The address for passive mode that clients outside of this network are told.",
      address,
      { shown: "the one they connected to" },
    ),
    "keep-partial": flag("Keep what came of an upload that broke off."),
    "max-file-size": value("SIZE", "The largest file to take.", size, { shown: "no limit" }),
    "max-rate": value("SIZE", "Bytes a second for each transfer.", rate, { shown: "no limit" }),
    "max-per-user": value("N", "At most this many sessions of one user.", count, {
      shown: "no limit",
    }),
    cert: value("FILE", "The certificate, in PEM: serve TLS. SIGHUP reads it again.", text),
    key: value("FILE", "Its key, in PEM.", text),
    "require-tls": flag("No login and no data without TLS."),
    "require-tls-login": flag("No login without TLS; data may go in clear."),
    "require-reuse": flag("Data connections must resume the TLS session."),
    "implicit-tls": flag("TLS from the first byte on, at port 990, or 9990."),
    ...listenOptions(SERVICE),
    ...CAP_OPTIONS,
    ...idleOption("5m"),
    ...LOG_OPTIONS,
  },
  examples: [
    ["ftpd", "Serve this folder to everybody, to read."],
    ["ftpd --write /srv/configs", "Let switches and cameras store files."],
    ["ftpd --user ada:secret:/home/ada:rwd", "One user, who may do everything."],
    ["ftpd --cert c.pem --key k.pem --require-tls --users users.txt", "Nothing in clear."],
    ["ftpd --hash-password ada", "A line for users.txt."],
  ],
  permissions: ["--allow-net", "--allow-read", "--allow-sys", "--allow-write"],
  rfcs: [
    "RFC 959 (FTP), 1123 (host requirements), 2389 (FEAT, OPTS), 2428 (IPv6), 2577 (security), " +
    "2640 (UTF-8), 3659 (MLST, SIZE, MDTM, REST), 4217 (TLS)",
  ],
} satisfies Command;

/** Runs `ftpd`; returns its exit code. */
export const main = program(command, async ({ options, words: [word] }) => {
  if (options.hashPassword) return await printHash(word);
  const folder = word ?? ".";
  const log = new Log({ name: command.name, form: options.log, quiet: options.quiet });
  const users = [
    ...options.user,
    ...options.users === undefined ? [] : await readParsed(options.users, parseUsers),
  ];
  const everybody = users.length === 0 || options.anonymous;
  if (options.write && !everybody) {
    throw new UsageError("--write is about anonymous, who does not come in (see --anonymous)");
  }
  const folders = new Map([[folder, options.write]]);
  for (const { folder: own = folder, rights } of users) {
    folders.set(own, folders.get(own) || rights.has("w"));
  }
  for (const [folder, stores] of folders) {
    if (stores) await prepareUploads(folder, (message) => log.say(message));
    else await checkFolder(folder);
  }
  const files = certificateFiles(options);
  using identity = files &&
    await (await import("./ftp/renewal.ts")).RenewedIdentity.read(...files, log);
  const settings: FtpOptions = {
    ...capsFrom(options, DESCRIPTORS),
    hosts: options.host,
    port: options.port,
    folder,
    anonymous: everybody ? new Set(options.write ? ALL : READ) : undefined,
    users,
    passivePorts: options.passivePorts ?? PASSIVE_PORTS,
    publicAddress: options.publicAddress,
    timeouts: { ...TIMEOUTS, idle: options.idleTimeout },
    maxPerUser: options.maxPerUser ?? Infinity,
    maxRate: options.maxRate ?? Infinity,
    maxFileSize: options.maxFileSize ?? Infinity,
    keepPartial: options.keepPartial,
    tls: identity && {
      identity: () => identity.current,
      implicit: options.implicitTls,
      required: options.requireTls ? "all" : options.requireTlsLogin ? "login" : undefined,
      reuse: options.requireReuse,
    },
    log,
  };
  return await runServer(log, () => start(settings));
});

/** The files of `--cert` and `--key`; undefined: no TLS. Throws UsageError. */
function certificateFiles(
  { cert, key, requireTls, requireTlsLogin, requireReuse, implicitTls }: {
    cert: string | undefined;
    key: string | undefined;
    requireTls: boolean;
    requireTlsLogin: boolean;
    requireReuse: boolean;
    implicitTls: boolean;
  },
): [cert: string, key: string] | undefined {
  if (cert !== undefined && key !== undefined) return [cert, key];
  if (cert !== key) throw new UsageError("give both --cert and --key");
  if (requireTls || requireTlsLogin || requireReuse || implicitTls) {
    throw new UsageError("TLS needs --cert and --key");
  }
  return undefined;
}

async function printHash(name: string | undefined): Promise<number> {
  if (name === undefined) throw new UsageError("name the user: --hash-password NAME");
  if (/[\s:]/.test(name)) throw new UsageError("a user needs a name without blanks and colons");
  const password = Deno.stdin.isTerminal()
    ? promptSecret("Password: ")
    : passwordText(await new Response(Deno.stdin.readable).bytes()).split(/\r?\n/)[0];
  if (!password) throw new UsageError("no password was given");
  const { hashPassword } = await import("../tools/program/passwords.ts");
  await writeOut(`${formatUser(name, await hashPassword(new Secret(password)))}\n`);
  return EXIT.ok;
}

function address(word: string): string {
  if (!isIPv4(word)) throw new RangeError("give an IPv4 address, as PASV tells it");
  return word;
}

function rate(word: string): number {
  const bytes = size(word);
  if (bytes < 1) throw new RangeError("give at least 1");
  return bytes;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
