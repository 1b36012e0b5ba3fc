/** URLs of TFTP (RFC 3617): which server, which file, and how. */
import { parseUrlHost } from "./address.ts";
import type { Mode } from "./tftp_packet.ts";

/** What a URL says. */
export interface TftpUrl {
  host: string;
  /** The RFC has none; everybody takes one. */
  port: number | undefined;
  name: string;
  /** `;mode=`. */
  mode: Mode | undefined;
}

/** Whether `word` is meant to be a URL. */
export function isTftpUrl(word: string): boolean {
  return /^tftp:\/\//i.test(word);
}

/** Reads a URL. What follows the third slash is the name. Throws RangeError. */
export function parseTftpUrl(word: string): TftpUrl {
  const [, address = "", path = "", mode] =
    /^tftp:\/\/([^/]*)\/(.+?)(?:;mode=(octet|netascii))?$/is.exec(word) ?? [];
  if (path === "") throw new RangeError("give tftp://HOST/FILE");
  const { host, port } = parseUrlHost(address);
  return { host, port, name: decoded(path), mode: mode?.toLowerCase() as Mode | undefined };
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    throw new RangeError("a % in a name is written %25, and other characters in UTF-8");
  }
}
