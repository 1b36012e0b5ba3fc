/** URLs of FTP (RFC 1738 section 3.2): which server, which folders to go through, which file. */
import { parseUrlHost } from "./address.ts";
import { Secret } from "./secret.ts";
import { visible } from "./text.ts";

/** What a URL says. */
export interface FtpUrl {
  /** As it was typed, but without user and password: for messages. */
  shown: string;
  /** `ftps:`, TLS from the first byte on. */
  secure: boolean;
  host: string;
  port: number | undefined;
  user: { name: string; password: Secret | undefined } | undefined;
  /** The folders to go to, one CWD each. */
  folders: string[];
  /** The file in the last folder; empty for that folder itself, undefined when the URL has no path at all. */
  name: string | undefined;
  /** `;type=`: a file as text, a file byte for byte, or the names in a folder. */
  type: "a" | "i" | "d" | undefined;
}

/** Whether `word` is meant to be a URL. */
export function isUrl(word: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(word);
}

// User and password may hold an @ that was not encoded: only the last one separates.
const URL_FORM = /^(ftps?):\/\/(?:([^/]*)@)?([^/@]*)(?:\/(.*))?$/is;

/**
 * Reads a URL; `decode` turns the bytes of percent-encoding into text. Throws
 * RangeError, whose message does not repeat the URL, as that may hold a password.
 */
export function parseFtpUrl(word: string, decode: (bytes: Uint8Array) => string): FtpUrl {
  // deno-fmt-ignore
  if (/\p{Cc}/u.test(word)) throw new RangeError("a URL holds no control characters");
  const [, scheme, login, address = "", path] = URL_FORM.exec(word) ?? [];
  if (scheme === undefined) throw new RangeError("give ftp://HOST/PATH or ftps://HOST/PATH");
  const [, plain = "", type] = /^(.*?)(?:;type=([aid]))?$/is.exec(path ?? "") ?? [];
  // RFC 3986 section 3.5: a # begins a fragment, which no file has.
  if (plain.includes("#")) throw new RangeError("a # in a name is written %23");
  const unescape = (text: string): string => percentDecoded(text, decode);
  const [, name = "", password] = /^([^:]*)(?::(.*))?$/s.exec(login ?? "") ?? [];
  const folders = plain.split("/");
  const last = folders.pop() ?? "";
  return {
    shown: visible(word.replace(/\/\/[^/]*@/, "//")),
    secure: scheme.toLowerCase() === "ftps",
    ...hostOf(address),
    user: login === undefined ? undefined : {
      name: unescape(name),
      password: password === undefined ? undefined : new Secret(unescape(password)),
    },
    // `CWD` without a name does nothing anywhere; who writes `//pub` means `/%2Fpub`.
    folders: folders.map((folder, i) => i === 0 && folder === "" ? "/" : unescape(folder))
      .filter((folder) => folder !== ""),
    name: path === undefined ? undefined : unescape(last),
    type: type?.toLowerCase() as FtpUrl["type"],
  };
}

function hostOf(address: string): Pick<FtpUrl, "host" | "port"> {
  const { host, port } = parseUrlHost(address.replace(/:$/, ""));
  if (host.includes(":")) return { host, port };
  // The names of hosts in their ASCII form, as resolvers want them.
  const form = `http://${host}`;
  if (!URL.canParse(form)) throw new RangeError("give HOST, HOST:PORT or [IPv6]:PORT");
  return { host: new URL(form).hostname, port };
}

/** `text` with each run of `%XX` decoded. What would end a command, or cannot be decoded, is refused: RangeError. */
function percentDecoded(text: string, decode: (bytes: Uint8Array) => string): string {
  return text.replace(/(?:%[\da-f]{2})+|%/gi, (escapes) => {
    if (escapes === "%") throw new RangeError("a % in a name is written %25");
    if (/%0[0ad]/i.test(escapes)) throw new RangeError("a name holds no %00, %0a or %0d");
    const bytes = Uint8Array.from(escapes.slice(1).split("%"), (byte) => parseInt(byte, 16));
    const decoded = decode(bytes);
    if (decoded.includes("\ufffd")) {
      throw new RangeError(`${escapes} is not in the character set of names (see --encoding)`);
    }
    return decoded;
  });
}
