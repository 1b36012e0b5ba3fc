/** IP addresses as the bytes that packets carry, and back. */
import { isIPv4, isIPv6 } from "./address.ts";

/** One end of a conversation: an IP address and a port. */
export interface Endpoint {
  hostname: string;
  port: number;
}

// ::ffff:0:0/96 holds the IPv4 addresses (RFC 4291 section 2.5.5.2).
const MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/**
 * The 4 or 16 bytes of an address in text form; an IPv6 zone is left out.
 * Throws RangeError when it is none.
 */
export function ipBytes(address: string): Uint8Array {
  if (isIPv4(address)) return Uint8Array.from(address.split("."), Number);
  if (!isIPv6(address)) throw new RangeError(`not an IP address: ${address}`);
  // URL knows every way to write an address, and gives it back in hexadecimal groups.
  const { hostname } = new URL(`http://[${address.replace(/%.*$/, "")}]`);
  const [head = [], tail = []] = hostname.slice(1, -1).split("::").map((half) =>
    half === "" ? [] : half.split(":")
  );
  const groups = [...head, ...Array(8 - head.length - tail.length).fill("0"), ...tail];
  return Uint8Array.from(groups.flatMap((group) => {
    const value = parseInt(group, 16);
    return [value >> 8, value & 0xff];
  }));
}

/** The text form of an address of 4 or 16 bytes; IPv6 as RFC 5952 has it. Throws RangeError on another length. */
export function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length !== 16) throw new RangeError(`no IP address has ${bytes.length} bytes`);
  if (isMapped(bytes)) return `::ffff:${bytes.subarray(MAPPED.length).join(".")}`;
  const { buffer, byteOffset } = bytes;
  const view = new DataView(buffer, byteOffset, 16);
  const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(2 * i).toString(16));
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

/**
 * The bytes of two addresses that go into one packet, and so are of one family:
 * IPv4 where both are IPv4, mapped or not, else IPv6 with an IPv4 address mapped.
 */
export function ipPair(one: string, other: string): [Uint8Array, Uint8Array] {
  const [a, b] = [plain(ipBytes(one)), plain(ipBytes(other))];
  return a.length === b.length ? [a, b] : [mapped(a), mapped(b)];
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.length === 16 && MAPPED.every((byte, i) => byte === bytes[i]);
}

function plain(bytes: Uint8Array): Uint8Array {
  return isMapped(bytes) ? bytes.subarray(MAPPED.length) : bytes;
}

function mapped(bytes: Uint8Array): Uint8Array {
  return bytes.length === 4 ? Uint8Array.of(...MAPPED, ...bytes) : bytes;
}
