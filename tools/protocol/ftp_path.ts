/** Paths in the replies 257 of FTP. */

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
