/** A mirror as its user asks for it: the options, how it is shown, what is said at its end. */
import { delay } from "@std/async/delay";
import { EXIT, Failure } from "../../tools/program/failure.ts";
import { count, flag, list, text, valueOr } from "../../tools/program/options.ts";
import { mark } from "../../tools/program/terminal.ts";
import { formatSize } from "../../tools/protocol/units.ts";
import type { FtpClient } from "./client.ts";
import { mirror, type MirrorResult, type MirrorTotals } from "./mirror.ts";
import type { RateLimit } from "./rate.ts";

/** The options of a mirror, on the command line and at the prompt. */
export const MIRROR_OPTIONS = {
  delete: flag("When mirroring: remove what the source has not."),
  include: list("PATTERN", "When mirroring: move only files such as *.txt or doc/*.", text),
  exclude: list("PATTERN", "When mirroring: leave these out, such as *.bak or tmp/.", text),
  "dry-run": flag("When mirroring: only tell what would be done."),
  parallel: valueOr("N", "When mirroring: work with so many sessions side by side.", count, "4"),
};

/** What is to be mirrored. */
export interface MirrorRequest {
  /** From here to the server. */
  up: boolean;
  /** The folders; the empty one of the server is that in which sessions begin. */
  remote: string;
  local: string;
  delete: boolean;
  include: string[];
  exclude: string[];
  dryRun: boolean;
  parallel: number;
}

/** What a mirror works with. */
export interface MirrorMeans {
  /** Makes a session that is logged in, where `remote` is. */
  connect(): Promise<FtpClient>;
  retries: number;
  rate: RateLimit | undefined;
  signal: AbortSignal;
  /** Data that was asked for. */
  write(text: string): Promise<void>;
  /** A line about what went wrong. */
  say(line: string): void;
  /** A line about how it went. */
  note(line: string): void;
}

/** Mirrors, and says how it went. Throws Failure, also when a part of it failed. */
export async function runMirror(request: MirrorRequest, means: MirrorMeans): Promise<void> {
  const { connect, retries, rate, signal, write, say, note } = means;
  const began = performance.now();
  let result: MirrorResult;
  {
    using shown = showTotals();
    result = await mirror({
      ...request,
      sessions: request.parallel,
      connect,
      retries,
      rate,
      signal,
      wait: (milliseconds, signal) => delay(milliseconds, { signal }),
      onPlan: write,
      onNote: say,
      onProgress: shown.update,
    });
  }
  for (const problem of result.problems) say(problem);
  note(summary(result, (performance.now() - began) / 1000));
  if (result.exitCode !== EXIT.ok) {
    throw new Failure(
      result.exitCode,
      "the mirror is not complete (the same command goes on from there)",
    );
  }
}

/** What a mirror did, in one line. */
export function summary(result: MirrorTotals, seconds: number): string {
  const { filesDone, bytesDone, same, removed, skipped, failed } = result;
  const rate = formatSize(bytesDone / Math.max(seconds, 0.001));
  const moved = `${filesDone} ${filesDone === 1 ? "file" : "files"} moved, ` +
    `${formatSize(bytesDone)} in ${seconds.toFixed(2)} s (${rate}/s)`;
  const others = [
    `${same} up to date`,
    ...removed > 0 ? [`${removed} removed`] : [],
    ...skipped > 0 ? [`${skipped} left alone`] : [],
    ...failed > 0 ? [`${failed} failed`] : [],
  ];
  return `${moved}; ${others.join(", ")}`;
}

// More often nobody can read it.
const LEAST_PAUSE = 100;

/** Shows how far a mirror is, in one line of standard error, when that is a terminal. */
function showTotals(): { update(totals: Readonly<MirrorTotals>): void } & Disposable {
  if (!Deno.stderr.isTerminal()) return { update: () => {}, [Symbol.dispose]: () => {} };
  let last = -Infinity;
  return {
    update({ files, filesDone, bytes, bytesDone, folders }): void {
      const now = performance.now();
      if (now - last < LEAST_PAUSE) return;
      last = now;
      const line = `${filesDone} of ${files} files, ${formatSize(bytesDone)} of ` +
        `${formatSize(bytes)}, ${folders} folders`;
      mark(`\r${line}\x1b[K`);
    },
    [Symbol.dispose]: () => mark("\r\x1b[K"),
  };
}
