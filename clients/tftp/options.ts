/** What a transfer is told, and what it tells. */
import { EXIT, Failure, UsageError } from "../../tools/program/failure.ts";
import { visible } from "../../tools/protocol/text.ts";
import type { Sink } from "../../tools/protocol/tftp_blocks.ts";
import {
  BLKSIZE,
  largestWindow,
  type Terms,
  TIMEOUT,
  UTIMEOUT,
  WINDOWSIZE,
} from "../../tools/protocol/tftp_options.ts";
import { ERROR_CODE, type Mode } from "../../tools/protocol/tftp_packet.ts";
import { parseCount, parseDuration } from "../../tools/protocol/units.ts";

/** How files are moved. What holds without options is not asked for. */
export interface TftpSettings {
  mode: Mode;
  /** Bytes to ask for in a block. */
  blksize: number;
  /** Blocks to ask for in a window; undefined: see `windowFor`. */
  windowsize: number | undefined;
  /** Tell, or ask for, the size of the file. */
  tsize: boolean;
  /** Milliseconds until a packet is sent again, which the server is asked to keep to as well; undefined: as measured. */
  rexmt: number | undefined;
  /** Milliseconds without an answer after which a transfer is given up. */
  timeout: number;
}

/** With its headers it goes whole through Ethernet, also by IPv6 and through a tunnel. */
export const STANDARD_BLKSIZE = 1428;
/** The gain of more flattens (RFC 7440 section 5), and with real network cards a socket buffer holds not many more. */
const STANDARD_WINDOW = 32;

/** The window to ask for. */
export function windowFor({ blksize, windowsize }: TftpSettings): number {
  return windowsize ?? Math.min(STANDARD_WINDOW, largestWindow(blksize));
}

/** Reads the size of a block. Throws RangeError. */
export function parseBlksize(word: string): number {
  return parseWithin(word, BLKSIZE);
}

/** Reads the size of a window. Throws RangeError. */
export function parseWindowsize(word: string): number {
  return parseWithin(word, WINDOWSIZE);
}

function parseWithin(word: string, { least, most }: { least: number; most: number }): number {
  const number = parseCount(word);
  if (number >= least && number <= most) return number;
  throw new RangeError(`give a number from ${least} to ${most}`);
}

/** Reads how long to wait before sending again, in milliseconds, as a server can be asked to. Throws RangeError. */
export function parseRexmt(word: string): number {
  const wait = parseDuration(word);
  const [least, most] = [UTIMEOUT.least / 1000, TIMEOUT.most * 1000];
  if (wait >= least && wait <= most) return wait;
  throw new RangeError(`give a time from ${least}ms to ${most / 1000}s`);
}

/** Throws UsageError for a window of which the end would be lost each time. */
export function checkWindow({ blksize, windowsize }: TftpSettings): void {
  const most = largestWindow(blksize);
  if (windowsize === undefined || windowsize <= most) return;
  throw new UsageError(
    `a socket's buffer does not hold ${windowsize} blocks of ${blksize} bytes: no more than ${most}`,
  );
}

/** Where a download goes: `end` is called when all has come, and is not acknowledged before it returns. */
export interface DownloadSink extends Sink {
  /** What must be waited for before more is written; undefined: nothing. */
  readonly busy?: Promise<void> | undefined;
}

/** How one transfer goes. */
export interface TransferOptions {
  /** Ends it: the server is told, and Failure is thrown. */
  signal?: AbortSignal | undefined;
  /** Hears what was agreed, before the first block. */
  onStart?: ((terms: Terms) => void | Promise<void>) | undefined;
  /** Hears of the bytes on the wire so far. */
  onProgress?: ((bytes: number) => void) | undefined;
}

/** What a transfer did. */
export interface Transferred {
  /** The bytes on the wire: those of netascii are more than those of the file. */
  bytes: number;
  /** How many packets we sent again. */
  resent: number;
  terms: Terms;
}

const MEANINGS: Record<number, string> = {
  [ERROR_CODE.notFound]: "no such file",
  [ERROR_CODE.accessViolation]: "access denied",
  [ERROR_CODE.diskFull]: "the server's disk is full",
  [ERROR_CODE.illegalOperation]: "the server does not do that",
  [ERROR_CODE.unknownTransferId]: "the server knows nothing of this transfer",
  [ERROR_CODE.fileExists]: "exists already",
  [ERROR_CODE.noSuchUser]: "no such user",
  [ERROR_CODE.optionRefused]: "the server refuses the options",
};

/**
 * The server said no, by an ERROR packet (RFC 1350 section 5). Exit code 5 where
 * that may go well later: its disk is full, or a transfer that it had agreed to
 * ended for no reason that has a code, as when it is stopped.
 */
export class TftpError extends Failure {
  override name = "TftpError";

  constructor(readonly code: number, text: string, agreed = false) {
    const isPassing = code === ERROR_CODE.diskFull || agreed && code === ERROR_CODE.undefined;
    super(
      isPassing ? EXIT.later : EXIT.refused,
      `${text === "" ? MEANINGS[code] ?? "refused" : visible(text)} (error ${code})`,
    );
  }
}
