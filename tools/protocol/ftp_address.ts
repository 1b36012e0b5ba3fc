/** Addresses of data connections: PORT and PASV (RFC 959), EPRT and EPSV (RFC 2428). */
import { isIPv4, isIPv6 } from "./address.ts";
import { ProtocolError } from "./error.ts";

/** An address and a port. */
export interface DataAddress {
  host: string;
  port: number;
}

/**
 * The address in the text of a 227 reply. RFC 1123 section 4.1.2.6: what
 * surrounds the six numbers cannot be relied upon. Throws ProtocolError.
 */
export function parsePassive(text: string): DataAddress {
  const [found] = /\d+(?:\s*,\s*\d+){5}/.exec(text) ?? [];
  return parseSix(found) ?? wrong(text);
}

/** The port in the text of a 229 reply, with any delimiter. Throws ProtocolError. */
export function parseExtendedPassive(text: string): number {
  // Some servers put their protocol and address in the two fields that are to be empty.
  const [, , port] = /([!-/:-~])[12]?\1[\da-fA-F.:]*\1(\d+)\1/.exec(text) ?? [];
  return portFrom(Number(port)) ?? wrong(text);
}

function wrong(text: string): never {
  throw new ProtocolError(`no address to connect to in ${JSON.stringify(text.slice(0, 80))}`);
}

/** `h1,h2,h3,h4,p1,p2`, the argument of PORT and the core of a 227 reply. `host` is IPv4. */
export function formatSix({ host, port }: DataAddress): string {
  return `${host.replaceAll(".", ",")},${port >> 8},${port & 255}`;
}

/** Reads the argument of PORT; undefined when it is wrong. */
export function parseSix(text: string | undefined): DataAddress | undefined {
  const numbers = text?.split(",").map((word) => /^\s*\d+\s*$/.test(word) ? Number(word) : NaN);
  if (numbers?.length !== 6 || !numbers.every((number) => number <= 255)) return undefined;
  const [high = 0, low = 0] = numbers.slice(4);
  const port = portFrom(high * 256 + low);
  return port === undefined ? undefined : { host: numbers.slice(0, 4).join("."), port };
}

/** `|||port|`, the core of a 229 reply. */
export function formatExtendedPassive(port: number): string {
  return `|||${port}|`;
}

/** The argument of EPRT (RFC 2428 section 2). */
export function formatExtended({ host, port }: DataAddress): string {
  return `|${host.includes(":") ? 2 : 1}|${host}|${port}|`;
}

/** Reads the argument of EPRT: undefined when it is wrong, "protocol" when it asks for neither IPv4 nor IPv6 (522). */
export function parseExtended(text: string): DataAddress | "protocol" | undefined {
  const [, , protocol, host = "", digits] =
    /^([!-/:-~])(\d+)\1([\da-fA-F.:]+)\1(\d{1,5})\1$/.exec(text) ?? [];
  const port = portFrom(Number(digits));
  if (protocol === undefined || port === undefined) return undefined;
  if (protocol !== "1" && protocol !== "2") return "protocol";
  return (protocol === "1" ? isIPv4(host) : isIPv6(host)) ? { host, port } : undefined;
}

function portFrom(number: number): number | undefined {
  return number >= 1 && number <= 65535 ? number : undefined;
}
