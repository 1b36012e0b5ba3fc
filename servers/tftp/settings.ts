/** How a TFTP server is set up. */
import type { Log } from "../../tools/program/log.ts";
import type { Limits } from "../../tools/protocol/tftp_options.ts";
import { WAITS } from "../../tools/protocol/tftp_retry.ts";
import type { RequestPacket } from "../../tools/protocol/tftp_packet.ts";
import type { PortRange } from "../../tools/protocol/units.ts";
import type { Network } from "./allow_list.ts";
import type { NameRules } from "./names.ts";

/** What clients may do with files besides reading: nothing, make new ones, or replace others too. */
export type Writing = "no" | "new" | "overwrite";

/** What a TFTP server is told. */
export interface TftpSettings {
  /** The folder that is served. */
  folder: string;
  writing: Writing;
  /** Where files go that clients write; undefined: the folder that is served. */
  uploads?: string | undefined;
  /** The largest file that may come, in bytes. */
  maxFileSize: number;
  /** A client's files are in the folder of its address, if there is one. */
  perClient: boolean;
  names: NameRules;
  /** Undefined: blocks go unfragmented on an Ethernet, and as large as asked for on loopback. */
  maxBlksize?: number | undefined;
  maxWindow: number;
  /** All packets leave from the port that listens. */
  singlePort: boolean;
  /** Where the others leave from; undefined: from any port. */
  ports?: PortRange | undefined;
  /** Bytes that all transfers may hold together; undefined: MOST_HELD. */
  memory?: number | undefined;
  /** Who is answered; empty: everybody. */
  allow: readonly Network[];
  /** A transfer without progress for so long, in milliseconds, is given up. */
  idleTimeout: number;
  log: Log;
}

/** RFC 7440 section 4: beyond so many blocks little is gained. */
export const MAX_WINDOW = 64;

/**
 * The first packet goes to whoever the request claims to be from. Three times
 * are enough for a client that is there, and of little use against one that is not.
 */
export const OPENING_SENDS = 3;

/**
 * A forger who knows where a transfer's packets go needs no answer to keep it
 * going, in the name of a victim to whom it all is sent. So each packet draws a
 * window of at most so many blocks: what EDK2, the firmware of most PCs, asks for.
 */
export const GUESSABLE_WINDOW = 4;

/**
 * And no more than so many packets in all until the next one comes, repetitions
 * included: as many as tftpd-hpa sends for one request. On an Ethernet that is
 * at the very most 151 bytes for one of the forger's.
 */
export const GUESSABLE_SENDS = 6;

/** A window of MAX_WINDOW blocks that goes out ten times is, for each of so many ports to be tried, no more than that. */
const MANY_PORTS = 100;

/** Whether a client's packets go to a port that others can guess. */
export function isGuessable({ singlePort, ports }: TftpSettings): boolean {
  return singlePort || (ports !== undefined && ports.last - ports.first + 1 < MANY_PORTS);
}

// What an Ethernet frame holds besides the headers of IP, UDP and TFTP: PXE ROMs take no fragments.
const UNFRAGMENTED = { ipv4: 1500 - 20 - 8 - 4, ipv6: 1500 - 40 - 8 - 4 } as const;
const ON_LOOPBACK = 65464;

/** How far the options of a client at `address` are followed when it reads or writes. */
export function limitsFor(
  address: string,
  kind: RequestPacket["kind"],
  settings: TftpSettings,
): Limits {
  const { maxBlksize, maxWindow, idleTimeout } = settings;
  const standard = /^127\.|^::1$/.test(address)
    ? ON_LOOPBACK
    : UNFRAGMENTED[address.includes(":") ? "ipv6" : "ipv4"];
  return {
    blksize: maxBlksize ?? standard,
    windowsize: kind === "RRQ" && isGuessable(settings)
      ? Math.min(maxWindow, GUESSABLE_WINDOW)
      : maxWindow,
    // A longer one would extend the operator's limit.
    timeout: idleTimeout / WAITS,
  };
}
