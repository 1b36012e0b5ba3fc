/**
 * TCP and UDP packets from the IP header on, as a recording holds them. They
 * are written in place, so that data is copied once.
 */

/** The way of a packet. Addresses are bytes of one family (`ipPair`). */
export interface Flow {
  source: Uint8Array;
  sourcePort: number;
  destination: Uint8Array;
  destinationPort: number;
}

/** The control bits of TCP in use here (RFC 9293 section 3.1). */
export const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const PSH = 0x08;
export const ACK = 0x10;

/** One TCP segment. */
export interface Segment {
  sequence: number;
  acknowledgment: number;
  /** `SYN`, `ACK` and so on, joined by `|`. */
  flags: number;
  window: number;
  payload: Uint8Array;
}

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const TCP_HEADER = 20;
const UDP_HEADER = 8;
const TCP = 6;
const UDP = 17;
const DONT_FRAGMENT = 0x4000;
// The value RFC 1700 recommends and Linux sends.
const HOP_LIMIT = 64;

/** The most data in one TCP segment: the total length of IPv4 is a 16-bit number. */
export const LONGEST_SEGMENT = 65535 - IPV4_HEADER - TCP_HEADER;

/** The length of the packet that carries a TCP segment with so many bytes of data. */
export function tcpPacketLength(flow: Flow, payload: number): number {
  return ipHeader(flow) + TCP_HEADER + payload;
}

/** The length of the packet that carries so many bytes of data over UDP. */
export function udpPacketLength(flow: Flow, payload: number): number {
  return ipHeader(flow) + UDP_HEADER + payload;
}

/** Fills `packet`, which is zeroed and as long as `tcpPacketLength` says (RFC 9293 section 3.1). */
export function writeTcpPacket(packet: Uint8Array, flow: Flow, segment: Segment): void {
  const view = viewOf(packet);
  const at = writeIpHeader(packet, view, flow, TCP);
  view.setUint16(at, flow.sourcePort);
  view.setUint16(at + 2, flow.destinationPort);
  view.setUint32(at + 4, segment.sequence);
  view.setUint32(at + 8, segment.acknowledgment);
  view.setUint16(at + 12, (TCP_HEADER / 4) << 12 | segment.flags);
  view.setUint16(at + 14, segment.window);
  packet.set(segment.payload, at + TCP_HEADER);
  view.setUint16(at + 16, transportChecksum(view, flow, TCP), true);
}

/** Fills `packet`, which is zeroed and as long as `udpPacketLength` says (RFC 768). */
export function writeUdpPacket(packet: Uint8Array, flow: Flow, payload: Uint8Array): void {
  const view = viewOf(packet);
  const at = writeIpHeader(packet, view, flow, UDP);
  view.setUint16(at, flow.sourcePort);
  view.setUint16(at + 2, flow.destinationPort);
  view.setUint16(at + 4, UDP_HEADER + payload.length);
  packet.set(payload, at + UDP_HEADER);
  // 0 would say that there is no checksum.
  view.setUint16(at + 6, transportChecksum(view, flow, UDP) || 0xffff, true);
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}

function ipHeader({ source }: Flow): number {
  return source.length === 4 ? IPV4_HEADER : IPV6_HEADER;
}

/** Writes the IP header, and returns its length (RFC 791 section 3.1, RFC 8200 section 3). */
function writeIpHeader(
  packet: Uint8Array,
  view: DataView,
  { source, destination }: Flow,
  protocol: number,
): number {
  if (source.length === 4) {
    view.setUint16(0, 4 << 12 | (IPV4_HEADER / 4) << 8);
    view.setUint16(2, packet.length);
    view.setUint16(6, DONT_FRAGMENT); // So the identification may stay 0 (RFC 6864 section 4.1).
    view.setUint8(8, HOP_LIMIT);
    view.setUint8(9, protocol);
    packet.set(source, 12);
    packet.set(destination, 16);
    view.setUint16(10, checksum(view, 0, IPV4_HEADER), true);
    return IPV4_HEADER;
  }
  view.setUint32(0, 6 << 28);
  view.setUint16(4, packet.length - IPV6_HEADER);
  view.setUint8(6, protocol);
  view.setUint8(7, HOP_LIMIT);
  packet.set(source, 8);
  packet.set(destination, 24);
  return IPV6_HEADER;
}

/** The checksum over the pseudo-header and all after it; the addresses stand right before it in the packet. */
function transportChecksum(view: DataView, flow: Flow, protocol: number): number {
  const header = ipHeader(flow);
  const length = view.byteLength - header;
  const rest = (length >> 8 | (length & 0xff) << 8) + (protocol << 8);
  return checksum(view, header - 2 * flow.source.length, view.byteLength, rest);
}

/**
 * The Internet checksum (RFC 1071) of the bytes from `from` to `to`. It adds in
 * little-endian order, 4 bytes at a time, and so is to be stored in that order:
 * the sum does not depend on it (section 2 B).
 */
function checksum(view: DataView, from: number, to: number, sum = 0): number {
  let at = from;
  for (; at + 4 <= to; at += 4) {
    const word = view.getInt32(at, true);
    // In 32 bits, where it is five times as fast: the longest packet does not exceed them.
    sum = sum + (word & 0xffff) + (word >>> 16) | 0;
  }
  sum >>>= 0;
  for (; at < to; at++) sum += view.getUint8(at) << ((at - from) % 2 * 8);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
