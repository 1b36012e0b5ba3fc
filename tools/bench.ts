/** Runs a program and its peers side by side, and shows medians and ratios. */
import type { Benchmark } from "./bench/benchmark.ts";
import { quietMachine } from "./bench/quiet.ts";
import { runRounds } from "./bench/rounds.ts";
import { tableText } from "./bench/table.ts";
import { type Command, program } from "./program/command.ts";
import { EXIT, UsageError } from "./program/failure.ts";
import { count, valueOr } from "./program/options.ts";
import { onStop } from "./program/signals.ts";
import { say, writeOut } from "./program/terminal.ts";

const BENCHMARKS: Record<string, () => Promise<{ benchmark: Benchmark }>> = {
  chat: () => import("./bench/chat.ts"),
  ftp: () => import("./bench/ftp.ts"),
  ftpd: () => import("./bench/ftpd.ts"),
  http: () => import("./bench/http.ts"),
  proxy: () => import("./bench/proxy.ts"),
  tftp: () => import("./bench/tftp.ts"),
  tftpd: () => import("./bench/tftpd.ts"),
};

/** The `bench` program. */
export const command = {
  name: "bench",
  summary: "runs a program and its peers in turn, and shows medians and ratios",
  usage: ["NAME [options]"],
  words: [0, 1],
  options: {
    rounds: valueOr("N", "Take each figure so many times.", count, "5"),
  },
  examples: [["deno task bench http", "The http client against curl and wget."]],
  permissions: ["-A"],
  rfcs: [],
} satisfies Command;

/** Runs `bench`; returns its exit code. */
export const main = program(command, async ({ options: { rounds }, words: [name = ""] }) => {
  const load = Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined;
  if (load === undefined) {
    throw new UsageError(`name a benchmark: ${Object.keys(BENCHMARKS).join(", ")}`);
  }
  // What the benchmark started hears of it, and goes too.
  using _signals = onStop(() => Deno.exit(EXIT.interrupted));
  const { benchmark } = await load();
  const { rows, missing, failures, disturbed } = await runRounds(
    benchmark,
    rounds,
    (round) => say(`bench: round ${round} of ${rounds}`),
    quietMachine,
  );
  const { version: { deno }, build } = Deno;
  await writeOut(
    `${name}: ${benchmark.summary}\n` +
      `deno ${deno}, ${build.os} ${build.arch}, ${navigator.hardwareConcurrency} cores; ` +
      `medians of ${rounds} rounds [least-most]\n\n${tableText(benchmark.columns, rows)}`,
  );
  if (missing.length > 0) await writeOut(`\nnot installed: ${missing.join(", ")}\n`);
  if (disturbed > 0) {
    await writeOut(`\nthe machine was busy with something else for ${disturbed} of the figures\n`);
  }
  for (const failure of failures) say(`bench: ${failure}`);
  return failures.length > 0 ? EXIT.refused : EXIT.ok;
});

if (import.meta.main) Deno.exit(await main(Deno.args));
