/** The target of a request: http and https URLs as people type them and as servers redirect to them. */
import { isIPv6 } from "./address.ts";
import { ProtocolError } from "./error.ts";
import { Secret } from "./secret.ts";
import { visible } from "./text.ts";
import { parsePort } from "./units.ts";

/** Where a request goes. */
export interface Target {
  /** The URL in its normal form, without user, password and fragment. */
  href: string;
  /** https. */
  secure: boolean;
  /** The name or address to connect to, without brackets, an IPv6 zone included. */
  host: string;
  port: number;
  /** What the Host field says. */
  authority: string;
  /** Path and query. */
  path: string;
  /** The user and password of the URL. */
  user?: { name: string; password: Secret };
}

/**
 * Reads a URL, or `HOST[:PORT][/PATH]` which means http. `port` stands in where
 * the URL names none. Throws RangeError.
 */
export function parseTarget(word: string, port?: number): Target {
  // deno-fmt-ignore
  if (/\p{Cc}/u.test(word)) throw new RangeError("a URL holds no control characters");
  const [, scheme] = /^([a-z][a-z0-9+.-]*):\/\//i.exec(word) ?? [];
  const text = scheme ? word : `http://${isIPv6(word) ? `[${word}]` : word}`;
  // RFC 6874: a zone is for this machine alone. URL does not know it, and the server must not see it.
  const [, zone = ""] = /^[^/?#]*\/\/(?:[^/?#@]*@)?\[[^\]%]*%(?:25)?([^\]]*)\]/.exec(text) ?? [];
  const plain = zone ? text.replace(/%(?:25)?[^\]]*\]/, "]") : text;
  const [, given] = /^[^/?#]*\/\/[^/?#]*:(\d+)(?=[/?#]|$)/.exec(plain) ?? [];
  if (given !== undefined) parsePort(given);
  if (!URL.canParse(plain)) throw new RangeError("this is not a URL or a host");
  const url = new URL(plain);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new RangeError(
      `${url.protocol}// is not known here (http and https are)`,
    );
  }
  if (port !== undefined && url.port === "") url.port = String(port);
  return targetOf(url, zone);
}

/** Where a redirect leads: `location` seen from `base`. Throws ProtocolError. */
export function resolveLocation(base: Target, location: string): Target {
  const text = utf8(location);
  if (!URL.canParse(text, base.href)) {
    throw new ProtocolError(
      `redirected to "${visible(text.slice(0, 80))}", which is no URL`,
    );
  }
  const url = new URL(text, base.href);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new ProtocolError(
      `redirected to ${visible(url.protocol)}, which is not followed`,
    );
  }
  // A server does not choose the user's name and password.
  url.username = url.password = "";
  const [address, zone = ""] = base.host.split("%");
  return targetOf(url, url.hostname === `[${address}]` ? zone : "");
}

/** Whether two targets have one origin: scheme, host and port (RFC 9110 section 4.3.1). */
export function sameOrigin(a: Target, b: Target): boolean {
  return a.secure === b.secure && a.host === b.host && a.port === b.port;
}

function targetOf(url: URL, zone: string): Target {
  const user = url.username || url.password
    ? {
      name: decodeURIComponent(url.username),
      password: new Secret(decodeURIComponent(url.password)),
    }
    : undefined;
  url.username = url.password = url.hash = "";
  const secure = url.protocol === "https:";
  return {
    href: url.href,
    secure,
    host: url.hostname.replace(/^\[|\]$/g, "") + (zone ? `%${zone}` : ""),
    port: Number(url.port || (secure ? 443 : 80)),
    authority: url.host,
    path: url.pathname + url.search,
    ...(user ? { user } : {}),
  };
}

/** Field values come with one character for each byte; a Location outside ASCII is UTF-8 in practice. */
function utf8(value: string): string {
  return new TextDecoder().decode(
    Uint8Array.from(value, (char) => char.charCodeAt(0)),
  );
}
