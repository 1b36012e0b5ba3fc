import { assert, assertEquals, assertMatch } from "@std/assert";
import { progressLine } from "../../../tools/program/progress.ts";
import { missingProgram, processTest, processTestUnless } from "../../support/permissions.ts";
import { commandLine, run, runCommand } from "../../support/process.ts";

const K = 1024;
const BAR = {
  empty: `[${" ".repeat(16)}]`,
  half: `[${"=".repeat(8)}${" ".repeat(8)}]`,
  almost: `[${"=".repeat(15)} ]`,
  full: `[${"=".repeat(16)}]`,
};

/** Bytes there, bytes there at the start, bytes in all, and seconds since the start, as a line. */
const LINES: [value: number, start: number, total: number | undefined, seconds: number, string][] =
  [
    [0, 0, 100 * K, 0, `${BAR.empty} 0%  0 B of 100.0 KiB  0 B/s`],
    [0, 0, 100 * K, 5, `${BAR.empty} 0%  0 B of 100.0 KiB  0 B/s`],
    [50 * K, 0, 100 * K, 5, `${BAR.half} 50%  50.0 KiB of 100.0 KiB  10.0 KiB/s  5 s left`],
    [50 * K, 0, 100 * K, 30, `${BAR.half} 50%  50.0 KiB of 100.0 KiB  1.7 KiB/s  30 s left`],
    // Resumed: what was there before came in no time.
    [75 * K, 50 * K, 150 * K, 5, `${BAR.half} 50%  75.0 KiB of 150.0 KiB  5.0 KiB/s  15 s left`],
    // Not all is there before it is.
    [999, 0, 1000, 1, `${BAR.almost} 99%  999 B of 1000 B  999 B/s  1 s left`],
    [1000, 0, 1000, 2, `${BAR.full} 100%  1000 B of 1000 B  500 B/s  0 s left`],
    [0, 0, 0, 0, `${BAR.full} 100%  0 B of 0 B  0 B/s`],
    // More than was announced.
    [1500, 0, 1000, 5, `${BAR.full} 100%  1.5 KiB of 1000 B  300 B/s  0 s left`],
    // Hours and minutes, where seconds say little.
    [K, 0, 61 * K, 1, `${BAR.empty} 1%  1.0 KiB of 61.0 KiB  1.0 KiB/s  1 m 0 s left`],
    [K, 0, 3600 * K, 1, `${BAR.empty} 0%  1.0 KiB of 3.5 MiB  1.0 KiB/s  59 m 59 s left`],
    [K, 0, 3601 * K, 1, `${BAR.empty} 0%  1.0 KiB of 3.5 MiB  1.0 KiB/s  1 h 0 m left`],
    [K, 0, 9802 * K, 1, `${BAR.empty} 0%  1.0 KiB of 9.6 MiB  1.0 KiB/s  2 h 43 m left`],
    // Nobody knows how much it will be.
    [0, 0, undefined, 0, "0 B  0 B/s"],
    [3 * K, K, undefined, 2, "3.0 KiB  1.0 KiB/s"],
  ];

Deno.test("progressLine() shows how much there is, how fast it comes, and how long it will take", () => {
  for (const [value, start, total, seconds, line] of LINES) {
    assertEquals(progressLine(value, start, total, seconds), line);
  }
});

Deno.test("progressLine() fits into 80 columns", () => {
  const line = progressLine(1000 * K, 0, 1000 * K ** 3, 1);
  assertMatch(line, /1000.0 KiB of 1000.0 GiB {2}1000.0 KiB\/s {2}291 h 16 m left$/);
  assert(line.length <= 80, line);
});

processTest("startProgress() shows nothing where there is no terminal", async () => {
  const ended = await run("tests/support/toy.ts", ["progress"]);
  assertEquals(ended, { code: 0, stdout: "", stderr: "" });
});

processTestUnless(
  missingProgram("script"),
  "startProgress() shows nothing of what never begins",
  async () => {
    const line = [Deno.execPath(), ...commandLine("tests/support/toy.ts", ["no-progress"])];
    const command = `${line.map((word) => `'${word}'`).join(" ")} 2>&1 >/dev/null`;
    const ended = await runCommand("script", ["-qec", command, "/dev/null"]);
    assertEquals(ended, { code: 0, stdout: "", stderr: "" });
  },
);

processTestUnless(
  missingProgram("script"),
  "startProgress() shows a bar on a terminal, and leaves the terminal as it was",
  async () => {
    const line = [Deno.execPath(), ...commandLine("tests/support/toy.ts", ["progress"])];
    const command = `${line.map((word) => `'${word}'`).join(" ")} 2>&1 >/dev/null`;
    const { code, stdout } = await runCommand("script", ["-qec", command, "/dev/null"]);
    assertEquals(code, 0);
    assertMatch(stdout, /\[={16}\] 100% {2}100 B of 100 B .*\r\n$/);
    // The last word on the cursor and on wrapping is that there are both.
    for (const mode of ["?25", "?7"]) {
      const [on, off] = [stdout.lastIndexOf(`[${mode}h`), stdout.lastIndexOf(`[${mode}l`)];
      assert(on > off, mode);
    }
  },
);
