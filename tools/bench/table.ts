/** The figures of a benchmark as plain text. */
import type { Column } from "./benchmark.ts";
import type { Row } from "./rounds.ts";

/** The value in the middle; of an even number of them, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return ((low ?? NaN) + (high ?? NaN)) / 2;
}

/**
 * A table with a line for each row. A cell holds the median, and the least and
 * the most; beside it stands how many times as good the first row is: above 1
 * means better than this one, whether more or less is better.
 */
export function tableText(columns: readonly Column[], rows: readonly Row[]): string {
  const [ours] = rows;
  const lines = [
    ["", ...columns.flatMap(({ name, unit }) => [`${name}, ${unit}`, "ours is"])],
    ...rows.map((row) => [
      row.name,
      ...columns.flatMap((column) => {
        const figures = row.figures.get(column.name) ?? [];
        return [cell(figures), row === ours ? "" : ratio(column, ours, figures)];
      }),
    ]),
  ];
  const widths = lines[0]?.map((_, i) => Math.max(...lines.map((line) => line[i]?.length ?? 0)));
  return lines.map((line) =>
    line.map((word, i) => i === 0 ? word.padEnd(widths?.[i] ?? 0) : word.padStart(widths?.[i] ?? 0))
      .join("  ").trimEnd() + "\n"
  ).join("");
}

function cell(figures: readonly number[]): string {
  if (figures.length === 0) return "-";
  return `${short(median(figures))} [${short(Math.min(...figures))}-${
    short(Math.max(...figures))
  }]`;
}

function ratio({ name, better }: Column, ours: Row | undefined, figures: number[]): string {
  const [own, other] = [median(ours?.figures.get(name) ?? []), median(figures)];
  const times = better === "more" ? own / other : other / own;
  return Number.isNaN(times) ? "" : `${times.toFixed(2)}x`;
}

/** Three digits that count. */
function short(figure: number): string {
  return figure >= 100 ? figure.toFixed(0) : figure.toPrecision(3);
}
