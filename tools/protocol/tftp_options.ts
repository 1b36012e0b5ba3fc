/** The options of a transfer (RFC 2347): what is offered, what is accepted, what then holds. */
import { ProtocolError } from "./error.ts";

/** What both ends have agreed on. */
export interface Terms {
  /** Bytes in a block (RFC 2348). */
  blksize: number;
  /** Blocks that are sent before an acknowledgement is awaited (RFC 7440). */
  windowsize: number;
  /** The number after 65535. */
  rollover: 0 | 1;
  /** Milliseconds until a packet is sent again (RFC 2349); undefined: each end decides. */
  timeout: number | undefined;
  /** The size of the file in bytes (RFC 2349), if it was told. */
  size: number | undefined;
}

/** What holds without options (RFC 1350). */
export const PLAIN_TERMS: Terms = {
  blksize: 512,
  windowsize: 1,
  rollover: 0,
  timeout: undefined,
  size: undefined,
};

/** RFC 2348 section 2: the smallest and the largest block. */
export const BLKSIZE = { least: 8, most: 65464 } as const;
/** RFC 7440 section 3. */
export const WINDOWSIZE = { least: 1, most: 65535 } as const;
/** RFC 2349, in seconds. */
export const TIMEOUT = { least: 1, most: 255 } as const;
/** As tftp-hpa has it, in microseconds; but shorter ones would be over before an answer from afar can come. */
export const UTIMEOUT = { least: 100_000, most: 255_000_000 } as const;

/** How far a server goes with a client's wishes. */
export interface Limits {
  blksize: number;
  windowsize: number;
  /** Milliseconds; a longer wait is not agreed on. */
  timeout: number;
}

// The default socket buffer of Linux, of 212,992 bytes. A window that does not fit is cut at its end each time.
const SOCKET_BUFFER = 212_992;

/** The largest window of blocks of `blksize` that a receiver's socket buffer holds; at least 1. */
export function largestWindow(blksize: number): number {
  return Math.max(1, Math.floor(SOCKET_BUFFER / bufferUse(blksize)));
}

/** What a datagram takes of the buffer, as measured: the system rounds up to powers of two, and adds pages beyond. */
function bufferUse(blksize: number): number {
  if (blksize >= 16384) return 1.1 * blksize;
  return 2 ** Math.ceil(Math.log2(blksize + 400)) + 320;
}

/** What a server makes of a request. */
export interface Negotiated {
  terms: Terms;
  /** For the OACK; empty: there is none, and the transfer begins as in RFC 1350. */
  accepted: Map<string, string>;
}

/**
 * A server's answer to the options `asked`. `size` is the file's to read if it
 * is known; "told" takes the client's word for a file to write. Numbers too
 * large are lowered to `limits`; what is no number, or too small, or unknown is
 * left out, as if it had not been asked for.
 */
export function negotiate(
  asked: ReadonlyMap<string, string>,
  limits: Limits,
  size: number | "told" | undefined,
): Negotiated {
  const terms = { ...PLAIN_TERMS };
  const accepted = new Map<string, string>();
  const number = (name: string): number => naturalNumber(asked.get(name));
  if (number("blksize") >= BLKSIZE.least) {
    terms.blksize = Math.min(number("blksize"), limits.blksize);
    accepted.set("blksize", `${terms.blksize}`);
  }
  if (number("windowsize") >= WINDOWSIZE.least) {
    terms.windowsize = Math.min(
      number("windowsize"),
      limits.windowsize,
      largestWindow(terms.blksize),
    );
    accepted.set("windowsize", `${terms.windowsize}`);
  }
  // A time can only be taken or left. The finer one counts when both are there.
  const [micros, seconds] = [number("utimeout"), number("timeout")];
  if (within(micros, UTIMEOUT) && micros / 1000 <= limits.timeout) {
    terms.timeout = micros / 1000;
    accepted.set("utimeout", `${micros}`);
  } else if (within(seconds, TIMEOUT) && seconds * 1000 <= limits.timeout) {
    terms.timeout = seconds * 1000;
    accepted.set("timeout", `${seconds}`);
  }
  const rollover = asked.get("rollover");
  if (rollover === "0" || rollover === "1") {
    terms.rollover = rollover === "1" ? 1 : 0;
    accepted.set("rollover", rollover);
  }
  if (Number.isSafeInteger(number("tsize")) && size !== undefined) {
    terms.size = size === "told" ? number("tsize") : size;
    accepted.set("tsize", `${terms.size}`);
  }
  return { terms, accepted };
}

/** What a client wishes for. What is left out is not asked for. */
export interface Wishes {
  blksize?: number;
  windowsize?: number;
  /** Milliseconds; whole seconds go by `timeout`, others by `utimeout`. */
  timeout?: number;
  rollover?: 0 | 1;
  /** Bytes: 0 to ask for it, or the size of the file that is sent. */
  tsize?: number;
}

/** The options of a request for `wishes`. */
export function requestOptions(wishes: Wishes): Map<string, string> {
  const options = new Map<string, string>();
  const set = (name: string, value: number | undefined): void => {
    if (value !== undefined) options.set(name, `${value}`);
  };
  const { timeout } = wishes;
  set("blksize", wishes.blksize);
  set("windowsize", wishes.windowsize);
  if (timeout !== undefined && timeout % 1000 !== 0) set("utimeout", Math.round(timeout * 1000));
  else set("timeout", timeout && timeout / 1000);
  set("rollover", wishes.rollover);
  set("tsize", wishes.tsize);
  return options;
}

/**
 * What holds after the OACK with the options `accepted` to a request with
 * `asked`. Throws ProtocolError, for which a client sends error 8, when the
 * server takes what was not asked for or more than that.
 */
export function agreedTerms(
  asked: ReadonlyMap<string, string>,
  accepted: ReadonlyMap<string, string>,
): Terms {
  const terms = { ...PLAIN_TERMS };
  for (const [name, value] of accepted) {
    const wish = asked.get(name);
    if (wish === undefined) {
      throw new ProtocolError(`the server accepted the option ${name}, which was not asked for`);
    }
    const number = naturalNumber(value);
    const agreed = (holds: boolean): void => {
      if (!holds) throw new ProtocolError(`the server answered ${name} ${wish} with ${value}`);
    };
    if (name === "blksize") {
      agreed(within(number, { least: BLKSIZE.least, most: Number(wish) }));
      terms.blksize = number;
    } else if (name === "windowsize") {
      agreed(within(number, { least: WINDOWSIZE.least, most: Number(wish) }));
      terms.windowsize = number;
    } else if (name === "timeout" || name === "utimeout") {
      agreed(number === Number(wish));
      terms.timeout = name === "timeout" ? number * 1000 : number / 1000;
    } else if (name === "rollover") {
      agreed(value === wish);
      terms.rollover = value === "1" ? 1 : 0;
    } else if (name === "tsize" && Number.isSafeInteger(number)) {
      terms.size = number; // Only information: some servers tell it modulo 2^32.
    }
  }
  return terms;
}

/** The value of decimal digits; NaN for everything else. */
function naturalNumber(text = ""): number {
  return /^\d+$/.test(text) ? Number(text) : NaN;
}

function within(number: number, { least, most }: { least: number; most: number }): boolean {
  return number >= least && number <= most;
}
