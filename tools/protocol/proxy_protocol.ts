/**
 * The PROXY protocol, versions 1 and 2: the header before a connection's data
 * by which a proxy says whose connection it is
 * (haproxy.org/download/2.9/doc/proxy-protocol.txt).
 */
import { isIPv4, isIPv6 } from "./address.ts";
import { ProtocolError } from "./error.ts";
import { type Endpoint, ipBytes, ipPair, ipText } from "./ip_address.ts";
import { latin1, latin1Bytes } from "./text.ts";

/** Whose connection it is: where it came from, and where to. */
export interface Proxied {
  source: Endpoint;
  destination: Endpoint;
}

/** A header that was read. */
export interface ProxyHeader {
  /** In bytes; the connection's own data comes after them. */
  length: number;
  /** Not there when the sender speaks for itself, or of something else than TCP: the addresses are those of the socket. */
  proxied?: Proxied;
}

/** The longest header of version 1 (section 2.1): two IPv6 addresses and two ports, with their CRLF. */
export const LONGEST_V1 = 107;
/** The longest header of version 2 taken, with what it says beside the addresses; nginx takes as much. */
export const LONGEST_V2 = 4096;

const SHORTEST_V1 = "PROXY UNKNOWN\r\n".length;
const WORDS_V1 = 6;
// What may become an address, in so many characters at most.
const PART_OF_IPV4 = /^[\d.]{0,15}$/;
const PART_OF_IPV6 = /^[\da-f:.]{0,39}$/i;
const PORT = /^(?:0|[1-9]\d{0,4})$/;
const SIGNATURE = Uint8Array.of(13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10);
const V2_HEADER = 16;
const LOCAL = 0x20;
const PROXY = 0x21;
const TCP4 = 0x11;
const TCP6 = 0x21;
// The address families UNSPEC, INET, INET6 and UNIX, by their length with ports (section 2.2).
const ADDRESS_LENGTHS = [0, 12, 36, 216];
// Unspecified, stream and datagram.
const TRANSPORTS = 3;

/** The header of version 1; without `proxied` the sender speaks for itself. */
export function encodeProxyV1(proxied?: Proxied): Uint8Array {
  if (!proxied) return latin1Bytes("PROXY UNKNOWN\r\n");
  const { source, destination } = proxied;
  const [from, to] = ipPair(source.hostname, destination.hostname);
  const family = from.length === 4 ? "TCP4" : "TCP6";
  return latin1Bytes(
    `PROXY ${family} ${ipText(from)} ${ipText(to)} ${source.port} ${destination.port}\r\n`,
  );
}

/** The header of version 2; without `proxied` the sender speaks for itself. */
export function encodeProxyV2(proxied?: Proxied): Uint8Array {
  if (!proxied) return Uint8Array.of(...SIGNATURE, LOCAL, 0, 0, 0);
  const { source, destination } = proxied;
  const [from, to] = ipPair(source.hostname, destination.hostname);
  const family = from.length === 4 ? TCP4 : TCP6;
  const ports = [
    source.port >> 8,
    source.port & 0xff,
    destination.port >> 8,
    destination.port & 0xff,
  ];
  const length = 2 * from.length + ports.length;
  return Uint8Array.of(...SIGNATURE, PROXY, family, 0, length, ...from, ...to, ...ports);
}

/**
 * The header, of either version, at the start of `bytes`: all that has come so
 * far. A number when it is not whole: at least so many more bytes belong to it,
 * so that nobody reads beyond. Throws ProtocolError at the first byte that
 * cannot be part of a header (an address is looked at when it is complete).
 */
export function decodeProxyHeader(bytes: Uint8Array): ProxyHeader | number {
  return bytes[0] === SIGNATURE[0] ? decodeV2(bytes) : decodeV1(bytes);
}

/** `PROXY TCP4 source destination port port`, or `PROXY UNKNOWN` and anything, and CRLF (section 2.1). */
function decodeV1(bytes: Uint8Array): ProxyHeader | number {
  const text = latin1(bytes.subarray(0, LONGEST_V1));
  const end = text.indexOf("\r");
  const line = end < 0 ? text : text.slice(0, end);
  if (line.length + 2 > LONGEST_V1) throw tooLong(LONGEST_V1);
  const words = line.split(" ");
  const [, family, source = "", destination = "", sourcePort, destinationPort] = words;
  const last = end < 0 ? words.length - 1 : words.length;
  if (!words.every((word, at) => fits(word, at, family, at < last))) throw invalid();
  if (end < 0) return Math.max(SHORTEST_V1 - text.length, 2);
  if (family !== "UNKNOWN" && words.length !== WORDS_V1) throw invalid();
  const length = end + 2;
  if (text.length < length) return 1;
  if (text[end + 1] !== "\n") throw invalid();
  if (family === "UNKNOWN") return { length };
  const endpoint = (address: string, port = ""): Endpoint => ({
    hostname: ipText(ipBytes(address)),
    port: Number(port),
  });
  return {
    length,
    proxied: {
      source: endpoint(source, sourcePort),
      destination: endpoint(destination, destinationPort),
    },
  };
}

/** Whether `word` can stand at place `at` of a line, as it is if `whole`, or with more to come. */
function fits(word: string, at: number, family: string | undefined, whole: boolean): boolean {
  const among = (names: string[]): boolean =>
    names.some((name) => whole ? name === word : name.startsWith(word));
  if (at === 0) return among(["PROXY"]);
  if (at === 1) return among(["TCP4", "TCP6", "UNKNOWN"]);
  if (family === "UNKNOWN") return true;
  if (at <= 3) {
    const [part, is] = family === "TCP4" ? [PART_OF_IPV4, isIPv4] : [PART_OF_IPV6, isIPv6];
    return part.test(word) && (!whole || is(word));
  }
  return at < WORDS_V1 && Number(word) <= 65535 && (PORT.test(word) || !whole && word === "");
}

/** The signature, command, family and transport, length, addresses and ports, and more that is passed over (section 2.2). */
function decodeV2(bytes: Uint8Array): ProxyHeader | number {
  const [command, protocol = 0] = bytes.subarray(SIGNATURE.length);
  if (bytes.subarray(0, SIGNATURE.length).some((byte, i) => byte !== SIGNATURE[i])) throw invalid();
  if (command !== undefined && command !== LOCAL && command !== PROXY) throw invalid();
  const addresses = ADDRESS_LENGTHS[protocol >> 4];
  if (addresses === undefined || (protocol & 15) >= TRANSPORTS) throw invalid();
  if (bytes.length < V2_HEADER) return V2_HEADER - bytes.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = V2_HEADER + view.getUint16(14);
  if (length > LONGEST_V2) throw tooLong(LONGEST_V2);
  if (command === PROXY && length < V2_HEADER + addresses) throw invalid();
  if (bytes.length < length) return length - bytes.length;
  // For other transports the receiver keeps the addresses of the connection, as with LOCAL.
  if (command !== PROXY || (protocol !== TCP4 && protocol !== TCP6)) return { length };
  const size = protocol === TCP4 ? 4 : 16;
  const endpoint = (address: number, port: number): Endpoint => ({
    hostname: ipText(bytes.subarray(address, address + size)),
    port: view.getUint16(port),
  });
  const [source, destination] = [V2_HEADER, V2_HEADER + size];
  const ports = V2_HEADER + 2 * size;
  return {
    length,
    proxied: {
      source: endpoint(source, ports),
      destination: endpoint(destination, ports + 2),
    },
  };
}

function invalid(): ProtocolError {
  return new ProtocolError("the connection does not begin with a valid PROXY header");
}

function tooLong(longest: number): ProtocolError {
  return new ProtocolError(`a PROXY header is longer than ${longest} bytes`);
}
