/** Taking the figures of a benchmark in turn. */
import type { Benchmark, Measure } from "./benchmark.ts";
import { findInstalled } from "./processes.ts";

/** The figures of one contender, one for each round that went well, by the column's name. */
export interface Row {
  name: string;
  figures: Map<string, number[]>;
}

/** What a benchmark gave. */
export interface Outcome {
  /** Ours first. */
  rows: Row[];
  /** The programs that are not installed here. */
  missing: string[];
  /** What went wrong, one line each. */
  failures: string[];
  /** How many figures were taken while the machine was busy with something else. */
  disturbed: number;
}

/**
 * Runs `benchmark` in `rounds` rounds. In a round the contenders take turns in each column, so that
 * whatever else the machine does meets all of them alike; another one begins each time. `quiet`
 * waits for the machine before each figure, and is false when it stays busy.
 */
export async function runRounds(
  benchmark: Benchmark,
  rounds: number,
  onRound: (round: number) => void,
  quiet: () => Promise<boolean>,
): Promise<Outcome> {
  await using stack = new AsyncDisposableStack();
  const outcome: Outcome = { rows: [], missing: [], failures: [], disturbed: 0 };
  const ready: { row: Row; measures: Record<string, Measure> }[] = [];
  for (const { name, needs, start } of await benchmark.contenders(stack)) {
    if (needs !== undefined && await findInstalled(needs) === undefined) {
      outcome.missing.push(needs);
      continue;
    }
    const row: Row = { name, figures: new Map() };
    outcome.rows.push(row);
    try {
      ready.push({ row, measures: await start(stack) });
    } catch (error) {
      outcome.failures.push(`${name}: cannot start: ${message(error)}`);
    }
  }
  for (let round = 0; round < rounds; round++) {
    onRound(round + 1);
    for (const column of benchmark.columns) {
      for (let turn = 0; turn < ready.length; turn++) {
        const contender = ready[(round + turn) % ready.length];
        const measure = contender?.measures[column.name];
        if (!contender || !measure) continue;
        const { row: { name, figures } } = contender;
        if (!await quiet()) outcome.disturbed++;
        try {
          figures.set(column.name, [...figures.get(column.name) ?? [], await measure()]);
        } catch (error) {
          outcome.failures.push(`${name}: ${column.name}: ${message(error)}`);
        }
      }
    }
  }
  return outcome;
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
