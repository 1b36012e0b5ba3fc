/** RFC 867: the day and the time as one line of text, in no fixed form. */
import strftime from "strftime";

/** The form the RFC shows: `Tuesday, February 22, 1982 17:37:43-PST`. */
export const RFC_FORM = "%A, %B %-d, %Y %H:%M:%S-%Z";

/**
 * The UDP ports of the small services that answer whatever reaches them: echo,
 * daytime, quote of the day, chargen, time. Answering a datagram from one of
 * them can make two servers answer each other for ever.
 */
export const SMALL_SERVICES: ReadonlySet<number> = new Set([7, 13, 17, 19, 37]);

/** A line fits into the smallest datagram every host must take (RFC 791), and so amplifies nothing. */
export const LONGEST_LINE = 512;

/** How the time is written. */
export interface DaytimeForm {
  /** A strftime pattern, or `iso` (ISO 8601). */
  format: string;
  /** UTC, or local time. */
  utc: boolean;
}

// The conversions of C's strftime that make sense here; `-`, `_`, `0` and `^` change the padding or case.
const CONVERSION = /%[-_0^]?(.?)/g;
const KNOWN = new Set("aAbBcCdDeFhHIjklLmMnpPrRsStTuUwxXyYzZ%");

/** Throws RangeError when `format` holds a conversion that is not known, or makes a line that is too long. */
export function checkFormat(format: string): string {
  for (const [conversion, letter = ""] of format.matchAll(CONVERSION)) {
    if (letter === "" || !KNOWN.has(letter)) {
      throw new RangeError(
        `unknown conversion ${conversion} (try %c, %F %T, or iso)`,
      );
    }
  }
  if (
    daytimeLine({ format, utc: true }, new Date(0)).length > LONGEST_LINE - 100
  ) {
    throw new RangeError(`the line would be longer than ${LONGEST_LINE} bytes`);
  }
  return format;
}

/** The line for `date`, without its CRLF. */
export function daytimeLine({ format, utc }: DaytimeForm, date: Date): string {
  if (format === "iso") {
    return utc ? `${date.toISOString().slice(0, 19)}Z` : write("%FT%T%z", date, false);
  }
  return write(format, date, utc);
}

const NAMES = {
  days: [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
  ],
  shortDays: ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
  months: [
    ...["January", "February", "March", "April", "May", "June", "July"],
    ...["August", "September", "October", "November", "December"],
  ],
  // deno-fmt-ignore
  shortMonths: ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
  AM: "AM",
  PM: "PM",
  am: "am",
  pm: "pm",
};

// The composed forms of C's own locale.
const inLocalTime = strftime.localize({
  ...NAMES,
  formats: {
    c: "%a %b %e %H:%M:%S %Y",
    D: "%m/%d/%y",
    F: "%Y-%m-%d",
    R: "%H:%M",
    r: "%I:%M:%S %p",
    T: "%H:%M:%S",
    X: "%H:%M:%S",
    x: "%m/%d/%y",
  },
});
const inUtc = inLocalTime.utc();

function write(format: string, date: Date, utc: boolean): string {
  const zone = utc ? "UTC" : zoneName(date);
  const named = format.replace(
    CONVERSION,
    (conversion, letter) => letter === "Z" ? zone.replaceAll("%", "%%") : conversion,
  );
  return (utc ? inUtc : inLocalTime)(named, date);
}

/** The short name of the local time zone. Each English locale knows only those of its own region. */
function zoneName(date: Date): string {
  const names = ["en-US", "en-GB", "en-AU"].map((locale) =>
    new Intl.DateTimeFormat(locale, { timeZoneName: "short" })
      .formatToParts(date).find(({ type }) => type === "timeZoneName")?.value ??
      ""
  );
  return names.find((name) => /^[A-Z]+$/.test(name)) ?? names[0] ?? "";
}
