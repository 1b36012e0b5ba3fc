/** Listings as people read them. */
import { formatMode, type FtpEntry } from "../../tools/protocol/ftp_entry.ts";
import { visible } from "../../tools/protocol/text.ts";

/** By name, as `ls` has it: the case of letters counts last. */
export function sorted(entries: readonly FtpEntry[]): FtpEntry[] {
  const { compare } = new Intl.Collator("en", { numeric: true });
  return [...entries].sort((a, b) => compare(a.name, b.name));
}

const LETTERS = { file: "-", dir: "d", link: "l", other: "?" };

/** One line for each entry: mode, owner, size, time and name. Columns that no entry fills are left out. */
export function longListing(entries: readonly FtpEntry[]): string {
  const rows = entries.map((entry) => [
    LETTERS[entry.type] + (entry.mode === undefined ? "" : formatMode(entry.mode)),
    visible(entry.owner ?? ""),
    visible(entry.group ?? ""),
    `${entry.size ?? ""}`,
    // UTC from servers that tell it, else the server's own.
    entry.modified?.toISOString().replace("T", " ").slice(0, 16) ?? "",
  ]);
  const widths = [0, 1, 2, 3, 4].map((i) => Math.max(0, ...rows.map((row) => row[i]?.length ?? 0)));
  return entries.map((entry, at) => {
    const cells = (rows[at] ?? []).flatMap((cell, i) => {
      const width = widths[i] ?? 0;
      if (width === 0) return [];
      return [i === 3 ? cell.padStart(width) : cell.padEnd(width)];
    });
    return `${[...cells, shownName(entry)].join("  ")}\n`;
  }).join("");
}

/** The name, with a slash for a folder, and where a link leads. */
function shownName({ name, type, target }: FtpEntry): string {
  const mark = type === "dir" ? "/" : "";
  return visible(name) + mark + (target === undefined ? "" : ` -> ${visible(target)}`);
}
