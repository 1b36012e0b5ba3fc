/** The lines of LIST, which no RFC defines: Unix, DOS and EPLF. */
import type { FtpEntry } from "./ftp_entry.ts";
import { parseFacts } from "./ftp_facts.ts";
import { parseUnixLine } from "./ftp_listing_unix.ts";

/** What a listing holds. */
export interface Listing {
  /** Without `.` and `..`. */
  entries: FtpEntry[];
  /** Lines in none of the forms: messages of the server, as a rule. */
  unknown: string[];
}

// A name has 255 bytes at most, the target of a link 4,096: nothing longer is an entry, and no time is spent on it.
const LONGEST_LINE = 16 * 1024;

/** The lines of a listing, without their ends. */
export function listingLines(text: string): string[] {
  return text.split("\n").map((line) => line.endsWith("\r") ? line.slice(0, -1) : line)
    .filter((line) => line !== "");
}

/**
 * Reads a listing. Its form need not be guessed from the whole: no line of one
 * form is a line of another. `now` tells the year of dates that lack it.
 */
export function parseListing(lines: readonly string[], now: Date): Listing {
  const listing: Listing = { entries: [], unknown: [] };
  for (const line of lines) {
    if (/^total(?:\s+\d+)?\s*$/i.test(line) || line.trim() === "") continue;
    const entry = line.length > LONGEST_LINE
      ? undefined
      : parseUnixLine(line, now) ?? parseDosLine(line) ?? parseEplf(line) ?? namedFacts(line);
    if (entry === undefined) listing.unknown.push(line);
    else if (entry.name !== "." && entry.name !== "..") listing.entries.push(entry);
  }
  return listing;
}

/** Reads what MLSD sent. The entries for the folder itself and its parent are left out. */
export function parseFactsListing(lines: readonly string[]): Listing {
  const listing: Listing = { entries: [], unknown: [] };
  for (const line of lines) {
    const facts = line.length > LONGEST_LINE ? undefined : parseFacts(line);
    if (facts === undefined) {
      listing.unknown.push(line);
      continue;
    }
    const { role, ...entry } = facts;
    if (role === undefined && entry.name !== "." && entry.name !== "..") {
      listing.entries.push(entry);
    }
  }
  return listing;
}

/** Facts where LIST was asked for; here a name alone, which could be anything, does not do. */
function namedFacts(line: string): FtpEntry | undefined {
  if (!/^[\w.-]+=/.test(line)) return undefined;
  const { role: _, ...entry } = parseFacts(line) ?? { name: "." };
  return "type" in entry ? entry : undefined;
}

// 07-13-98  09:06PM       <DIR>          aspnet_client
const DOS =
  /^(\d{1,4})[-/.](\d{1,2})[-/.](\d{2,4})\s+(\d{1,2}):(\d\d)(?::\d\d)?\s*(?:([AP])M?)?\s+(?:<([A-Z]+)>\s{1,10}|([\d.,]+)\s)(.+)$/i;

/** Reads a line of a server on Windows; undefined when it is none. Its time is the server's local time. */
export function parseDosLine(line: string): FtpEntry | undefined {
  const found = DOS.exec(line);
  if (found === null) return undefined;
  const [, first = "", second, third, hour, minute, half, kind, size, rest = ""] = found;
  // Month first, but for years of four digits.
  const [year, month, day] = first.length === 4 ? [first, second, third] : [third, first, second];
  const hours = Number(hour) % (half ? 12 : 24) + (half?.toUpperCase() === "P" ? 12 : 0);
  const century = Number(year) >= 100 ? 0 : Number(year) < 70 ? 2000 : 1900;
  const isLink = kind !== undefined && kind.toUpperCase() !== "DIR";
  const [, name = rest, target] = (isLink && /^(.*?) \[(.*)\]$/.exec(rest)) || [];
  return {
    name,
    type: isLink ? "link" : kind === undefined ? "file" : "dir",
    size: size === undefined ? undefined : Number(size.replace(/[.,]/g, "")),
    modified: new Date(
      Date.UTC(Number(year) + century, Number(month) - 1, Number(day), hours, Number(minute)),
    ),
    exact: false,
    target,
  };
}

/** Reads a line of Easily Parsed LIST Format (https://cr.yp.to/ftp/list/eplf.html); undefined when it is none. */
export function parseEplf(line: string): FtpEntry | undefined {
  const [, list, name = ""] = /^\+([^\t]*)\t(.+)$/s.exec(line) ?? [];
  if (list === undefined) return undefined;
  const entry: FtpEntry = { name, type: "other", exact: false };
  for (const fact of list.split(",")) {
    const digits = fact.slice(1);
    if (fact === "/") entry.type = "dir";
    else if (fact === "r") entry.type = "file";
    else if (/^s\d{1,15}$/.test(fact)) entry.size = Number(digits);
    else if (/^m\d{1,12}$/.test(fact)) {
      entry.modified = new Date(Number(digits) * 1000);
      entry.exact = true;
    } else if (/^up[0-7]{1,4}$/.test(fact)) entry.mode = parseInt(fact.slice(2), 8);
    else if (fact.startsWith("i")) entry.unique = digits;
  }
  return entry;
}
