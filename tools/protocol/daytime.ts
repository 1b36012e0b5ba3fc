/** RFC 867: the day and the time as one line of text, in no fixed form. */

/** The form the RFC shows: `Tuesday, February 22, 1982 17:37:43-PST`. */
export const RFC_FORM = "%A, %B %-d, %Y %H:%M:%S-%Z";

/**
 * The UDP ports of the small services that answer whatever reaches them: echo,
 * daytime, quote of the day, chargen, time. Answering a datagram from one of
 * them can make two servers answer each other for ever.
 */
export const SMALL_SERVICES: ReadonlySet<number> = new Set([7, 13, 17, 19, 37]);

/**
 * The longest line with its CRLF, in bytes: what fits into the smallest datagram
 * every host must take (576 bytes with its headers, RFC 791).
 */
export const LONGEST_LINE = 512;

/** How the time is written. */
export interface DaytimeForm {
  /** A strftime pattern, or `iso` (ISO 8601). */
  format: string;
  /** UTC, or local time. */
  utc: boolean;
}

/** A moment in some time zone. */
interface Moment {
  /** A date whose UTC fields are the zone's. */
  shown: Date;
  /** Minutes east of UTC. */
  offset: number;
  zone: string;
}

// A line is longest on a Wednesday in September, in a zone that has no name of its own.
const LONGEST: Moment = {
  shown: new Date("2026-09-30T23:59:59Z"),
  offset: 13 * 60 + 45,
  zone: "GMT+13:45",
};

/** Throws RangeError unless `format` gives one line of printable ASCII (RFC 867) that is not too long. */
export function checkFormat(format: string): string {
  if (!/^[ -~]+$/.test(format)) {
    throw new RangeError("give printable ASCII, as RFC 867 wants it");
  }
  for (const [conversion, , letter = ""] of format.matchAll(CONVERSION)) {
    if (!(letter in CONVERSIONS)) {
      throw new RangeError(`unknown conversion ${conversion} (try %c, %F %T, or iso)`);
    }
  }
  if (write(format, LONGEST).length > LONGEST_LINE - "\r\n".length) {
    throw new RangeError(`the line could be longer than ${LONGEST_LINE} bytes`);
  }
  return format;
}

/** The line for `date`, without its CRLF. */
export function daytimeLine({ format, utc }: DaytimeForm, date: Date): string {
  const offset = utc ? 0 : -date.getTimezoneOffset();
  const moment: Moment = {
    shown: new Date(date.getTime() + offset * 60_000),
    offset,
    zone: utc ? "UTC" : zoneName(date, offset),
  };
  if (format !== "iso") return write(format, moment);
  return write("%FT%T", moment) + (utc ? "Z" : offsetText(offset, ":"));
}

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
// deno-fmt-ignore
const MONTHS = [
  "January", "February", "March", "April", "May", "June", "July",
  "August", "September", "October", "November", "December",
];

/** `%`, perhaps a flag (no padding, blanks, zeros, capitals), and the letter. */
const CONVERSION = /%([-_0^]?)(.?)/gs;

/** What a conversion gives: text, or a number with its width and the usual padding. */
type Conversion = (moment: Moment) => string | [value: number, width: number, padding?: string];

/** The conversions of C's strftime, and of its GNU cousin (k, l, P, s), in the C locale. */
const CONVERSIONS: Record<string, Conversion> = {
  "%": () => "%",
  A: ({ shown }) => DAYS[shown.getUTCDay()] ?? "",
  a: ({ shown }) => (DAYS[shown.getUTCDay()] ?? "").slice(0, 3),
  B: ({ shown }) => MONTHS[shown.getUTCMonth()] ?? "",
  b: ({ shown }) => (MONTHS[shown.getUTCMonth()] ?? "").slice(0, 3),
  C: ({ shown }) => [Math.floor(shown.getUTCFullYear() / 100), 2],
  c: (moment) => write("%a %b %e %T %Y", moment),
  D: (moment) => write("%m/%d/%y", moment),
  d: ({ shown }) => [shown.getUTCDate(), 2],
  e: ({ shown }) => [shown.getUTCDate(), 2, " "],
  F: (moment) => write("%Y-%m-%d", moment),
  G: ({ shown }) => [isoThursday(shown).getUTCFullYear(), 4],
  g: ({ shown }) => [isoThursday(shown).getUTCFullYear() % 100, 2],
  H: ({ shown }) => [shown.getUTCHours(), 2],
  h: (moment) => write("%b", moment),
  I: ({ shown }) => [hour12(shown), 2],
  j: ({ shown }) => [dayOfYear(shown) + 1, 3],
  k: ({ shown }) => [shown.getUTCHours(), 2, " "],
  l: ({ shown }) => [hour12(shown), 2, " "],
  M: ({ shown }) => [shown.getUTCMinutes(), 2],
  m: ({ shown }) => [shown.getUTCMonth() + 1, 2],
  P: ({ shown }) => shown.getUTCHours() < 12 ? "am" : "pm",
  p: ({ shown }) => shown.getUTCHours() < 12 ? "AM" : "PM",
  R: (moment) => write("%H:%M", moment),
  r: (moment) => write("%I:%M:%S %p", moment),
  S: ({ shown }) => [shown.getUTCSeconds(), 2],
  s: ({ shown, offset }) => [Math.floor(shown.getTime() / 1000) - offset * 60, 1],
  T: (moment) => write("%H:%M:%S", moment),
  U: ({ shown }) => [weekOfYear(shown, shown.getUTCDay()), 2],
  u: ({ shown }) => [daysSinceMonday(shown) + 1, 1],
  V: ({ shown }) => [Math.floor(dayOfYear(isoThursday(shown)) / 7) + 1, 2],
  W: ({ shown }) => [weekOfYear(shown, daysSinceMonday(shown)), 2],
  w: ({ shown }) => [shown.getUTCDay(), 1],
  X: (moment) => write("%T", moment),
  x: (moment) => write("%D", moment),
  Y: ({ shown }) => [shown.getUTCFullYear(), 4],
  y: ({ shown }) => [shown.getUTCFullYear() % 100, 2],
  Z: ({ zone }) => zone,
  z: ({ offset }) => offsetText(offset, ""),
};

function write(format: string, moment: Moment): string {
  return format.replace(CONVERSION, (conversion, flag: string, letter: string) => {
    const given = CONVERSIONS[letter]?.(moment) ?? conversion;
    if (typeof given === "string") return flag === "^" ? given.toUpperCase() : given;
    const [value, width, padding = "0"] = given;
    if (flag === "-") return `${value}`;
    return `${value}`.padStart(width, flag === "_" ? " " : flag === "0" ? "0" : padding);
  });
}

const DAY = 86_400_000;

function dayOfYear(shown: Date): number {
  return Math.floor((shown.getTime() - Date.UTC(shown.getUTCFullYear(), 0)) / DAY);
}

function daysSinceMonday(shown: Date): number {
  return (shown.getUTCDay() + 6) % 7;
}

/** The week of the year when weeks begin `day` days before `shown`; the days before the first such day are week 0. */
function weekOfYear(shown: Date, day: number): number {
  return Math.floor((dayOfYear(shown) - day + 7) / 7);
}

/** The Thursday of the week, whose year is the week's (ISO 8601). */
function isoThursday(shown: Date): Date {
  return new Date(shown.getTime() + (3 - daysSinceMonday(shown)) * DAY);
}

function hour12(shown: Date): number {
  return shown.getUTCHours() % 12 || 12;
}

function offsetText(offset: number, colon: string): string {
  const minutes = Math.abs(offset);
  const [hh, mm] = [Math.floor(minutes / 60), minutes % 60].map((n) => `${n}`.padStart(2, "0"));
  return `${offset < 0 ? "-" : "+"}${hh}${colon}${mm}`;
}

// Each locale knows the short names of its own region alone, and gives GMT+1 for the rest.
const LOCALES = ["en-US", "en-GB", "en-AU", "en-CA", "en-IN", "en-ZA", "ja"];
// Finding a name takes longer than all else that an answer needs; it changes with the offset.
const zoneNames = new Map<number, string>();

/** The short name of the local time zone. */
function zoneName(date: Date, offset: number): string {
  const known = zoneNames.get(offset);
  if (known !== undefined) return known;
  const names = LOCALES.map((locale) =>
    new Intl.DateTimeFormat(locale, { timeZoneName: "short" })
      .formatToParts(date).find(({ type }) => type === "timeZoneName")?.value ?? ""
  );
  const name = names.find((name) => /^[A-Z]+$/.test(name)) ?? names[0] ?? "";
  zoneNames.set(offset, name);
  return name;
}
