import { assertEquals } from "@std/assert";
import { summary } from "../../../clients/ftp/mirror_run.ts";

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
