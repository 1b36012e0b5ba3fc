/**
 * pcapng (draft-ietf-opsawg-pcapng), the form in which Wireshark reads and
 * keeps recordings: blocks, little-endian here, padded to 4 bytes, with their
 * length at both ends.
 */
import { concat } from "./bytes.ts";

/** Whether a packet came to the one who records it, or left it. */
export type PacketDirection = "in" | "out";

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
// Packets begin with the IP header, whose first bits tell IPv4 from IPv6 (LINKTYPE_RAW).
const LINKTYPE_RAW = 101;
// Type, length, interface, time in two halves, captured and original length; then the length again.
const PACKET_HEADER = 28;
const TRAILER = 4;

// Options, each a code, a length and a value.
const COMMENT = 1;
const IF_NAME = 2;
const EPB_FLAGS = 2;
const SHB_USERAPPL = 4;
const IF_TSRESOL = 9;
const MICROSECONDS = 6;

// The longest length that an option can state.
const LONGEST_OPTION = 65535;

/** The block that begins a recording made by `application`. */
export function sectionHeader(application: string): Uint8Array {
  const body = new Uint8Array(16);
  const view = new DataView(body.buffer);
  view.setUint32(0, BYTE_ORDER_MAGIC, true);
  view.setUint16(4, 1, true); // Version 1.0.
  view.setBigInt64(8, -1n, true); // The length of the section is not known yet.
  return block(SECTION_HEADER, body, options([[SHB_USERAPPL, application]]));
}

/** The block after it: packets begin with the IP header, were seen at `name`, and have times in microseconds. */
export function interfaceDescription(name: string): Uint8Array {
  const body = new Uint8Array(8); // The rest is 0: no limit on the length of packets.
  new DataView(body.buffer).setUint16(0, LINKTYPE_RAW, true);
  return block(
    INTERFACE_DESCRIPTION,
    body,
    options([[IF_NAME, name], [IF_TSRESOL, Uint8Array.of(MICROSECONDS)]]),
  );
}

/** What is said about a packet, for `writePacketBlock`. Of a very long comment the beginning stays. */
export function packetOptions(direction: PacketDirection, comment?: string): Uint8Array {
  const flags = Uint8Array.of(direction === "in" ? 1 : 2, 0, 0, 0);
  return options([[EPB_FLAGS, flags], ...comment ? [[COMMENT, comment] as const] : []]);
}

/** The length of the block around a packet of `length` bytes. */
export function packetBlockLength(length: number, options: Uint8Array): number {
  return PACKET_HEADER + padded(length) + options.length + TRAILER;
}

/**
 * Fills `block`, which is zeroed and as long as `packetBlockLength` says, but
 * for the packet itself, and returns the place for that. `time` is in
 * microseconds since 1970; a number holds them exactly until the year 2255.
 */
export function writePacketBlock(
  block: Uint8Array,
  time: number,
  length: number,
  options: Uint8Array,
): Uint8Array {
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  view.setUint32(0, ENHANCED_PACKET, true);
  view.setUint32(4, block.length, true);
  view.setUint32(12, Math.floor(time / 2 ** 32), true);
  view.setUint32(16, time % 2 ** 32, true);
  view.setUint32(20, length, true);
  view.setUint32(24, length, true);
  block.set(options, PACKET_HEADER + padded(length));
  view.setUint32(block.length - TRAILER, block.length, true);
  return block.subarray(PACKET_HEADER, PACKET_HEADER + length);
}

function block(type: number, ...parts: Uint8Array[]): Uint8Array {
  const header = new Uint8Array(8);
  const trailer = new Uint8Array(TRAILER);
  const whole = concat([header, ...parts, trailer]);
  const view = new DataView(whole.buffer, whole.byteOffset);
  view.setUint32(0, type, true);
  view.setUint32(4, whole.length, true);
  view.setUint32(whole.length - TRAILER, whole.length, true);
  return whole;
}

function options(list: (readonly [code: number, value: string | Uint8Array])[]): Uint8Array {
  const parts = list.map(([code, value]) => {
    const bytes = typeof value === "string" ? utf8(value) : value;
    const option = new Uint8Array(4 + padded(bytes.length));
    const view = new DataView(option.buffer);
    view.setUint16(0, code, true);
    view.setUint16(2, bytes.length, true);
    option.set(bytes, 4);
    return option;
  });
  return concat([...parts, new Uint8Array(4)]); // The end of options: code 0, length 0.
}

function utf8(text: string): Uint8Array {
  const bytes = new Uint8Array(LONGEST_OPTION);
  return bytes.subarray(0, new TextEncoder().encodeInto(text, bytes).written);
}

function padded(length: number): number {
  return length + 3 & ~3;
}
