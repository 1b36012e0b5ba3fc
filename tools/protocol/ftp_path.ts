/** Paths in FTP: in the replies 257, and as names that come from a listing. */

/** `path` between quotes, those within it doubled (RFC 959 appendix II). */
export function quotePath(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}

/**
 * The path in the text of a 257 reply, wherever it stands: quoted, with the
 * quotes within it not doubled, with its closing quote missing, or bare.
 */
export function parseQuotedPath(text: string): string {
  const start = text.indexOf('"');
  if (start < 0) return /(?:^|\s)(\/\S*)/.exec(text)?.[1] ?? text.trim().split(/\s/, 1)[0] ?? "";
  const rest = text.slice(start);
  const [, quoted] = /^"((?:[^"]|"")*)"(?![^\s.,;:])/.exec(rest) ?? [];
  if (quoted !== undefined) return quoted.replaceAll('""', '"');
  const end = rest.lastIndexOf('"');
  return rest.slice(1, end > 0 ? end : undefined);
}

// CON, NUL and their kin are devices in every folder of Windows, with any extension.
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * Whether `name`, which a server gave, may become the name of a local file. A
 * name with a separator, `.`, `..`, one with a control character, and an empty
 * one would lead elsewhere or hide what they are. `windows` refuses what means
 * something else there.
 */
export function safeName(name: string, windows = false): boolean {
  if (name === "" || name === "." || name === ".." || /[/\\\p{Cc}]/u.test(name)) return false;
  return !windows || !(/[:*?"<>|]|[. ]$/.test(name) || RESERVED.test(name));
}
