/** The frame of the benchmarks: turns, medians, ratios, and what is not there. */
import { assertEquals, assertMatch } from "@std/assert";
import type { Benchmark, Contender } from "../../tools/bench/benchmark.ts";
import { freePort, listens, ours, startServer, timed, until } from "../../tools/bench/processes.ts";
import { type Row, runRounds } from "../../tools/bench/rounds.ts";
import { median, tableText } from "../../tools/bench/table.ts";
import { processTest, testWith } from "../support/permissions.ts";
import { ROOT, run, runCommand } from "../support/process.ts";

/** Contenders that note when they are asked, and answer with the round's number. */
function noting(notes: string[], ...names: string[]): Contender[] {
  return names.map((name) => ({
    name,
    start(stack): Promise<Record<string, () => Promise<number>>> {
      notes.push(`${name} starts`);
      stack.defer(() => void notes.push(`${name} ends`));
      let round = 0;
      const measure = (): Promise<number> => {
        notes.push(name);
        return Promise.resolve(++round);
      };
      return Promise.resolve({ speed: measure });
    },
  }));
}

const quiet = (): Promise<boolean> => Promise.resolve(true);

function benchmarkOf(contenders: Contender[]): Benchmark {
  return {
    summary: "a test",
    columns: [{ name: "speed", unit: "MB/s", better: "more" }],
    contenders: () => Promise.resolve(contenders),
  };
}

Deno.test("median() is the value in the middle, or the mean of two", () => {
  assertEquals(median([3, 1, 2]), 2);
  assertEquals(median([10, 1, 2, 4]), 3);
  assertEquals(median([]), NaN);
});

Deno.test("runRounds() takes figures in turn, another contender first each time, and ends all", async () => {
  const notes: string[] = [];
  const rounds: number[] = [];
  const outcome = await runRounds(
    benchmarkOf(noting(notes, "a", "b", "c")),
    3,
    (round) => rounds.push(round),
    () => Promise.resolve(rounds.length < 3),
  );
  assertEquals(
    notes.join(" "),
    "a starts b starts c starts a b c b c a c a b c ends b ends a ends",
  );
  assertEquals(rounds, [1, 2, 3]);
  assertEquals(outcome.rows.map(({ name }) => name), ["a", "b", "c"]);
  assertEquals(outcome.disturbed, 3);
  assertEquals(outcome.rows[2]?.figures.get("speed"), [1, 2, 3]);
});

testWith(["read", "env"], "runRounds() leaves out a peer that is not installed", async () => {
  const notes: string[] = [];
  const [a, b] = noting(notes, "a", "b") as [Contender, Contender];
  const outcome = await runRounds(
    benchmarkOf([a, { ...b, needs: "no-such-program" }]),
    1,
    () => {},
    quiet,
  );
  assertEquals(notes, ["a starts", "a", "a ends"]);
  assertEquals(outcome.missing, ["no-such-program"]);
  assertEquals(outcome.rows.length, 1);
});

Deno.test("runRounds() goes on without what fails, and tells", async () => {
  let calls = 0;
  const flaky: Contender = {
    name: "flaky",
    start: () =>
      Promise.resolve({
        speed: () => ++calls === 2 ? Promise.reject(new Error("oops")) : Promise.resolve(calls),
      }),
  };
  const broken: Contender = { name: "broken", start: () => Promise.reject(new Error("no key")) };
  const outcome = await runRounds(benchmarkOf([flaky, broken]), 3, () => {}, quiet);
  assertEquals(outcome.rows[0]?.figures.get("speed"), [1, 3]);
  assertEquals(outcome.failures, ["broken: cannot start: no key", "flaky: speed: oops"]);
});

Deno.test("tableText() shows medians, and how many times as good ours is", () => {
  const columns = [
    { name: "large", unit: "MB/s", better: "more" },
    { name: "small", unit: "ms", better: "less" },
  ] as const;
  const row = (name: string, large: number[], small: number[]): Row => ({
    name,
    figures: new Map([["large", large], ["small", small]]),
  });
  const text = tableText(columns, [
    row("ours", [900, 1000, 1100], [30]),
    row("peer", [500, 400, 600], [6]),
    row("other", [], [60]),
  ]);
  assertEquals(
    text,
    [
      "           large, MB/s  ours is         small, ms  ours is",
      "ours   1000 [900-1100]           30.0 [30.0-30.0]",
      "peer     500 [400-600]    2.00x  6.00 [6.00-6.00]    0.20x",
      "other                -           60.0 [60.0-60.0]    2.00x",
      "",
    ].join("\n"),
  );
});

processTest("timed() and startServer() say what went wrong", async () => {
  const said: string[] = [];
  const tell = (error: Error): void => void said.push(error.message);
  const version = await timed(ours("http", "--version"));
  assertEquals(version > 0, true);
  await timed(ours("http", "--nonsense")).catch(tell);
  await using stack = new AsyncDisposableStack();
  await startServer(stack, ["no-such-program"], () => Promise.resolve(true)).catch(tell);
  await startServer(stack, ours("daytimed", "--nonsense"), () => listens(1)).catch(tell);
  const port = freePort();
  const options = ["--host", "127.0.0.1", "--tcp", "--port", `${port}`];
  await startServer(stack, ours("daytimed", ...options), () => listens(port));
  assertMatch(
    said.join("\n"),
    /failed: http: unknown option --nonsense.*\nno-such-program is not installed\n.* ended at once$/,
  );
});

processTest("bench names its benchmarks when asked for one it does not know", async () => {
  const { code, stderr } = await run("tools/bench.ts", ["nonsense"]);
  assertEquals([code, /^bench: name a benchmark: .*http/.test(stderr)], [2, true], stderr);
});

processTest("what a benchmark made goes when the run is interrupted", async () => {
  const port = freePort();
  const code = `
    import { memoryFolder } from "${ROOT}tools/bench/files.ts";
    import { listens, ours, startServer } from "${ROOT}tools/bench/processes.ts";
    const stack = new AsyncDisposableStack();
    Deno.stdout.writeSync(new TextEncoder().encode(await memoryFolder(stack)));
    const server = ours("daytimed", "--tcp", "--host", "127.0.0.1", "--port", "${port}");
    await startServer(stack, server, () => listens(${port}));
    Deno.exit(130);`;
  const options = ["eval", "--quiet", `--config=${ROOT}deno.json`, code];
  const ended = await runCommand(Deno.execPath(), options);
  assertEquals([ended.code, ended.stderr], [130, ""]);
  assertMatch(ended.stdout, /labsock-bench-/);
  assertEquals(await Deno.stat(ended.stdout).catch((error) => error.name), "NotFound");
  await until("the server to end", async () => !await listens(port));
});
