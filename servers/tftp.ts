/**
 * The TFTP server of RFC 1350, with the options of RFC 2347, 2348, 2349 and
 * 7440. It serves a folder, read-only unless it is told otherwise.
 */
import { Jail } from "../tools/files/jail.ts";
import { prepareUploads } from "../tools/files/upload.ts";
import { DatagramEndpoint } from "../tools/net/datagram.ts";
import { type Caps } from "../tools/net/limits.ts";
import { listenAt } from "../tools/net/listen.ts";
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
import { EXIT, UsageError } from "../tools/program/failure.ts";
import { checkFolder, readParsed } from "../tools/program/files.ts";
import { Log } from "../tools/program/log.ts";
import {
  count,
  duration,
  flag,
  list,
  size,
  text,
  value,
  valueOr,
} from "../tools/program/options.ts";
import { writeOut } from "../tools/program/terminal.ts";
import { BLKSIZE } from "../tools/protocol/tftp_options.ts";
import { HEADER, LONGEST_REQUEST } from "../tools/protocol/tftp_packet.ts";
import { visible } from "../tools/protocol/text.ts";
import { parsePortRange } from "../tools/protocol/units.ts";
import { parseNetwork } from "./tftp/allow_list.ts";
import { meantPath, type NameRules, wholePath } from "./tftp/names.ts";
import { parseMap } from "./tftp/remap.ts";
import { TftpService } from "./tftp/service.ts";
import { MAX_WINDOW, type TftpSettings } from "./tftp/settings.ts";

const SERVICE = 69;
/** A transfer has a socket and a file. */
const DESCRIPTORS = 2;

/** How a TFTP server is set up. */
export interface TftpOptions extends TftpSettings, Caps {
  /** Empty: all addresses. */
  hosts: string[];
  /** Undefined: 69, or 6969 where that is refused. */
  port?: number | undefined;
}

/** Starts a TFTP server. Throws Failure when it cannot listen. */
export function start(options: TftpOptions): Server {
  const { hosts, port, log, folder, uploads, singlePort } = options;
  // With one port that is where data comes in, too.
  const longest = singlePort ? HEADER + BLKSIZE.most : LONGEST_REQUEST;
  const entrances = listenAt(
    { hosts, port, transport: "udp", service: SERVICE },
    (hostname, port, reuseAddress) =>
      Deno.listenDatagram({ transport: "udp", hostname, port, reuseAddress }),
    (message) => log.say(message),
  ).map((socket) => new DatagramEndpoint(socket, longest));
  const service = new TftpService({
    ...options,
    folder: wholePath(folder, Deno.cwd()),
    uploads: uploads === undefined ? undefined : wholePath(uploads, Deno.cwd()),
    openPort: (hostname, port, longest) =>
      new DatagramEndpoint(Deno.listenDatagram({ transport: "udp", hostname, port }), longest),
  }, openJails(folder, uploads));
  const close = (): void => entrances.forEach((entrance) => entrance.close());
  const running = Promise.all(entrances.map((entrance) => service.run(entrance)));
  // At a second Ctrl-C the program ends at once.
  const abandon = (): void => service.abandon();
  addEventListener("unload", abandon);
  const finished = running.then(() => service.idle())
    .finally(() => removeEventListener("unload", abandon));
  return {
    addrs: entrances.map(({ addr }) => addr),
    finished,
    async shutdown(): Promise<void> {
      service.refuse();
      // With one port, it is needed until the transfers are over.
      if (!singlePort) close();
      const timer = setTimeout(() => service.stop(), GRACE);
      await service.idle();
      clearTimeout(timer);
      close();
      await finished;
    },
  };
}

async function openJails(
  folder: string,
  uploads: string | undefined,
): Promise<{ jail: Jail; uploads: Jail }> {
  const jail = await Jail.open(folder);
  return { jail, uploads: uploads === undefined ? jail : await Jail.open(uploads) };
}

/** The `tftpd` program. */
export const command = {
  name: "tftpd",
  summary: "TFTP server (RFC 1350): serves a folder, read-only unless told otherwise",
  usage: ["[DIR] [options]", "--map FILE --map-test NAME"],
  words: [0, 1],
  options: {
    write: flag("Let clients store new files."),
    overwrite: flag("Let clients replace files, and store new ones."),
    uploads: value("DIR", "Store files in this folder; with --write or --overwrite.", text),
    "max-file-size": value("SIZE", "The largest file to take.", size, { shown: "no limit" }),
    "max-blksize": value("SIZE", "The largest block; clients choose within that.", blksize, {
      shown: "unfragmented on an Ethernet: 1468, IPv6 1448; 65464 on loopback",
    }),
    "max-window": valueOr(
      "N",
      "The most blocks at once; less where a default socket buffer holds less.",
      count,
      `${MAX_WINDOW}`,
    ),
    "single-port": flag(
      "Send everything from the port that listens, for NAT and containers; windows of 4 blocks at most.",
    ),
    "port-range": value("FIRST-LAST", "The ports of transfers, for firewalls.", parsePortRange, {
      shown: "any",
    }),
    allow: list("ADDRESS[/BITS]", "Answer these clients alone; may be repeated.", parseNetwork, {
      shown: "everybody",
    }),
    "per-client": flag(
      "Look in the folder named as the client's address first, as 192.0.2.7; others may look there too.",
    ),
    "lower-case": flag("Turn names into lower case; patterns of --map then match in any case."),
    map: value(
      "FILE",
      "Other names: a pattern and its replacement on each line, such as " +
        "^SEP(.*) phones/$1; {ip} is the client's address.",
      text,
    ),
    "map-test": value("NAME", "Print what NAME is turned into, and end.", text),
    ...listenOptions(SERVICE),
    ...CAP_OPTIONS,
    "max-connections": {
      ...CAP_OPTIONS["max-connections"],
      help: "At most this many transfers at once.",
    },
    "idle-timeout": valueOr(
      "TIME",
      "Give up a transfer that makes no progress for so long.",
      duration,
      "30s",
    ),
    ...LOG_OPTIONS,
  },
  examples: [
    ["tftpd", "Serve this folder to everybody, to read."],
    ["tftpd --write /srv/configs", "Let switches store what they have not stored before."],
    ["tftpd --overwrite --port 6969", "For tries, without root."],
    ["tftpd --lower-case --single-port /srv/pxe", "Boot machines, from a container."],
  ],
  permissions: ["--allow-net", "--allow-read", "--allow-sys=networkInterfaces", "--allow-write"],
  rfcs: [
    "RFC 1350 (TFTP), 1123 (host requirements), 2347 (options), 2348 (blksize), " +
    "2349 (timeout, tsize), 7440 (windowsize)",
  ],
} satisfies Command;

/** Runs `tftpd`; returns its exit code. */
export const main = program(command, async ({ options, words: [folder = "."] }) => {
  const { write, overwrite, uploads, singlePort, portRange, mapTest } = options;
  const { lowerCase, map } = options;
  const names = {
    lowerCase,
    map: map === undefined ? [] : await readParsed(map, (text) => parseMap(text, lowerCase)),
  };
  if (mapTest !== undefined) {
    await writeOut(`${testMap(mapTest, names, folder)}\n`);
    return EXIT.ok;
  }
  if (uploads !== undefined && !write && !overwrite) {
    throw new UsageError("--uploads needs --write or --overwrite");
  }
  if (singlePort && portRange) throw new UsageError("--single-port leaves no use for --port-range");
  await checkFolder(folder);
  const log = new Log({ name: command.name, form: options.log, quiet: options.quiet });
  if (write || overwrite) await prepareUploads(uploads ?? folder, (message) => log.say(message));
  return await runServer(log, () =>
    start({
      ...options,
      ...capsFrom(options, DESCRIPTORS),
      hosts: options.host,
      folder,
      writing: overwrite ? "overwrite" : write ? "new" : "no",
      maxFileSize: options.maxFileSize ?? Infinity,
      names,
      ports: portRange,
      log,
    }));
});

function testMap(name: string, rules: NameRules, folder: string): string {
  try {
    return meantPath(name, "127.0.0.1", rules, wholePath(folder, Deno.cwd()));
  } catch (error) {
    throw new UsageError(`--map-test ${visible(name)}: ${(error as Error).message}`);
  }
}

function blksize(word: string): number {
  const bytes = size(word);
  if (bytes < BLKSIZE.least || bytes > BLKSIZE.most) {
    throw new RangeError(`give ${BLKSIZE.least} to ${BLKSIZE.most} bytes`);
  }
  return bytes;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
