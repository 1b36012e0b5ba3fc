/** The packets of TFTP (RFC 1350 section 5, RFC 2347). */
import { ProtocolError } from "./error.ts";
import { latin1 } from "./text.ts";

/** The first two bytes of a packet. */
export const OPCODE = { RRQ: 1, WRQ: 2, DATA: 3, ACK: 4, ERROR: 5, OACK: 6 } as const;

/** The codes of ERROR packets; 8 is of RFC 2347. */
export const ERROR_CODE = {
  undefined: 0,
  notFound: 1,
  accessViolation: 2,
  diskFull: 3,
  illegalOperation: 4,
  unknownTransferId: 5,
  fileExists: 6,
  noSuchUser: 7,
  optionRefused: 8,
} as const;

/** How bytes travel: as they are, or as lines of text. */
export type Mode = "octet" | "netascii";

/** Opcode and block number, the head of DATA and the whole of ACK. */
export const HEADER = 4;

/**
 * The longest request we take, in bytes. RFC 2347 has 512, which a long path
 * exceeds; this is the longest path there is, and its options.
 */
export const LONGEST_REQUEST = 4096 + 512;

/** A request to read or write a file. */
export interface RequestPacket {
  kind: "RRQ" | "WRQ";
  name: string;
  /** In lower case. */
  mode: string;
  /** By their names in lower case. Of an option given twice the last counts. */
  options: Map<string, string>;
}

/** A packet that was understood. */
export type TftpPacket =
  | RequestPacket
  | { kind: "DATA"; block: number; data: Uint8Array }
  | { kind: "ACK"; block: number }
  | { kind: "ERROR"; code: number; message: string }
  | { kind: "OACK"; options: Map<string, string> };

/** The opcode of `packet`; 0 when it is too short to have one. */
export function opcodeOf(packet: Uint8Array): number {
  return ((packet[0] ?? 0) << 8) | (packet[1] ?? 0);
}

/** The block number of a DATA or ACK packet of at least four bytes. */
export function blockOf(packet: Uint8Array): number {
  return ((packet[2] ?? 0) << 8) | (packet[3] ?? 0);
}

/** Reads a packet. Its data is a part of `bytes`. Throws ProtocolError. */
export function parsePacket(bytes: Uint8Array): TftpPacket {
  if (bytes.length < 2) throw new ProtocolError("the packet is too short");
  const opcode = opcodeOf(bytes);
  if (opcode === OPCODE.RRQ || opcode === OPCODE.WRQ) return parseRequest(opcode, bytes);
  if (opcode === OPCODE.OACK) return { kind: "OACK", options: optionMap(fields(bytes, 2)) };
  if (opcode < OPCODE.DATA || opcode > OPCODE.OACK) {
    throw new ProtocolError(`there is no operation ${opcode}`);
  }
  if (bytes.length < HEADER) throw new ProtocolError("the packet is too short");
  const number = blockOf(bytes);
  if (opcode === OPCODE.DATA) {
    return { kind: "DATA", block: number, data: bytes.subarray(HEADER) };
  }
  if (opcode === OPCODE.ACK) return { kind: "ACK", block: number };
  return { kind: "ERROR", code: number, message: fields(bytes, HEADER)[0] ?? "" };
}

function parseRequest(opcode: number, bytes: Uint8Array): RequestPacket {
  const [name = "", mode, ...rest] = fields(bytes, 2);
  if (name === "") throw new ProtocolError("the request names no file");
  if (mode === undefined) throw new ProtocolError("the request has no mode");
  return {
    kind: opcode === OPCODE.RRQ ? "RRQ" : "WRQ",
    name,
    mode: mode.toLowerCase(),
    options: optionMap(rest),
  };
}

/** The mode a request names; undefined: one that we do not have, such as mail. */
export function parseMode(mode: string): Mode | undefined {
  return mode === "octet" || mode === "netascii" ? mode : undefined;
}

/** The strings from `start` on, each ended by a NUL; some clients leave the last one out. */
function fields(bytes: Uint8Array, start: number): string[] {
  const all: string[] = [];
  while (start < bytes.length) {
    const nul = bytes.indexOf(0, start);
    const end = nul < 0 ? bytes.length : nul;
    all.push(decode(bytes.subarray(start, end)));
    start = end + 1;
  }
  return all;
}

/** Pairs of names and values. Some clients send a NUL too many, and a name without a value says nothing. */
function optionMap(words: string[]): Map<string, string> {
  const options = new Map<string, string>();
  for (let i = 0; i < words.length; i++) {
    const name = words[i] ?? "";
    if (name === "") continue;
    const value = words[++i];
    if (value !== undefined) options.set(name.toLowerCase(), value);
  }
  return options;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** RFC 1350 has names in netascii; UTF-8 is what is sent, and what is neither keeps its bytes as Latin-1. */
function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return latin1(bytes);
  }
}

const encoder = new TextEncoder();

/** A request. */
export function encodeRequest(
  kind: "RRQ" | "WRQ",
  name: string,
  mode: string,
  options: ReadonlyMap<string, string>,
): Uint8Array {
  return encode(OPCODE[kind], [name, mode, ...[...options].flat()]);
}

/** The answer to a request with options: those that are accepted. */
export function encodeOack(options: ReadonlyMap<string, string>): Uint8Array {
  return encode(OPCODE.OACK, [...options].flat());
}

/** The acknowledgement of the block with the number `block`. */
export function encodeAck(block: number): Uint8Array {
  return Uint8Array.of(0, OPCODE.ACK, block >> 8, block & 0xff);
}

/** A block of data. */
export function encodeData(block: number, data: Uint8Array): Uint8Array {
  const packet = new Uint8Array(HEADER + data.length);
  writeDataHeader(packet, block);
  packet.set(data, HEADER);
  return packet;
}

/** Writes the head of the DATA packet with the number `block` into `packet`. */
export function writeDataHeader(packet: Uint8Array, block: number): void {
  packet[0] = 0;
  packet[1] = OPCODE.DATA;
  packet[2] = block >> 8;
  packet[3] = block & 0xff;
}

/** The end of a transfer, and why. */
export function encodeError(code: number, message: string): Uint8Array {
  const packet = encode(OPCODE.ERROR, [`\0\0${message}`]);
  packet[3] = code;
  return packet;
}

function encode(opcode: number, words: string[]): Uint8Array {
  return encoder.encode(
    `\0${String.fromCharCode(opcode)}${words.map((word) => `${word}\0`).join("")}`,
  );
}
