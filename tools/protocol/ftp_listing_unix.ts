/** The lines of `ls -l`, as the servers of all systems imitate it. */
import { formatMode, type FtpEntry, parseMode } from "./ftp_entry.ts";
import { monthNumber, MONTHS } from "./ftp_month.ts";

/** A word of a line and where it ends. */
interface Word {
  text: string;
  start: number;
  end: number;
}

/** A date within a line. */
interface Dated {
  modified: Date | undefined;
  /** Where the date ends. */
  end: number;
}

const TYPES: Record<string, FtpEntry["type"]> = { "-": "file", d: "dir", l: "link" };

// Owner and group may hold spaces; a date that comes later than this is part of a name.
const MOST_WORDS = 24;
const DAY = 24 * 60 * 60 * 1000;

/**
 * Reads a line; undefined when it is none. The date is what holds it together:
 * the number before it is the size, what stands before that are links, owner
 * and group, as far as they are there, and one space after it begins the name.
 */
export function parseUnixLine(line: string, now: Date): FtpEntry | undefined {
  // Eight letters of a mode were seen too, and a mark for an access list.
  const [head, letter = "", letters = ""] =
    /^([-a-zA-Z])([-rwxsStTlL]{8,9})[+.@]?(?=\s)/.exec(line) ?? [];
  if (head === undefined) return undefined;
  const words = wordsOf(line, head.length);
  for (let i = 0; i < words.length - 1; i++) {
    const size = /^\d{1,15}$/.test(words[i]?.text ?? "") ? Number(words[i]?.text) : undefined;
    const device = /^\d+,\d+$/.test(words[i]?.text ?? "");
    if (size === undefined && !device) continue;
    const dated = dateAt(line, words, i + 1, now);
    const name = dated && line.slice(dated.end + 1);
    if (!name) continue;
    const isDevice = device || /^\d+,$/.test(words[i - 1]?.text ?? "");
    const before = words.slice(0, isDevice && !device ? i - 1 : i).map(({ text }) => text);
    return {
      ...named(name, letter),
      size: isDevice ? undefined : size,
      modified: dated.modified,
      exact: false,
      mode: parseMode(letters),
      ...owners(before),
    };
  }
  return undefined;
}

function wordsOf(line: string, from: number): Word[] {
  const words: Word[] = [];
  const pattern = /\S+/g;
  pattern.lastIndex = from;
  for (let found = pattern.exec(line); found; found = pattern.exec(line)) {
    const [text] = found;
    words.push({ text, start: found.index, end: found.index + text.length });
    if (words.length === MOST_WORDS) break;
  }
  return words;
}

function named(rest: string, letter: string): Pick<FtpEntry, "name" | "type" | "target"> {
  const type = TYPES[letter] ?? "other";
  if (type === "link") {
    const at = rest.indexOf(" -> ");
    if (at > 0) return { name: rest.slice(0, at), type, target: rest.slice(at + 4) };
  }
  // A folder with the slash of `ls -F`.
  return { name: type === "dir" && rest.length > 1 ? rest.replace(/\/$/, "") : rest, type };
}

/** Owner and group among links, owner and group, of which the first and the last may be missing. */
function owners(words: string[]): Pick<FtpEntry, "owner" | "group"> {
  const [first = "", second] = words;
  // Two numbers are a link count and an owner where the group is missing, as are three with one.
  const rest = /^\d+$/.test(first) && second !== undefined ? words.slice(1) : words;
  return rest.length < 2
    ? { owner: rest[0], group: undefined }
    : { owner: rest.slice(0, -1).join(" "), group: rest.at(-1) };
}

/** The date that begins at word `i`: `Nov 23 00:40`, `23 Nov  2020`, `2020-11-23 00:40`. */
function dateAt(line: string, words: Word[], i: number, now: Date): Dated | undefined {
  const [first, second, third] = words.slice(i, i + 3);
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(first?.text ?? "") ?? [];
  if (year !== undefined && second) {
    const [, hour, minute, seconds = "0"] =
      /^(\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?$/.exec(second.text) ?? [];
    if (hour === undefined) return undefined;
    const fields = [year, month, day, hour, minute, seconds].map(Number);
    const zone = /^([+-])(\d\d)(\d\d)$/.exec(third?.text ?? "");
    const offset = zone ? Number(`${zone[1]}1`) * (Number(zone[2]) * 60 + Number(zone[3])) : 0;
    return {
      modified: validDate(fields, offset),
      end: zone && third ? third.end : second.end,
    };
  }
  if (!first || !second || !third) return undefined;
  const [dayWord, monthWord] = /^\d{1,2}\.?日?$/.test(first.text)
    ? [first, second]
    : [second, first];
  const dayNumber = parseInt(dayWord.text);
  const monthIndex = monthNumber(monthWord.text);
  if (!/^\d{1,2}[.,]?[日일]?$/.test(dayWord.text) || dayNumber < 1 || dayNumber > 31) {
    return undefined;
  }
  if (monthIndex === undefined && !/^[\p{L}\p{M}\ufffd]{2,12}\.?$/u.test(monthWord.text)) {
    return undefined;
  }
  const [, hour, minute, seconds = "0"] = /^(\d\d?)[:.](\d\d)(?:[:.](\d\d))?$/.exec(third.text) ??
    [];
  if (hour !== undefined) {
    const fields = [monthIndex, dayNumber, Number(hour), Number(minute), Number(seconds)];
    return { modified: latestDate(fields, now), end: third.end };
  }
  if (!/^\d{4,5}$/.test(third.text)) return undefined;
  // The year is two spaces away and one from the name; some servers put it the other way round.
  const shifted = third.start - second.end === 1 && /^ {2}\S/.test(line.slice(third.end));
  return {
    modified: validDate([Number(third.text), monthIndex, dayNumber], 0),
    end: third.end + (shifted ? 1 : 0),
  };
}

/** A date of [year, month 1 to 12, day, hour, minute, second], `offset` minutes east of UTC. */
function validDate(
  [year = NaN, month = NaN, day = NaN, hour = 0, minute = 0, second = 0]: (number | undefined)[],
  offset: number,
): Date | undefined {
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined;
  return new Date(date.getTime() - offset * 60_000);
}

/** The last such date that is not in the future; a day is left for clocks and time zones. */
function latestDate(fields: (number | undefined)[], now: Date): Date | undefined {
  // Eight years, since the 29th of February may be as far away.
  for (let back = 0; back <= 8; back++) {
    const date = validDate([now.getUTCFullYear() + (back === 0 ? 1 : 1 - back), ...fields], 0);
    if (date && date.getTime() <= now.getTime() + DAY) return date;
  }
  return undefined;
}

/**
 * Writes a line as every client can read it: all columns, English months, UTC,
 * `Mon dd hh:mm` for the last half year and `Mon dd  yyyy` before and after it,
 * one space before the name.
 */
export function formatUnixLine(entry: FtpEntry & { links?: number }, now: Date): string {
  const letter = { file: "-", dir: "d", link: "l", other: "p" }[entry.type];
  const target = entry.target === undefined ? "" : ` -> ${entry.target}`;
  return [
    letter + formatMode(entry.mode ?? (entry.type === "dir" ? 0o755 : 0o644)),
    `${entry.links ?? 1}`.padStart(4),
    (entry.owner ?? "owner").padEnd(8),
    (entry.group ?? "group").padEnd(8),
    `${entry.size ?? 0}`.padStart(12),
    formatDate(entry.modified ?? new Date(0), now),
    entry.name + target,
  ].join(" ");
}

const HALF_YEAR = 180 * DAY;

function formatDate(date: Date, now: Date): string {
  const age = now.getTime() - date.getTime();
  const day = `${MONTHS[date.getUTCMonth()]} ${`${date.getUTCDate()}`.padStart(2)}`;
  return age >= 0 && age < HALF_YEAR
    ? `${day} ${date.toISOString().slice(11, 16)}`
    : `${day}  ${`${date.getUTCFullYear()}`.padStart(4, "0")}`;
}
