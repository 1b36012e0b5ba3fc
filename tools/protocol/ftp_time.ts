/** Times in FTP: `YYYYMMDDHHMMSS[.sss]`, always UTC (RFC 3659 section 2.3). */

const TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d+))?$/;

/** Reads a time; undefined when it is none. */
export function parseTimeVal(text: string): Date | undefined {
  const [, ...fields] = TIME.exec(text) ?? [];
  const [year = NaN, month = NaN, day = NaN, hour = NaN, minute = NaN, second = NaN] = fields
    .map(Number);
  const milliseconds = Math.trunc(Number(`0.${fields[6] ?? 0}`) * 1000);
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second, milliseconds));
  if (!isTellable(date)) return undefined;
  if (second === 60) return date; // A leap second is a valid time (RFC 3659 section 2.3), and the next one here.
  // Date.UTC takes the 31st of June for the 1st of July, and 99 for 1999.
  return formatTimeVal(date).slice(0, 14) === text.slice(0, 14) ? date : undefined;
}

/** Whether there are words for a time, which disks may have beyond the years 0 to 9999, and even beyond those of Date. */
export function isTellable(date: Date): boolean {
  const year = date.getUTCFullYear();
  return year >= 0 && year <= 9999;
}

/** Writes a time that is tellable, with milliseconds where there are some. */
export function formatTimeVal(date: Date): string {
  return date.toISOString().replace(/[-:TZ]/g, "").replace(/\.000$/, "");
}
