import { assertEquals, assertRejects } from "@std/assert";
import { runMirror, summary } from "../../../clients/ftp/mirror_run.ts";
import { Failure } from "../../../tools/program/failure.ts";
import { FtpTree } from "../../support/ftp_tree.ts";
import { testWith } from "../../support/permissions.ts";

const NOTHING = {
  files: 0,
  bytes: 0,
  filesDone: 0,
  bytesDone: 0,
  folders: 1,
  same: 0,
  removed: 0,
  skipped: 0,
  failed: 0,
};

Deno.test("summary() says what a mirror did, and nothing of what it did not", () => {
  const cases: [totals: Partial<typeof NOTHING>, seconds: number, line: string][] = [
    [{}, 0, "0 files moved, 0 B in 0.00 s (0 B/s); 0 up to date"],
    [
      { filesDone: 1, bytesDone: 2048, same: 3 },
      2,
      "1 file moved, 2.0 KiB in 2.00 s (1.0 KiB/s); 3 up to date",
    ],
    [
      { filesDone: 2, bytesDone: 10, removed: 4, skipped: 5, failed: 6 },
      1,
      "2 files moved, 10 B in 1.00 s (10 B/s); 0 up to date, 4 removed, 5 left alone, 6 failed",
    ],
  ];
  for (const [totals, seconds, line] of cases) {
    assertEquals(summary({ ...NOTHING, ...totals }, seconds), line);
  }
});

testWith(["read", "write"], "a mirror that is not complete says how it is completed", async () => {
  const local = await Deno.makeTempDir();
  const tree = new FtpTree({ a: "x" });
  tree.scripts.push({ RETR: "550 no" });
  const said: string[] = [];
  const request = { up: false, remote: "", local, delete: false, dryRun: false, parallel: 1 };
  const failure = await assertRejects(
    () =>
      runMirror({ ...request, include: [], exclude: [] }, {
        connect: () => tree.connect(),
        retries: 0,
        rate: undefined,
        signal: new AbortController().signal,
        write: () => Promise.resolve(),
        say: (line) => said.push(line),
        note: () => {},
      }),
    Failure,
    "the mirror is not complete (the same command goes on from there)",
  );
  assertEquals([failure.exitCode, said], [1, ["a: 550 no"]]);
  await Deno.remove(local, { recursive: true });
});
