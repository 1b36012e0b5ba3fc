/** What a listing says about a file, and modes as `ls` shows them. */

/** One file, folder or link. What the server did not say is undefined. */
export interface FtpEntry {
  /** As the server gave it: see `safeName` before a local file gets it. */
  name: string;
  type: "file" | "dir" | "link" | "other";
  /** In bytes. */
  size?: number | undefined;
  /** Time of last change; only with `exact` is it UTC and to the second. */
  modified?: Date | undefined;
  exact: boolean;
  /** The twelve bits of chmod. */
  mode?: number | undefined;
  owner?: string | undefined;
  group?: string | undefined;
  /** Where a link leads. */
  target?: string | undefined;
  /** The `perm` fact (RFC 3659 section 7.5.5). */
  perm?: string | undefined;
  /** The `unique` fact: the same for two names of one file (RFC 3659 section 7.5.2). */
  unique?: string | undefined;
}

/** The nine letters of `mode`, such as `rwxr-xr-x`. */
export function formatMode(mode: number): string {
  const bits = "rwxrwxrwx".replace(/./g, (letter, i: number) => mode & (256 >> i) ? letter : "-");
  return [...bits].map((letter, i) => {
    const special = i === 2 ? 0o4000 : i === 5 ? 0o2000 : i === 8 ? 0o1000 : 0;
    if ((mode & special) === 0) return letter;
    const mark = i === 8 ? "t" : "s";
    return letter === "x" ? mark : mark.toUpperCase();
  }).join("");
}

/** Reads nine letters of a mode; undefined for anything else. */
export function parseMode(letters: string): number | undefined {
  if (!/^(?:[r-][w-][xsSlL-]){2}[r-][w-][xtT-]$/.test(letters)) return undefined;
  return [...letters].reduce((mode, letter, i) => {
    const special = i === 2 ? 0o4000 : i === 5 ? 0o2000 : 0o1000;
    if (/[rwxst]/.test(letter)) mode |= 256 >> i;
    return /[sStTlL]/.test(letter) ? mode | special : mode;
  }, 0);
}
