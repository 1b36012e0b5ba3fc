/**
 * What a benchmark is. To add one:
 *
 * 1. Write `tools/bench/NAME.ts` that exports `benchmark: Benchmark`; `http.ts` is an example.
 *    Ours is the first contender, and then come the peers, each with the program it `needs`.
 *    Whatever all of them share (a server to fetch from, a file of 1 GiB) is made in `contenders`;
 *    what one of them needs for itself is made in its `start`. Both hand what they start to `stack`,
 *    which ends it. `processes.ts` starts programs, ours and others, and waits until they listen.
 * 2. Add it to the table in `tools/bench.ts`.
 *
 * The frame leaves out the peers that are not installed, takes the figures in turn, round by
 * round, and prints medians and ratios.
 */

/** One figure that is taken of every contender. */
export interface Column {
  /** What is measured, such as `1 GiB to a file`. */
  name: string;
  unit: string;
  /** Which of two figures is the better one. */
  better: "more" | "less";
}

/** Takes one figure. Throws when the contender fails. */
export type Measure = () => Promise<number>;

/** Whoever takes part. */
export interface Contender {
  name: string;
  /** The program that must be installed for it. */
  needs?: string;
  /** Gets ready, and says how each column is measured, by its name; one left out is not measured. */
  start(stack: AsyncDisposableStack): Promise<Record<string, Measure>>;
}

/** Ours and its peers, side by side. */
export interface Benchmark {
  /** One line: what is measured, and how. */
  summary: string;
  columns: readonly Column[];
  /** Starts what all contenders share, and names them, ours first. */
  contenders(stack: AsyncDisposableStack): Promise<Contender[]>;
}
