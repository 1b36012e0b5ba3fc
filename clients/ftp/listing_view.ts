/** Listings as people read them. */
import { formatMode, type FtpEntry } from "../../tools/protocol/ftp_entry.ts";
import { visible } from "../../tools/protocol/text.ts";

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

/** The names in columns, read downwards, for a screen of `width`; one on each line when that is 0. */
export function shortListing(entries: readonly FtpEntry[], width: number): string {
  const names = entries.map(({ name, type }) => visible(name) + (type === "dir" ? "/" : ""));
  const widths = names.map(displayWidth);
  for (let columns = Math.min(names.length, Math.floor(width / 3)); columns > 1; columns--) {
    const rows = Math.ceil(names.length / columns);
    const columnWidths = Array.from(
      { length: Math.ceil(names.length / rows) },
      (_, column) => Math.max(...widths.slice(column * rows, (column + 1) * rows)),
    );
    if (sum(columnWidths) + GAP * (columnWidths.length - 1) > width) continue;
    return Array.from({ length: rows }, (_, row) =>
      columnWidths.map((columnWidth, column) => {
        const at = column * rows + row;
        return (names[at] ?? "") + " ".repeat(columnWidth - (widths[at] ?? 0) + GAP);
      }).join("").trimEnd() + "\n").join("");
  }
  return names.map((name) => `${name}\n`).join("");
}

const GAP = 2;

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\p{Emoji_Presentation}]/u;
const NO_WIDTH = /[\p{Mn}\p{Me}\u200d\ufe0f]/u;

/** How many places `text` takes on a terminal: two for a character of Chinese, none for an accent. */
export function displayWidth(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  return sum([...text].map((char) => NO_WIDTH.test(char) ? 0 : WIDE.test(char) ? 2 : 1));
}
