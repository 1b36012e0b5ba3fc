/** Network addresses as people type them and as sockets report them. */
import { parsePort } from "./units.ts";

/** A host, without brackets, and the port if one was given. */
export interface HostPort {
  host: string;
  port?: number;
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

/** Whether `host` is an IPv4 address in dotted form. */
export function isIPv4(host: string): boolean {
  return IPV4.test(host);
}

/** Whether `host` is an IPv6 address, without brackets, with or without a zone. */
export function isIPv6(host: string): boolean {
  return host.includes(":") &&
    URL.canParse(`http://[${host.replace(/%.*$/, "")}]`);
}

/** The zone of an IPv6 address with its `%` (RFC 4007 section 11); empty when it has none. */
export function zoneOf(address: string): string {
  return /%.*$/.exec(address)?.[0] ?? "";
}

/**
 * Reads `HOST`, `HOST:PORT`, `[IPv6]`, `[IPv6]:PORT` or a bare IPv6 address.
 * Throws RangeError saying what is wrong.
 */
export function parseHostPort(text: string): HostPort {
  if (isIPv6(text)) return { host: text };
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:[\]]+))(?::(.*))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const known = bracketed === undefined ? host && !/[\s/@]/.test(host) : isIPv6(bracketed);
  if (!host || !known) {
    throw new RangeError("give HOST, HOST:PORT or [IPv6]:PORT");
  }
  return port === undefined ? { host } : { host, port: parsePort(port) };
}

/** The same in a URL, where the % before a zone is written %25 (RFC 6874). */
export function parseUrlHost(text: string): HostPort {
  return parseHostPort(text.replace(/^(\[[^\]%]*%)25/, "$1"));
}

/** `host` and `port` in one word, IPv6 in brackets. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The address a dual-stack socket reports for an IPv4 peer (`::ffff:192.0.2.1`) as plain IPv4; others as they are. */
export function unmapped(address: string): string {
  if (!address.startsWith("::")) return address;
  const mapped = address.toLowerCase().startsWith("::ffff:") ? address.slice(7) : "";
  return isIPv4(mapped) ? mapped : address;
}
