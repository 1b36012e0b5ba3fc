/** Durations, sizes and ports as people type them. */

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/;
const MILLISECONDS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

// A timer holds a signed 32-bit number of milliseconds and fires at once above it.
const LONGEST_TIMER = 2 ** 31 - 1;

/**
 * A duration in milliseconds: `250ms`, `5s`, `2m`, `1h`; a bare number is seconds.
 * Throws RangeError when it is none of these, zero, or beyond what a timer can hold.
 */
export function parseDuration(text: string): number {
  const [, number, unit] = DURATION.exec(text) ?? [];
  const duration = Number(number) * (MILLISECONDS[unit ?? "s"] ?? NaN);
  if (!(duration >= 1 && duration <= LONGEST_TIMER)) {
    throw new RangeError("give a duration such as 250ms, 5s or 2m");
  }
  return duration;
}

const SIZE = /^(\d+)([KMGT]?)$/i;

/** A size in bytes: `512`, `64K`, `10M`, `1G`, `1T`, in powers of 1024. Throws RangeError. */
export function parseSize(text: string): number {
  const [, number, unit = ""] = SIZE.exec(text) ?? [];
  const size = Number(number) *
    1024 ** " KMGT".indexOf(unit.toUpperCase() || " ");
  if (!Number.isSafeInteger(size)) {
    throw new RangeError("give a size such as 512, 64K or 1G");
  }
  return size;
}

/** A whole number of at least `least`. Throws RangeError. */
export function parseCount(text: string, least = 0): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(count) || count < least) {
    throw new RangeError(`give a whole number, ${least} or more`);
  }
  return count;
}

/** A port; 0, the system's choice, only where `zero` allows it. Throws RangeError. */
export function parsePort(text: string, zero = false): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65535 || (port === 0 && !zero)) {
    throw new RangeError(`a port is a number from ${zero ? 0 : 1} to 65535`);
  }
  return port;
}

/** Ports, both ends included. */
export interface PortRange {
  first: number;
  last: number;
}

/** `FIRST-LAST`, or a single port. Throws RangeError. */
export function parsePortRange(text: string): PortRange {
  const [, first = "", last = first] = /^(\d+)(?:-(\d+))?$/.exec(text) ?? [];
  const range = { first: parsePort(first), last: parsePort(last) };
  if (range.first > range.last) throw new RangeError("give the lower port first");
  return range;
}

/** A number of bytes for people: `999 B`, `1.5 KiB`, `1.0 GiB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1024) return `${Math.round(bytes)} B`;
  const power = Math.min(4, Math.floor(Math.log2(bytes) / 10));
  return `${(bytes / 1024 ** power).toFixed(1)} ${" KMGT".charAt(power)}iB`;
}
