/** What a mirror is told, and what it tells. */
import type { FtpClient } from "./client.ts";
import type { RateLimit } from "./rate.ts";

/** What is mirrored, and how. */
export interface MirrorOptions {
  /** Makes a session that is logged in, in the folder in which `remote` is. */
  connect(): Promise<FtpClient>;
  /** From here to the server. */
  up: boolean;
  /** The folders; the empty one of the server is that in which sessions begin. */
  remote: string;
  local: string;
  /** How many sessions work side by side. */
  sessions: number;
  /** Remove from the target what the source has not. */
  delete: boolean;
  /** See `mirrorFilter`. */
  include: readonly string[];
  exclude: readonly string[];
  /** Only tell what would be done. */
  dryRun: boolean;
  /** How often to try again what fails for the time being. */
  retries: number;
  /** For all sessions together. */
  rate: RateLimit | undefined;
  /** Waits so many milliseconds; rejects when `signal` aborts. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
  /** Ends it: what has been done stays, and a further run goes on from there. */
  signal?: AbortSignal | undefined;
  /** Hears of the lines of the plan, of a dry run. */
  onPlan(lines: string): Promise<void>;
  /** Hears that something is tried again, and why. */
  onNote(line: string): void;
  /** Hears how far it is. */
  onProgress(totals: Readonly<MirrorTotals>): void;
}

/** How far a mirror is. */
export interface MirrorTotals {
  /** What is to be moved, as far as it is known. */
  files: number;
  bytes: number;
  /** What has been moved. */
  filesDone: number;
  bytesDone: number;
  /** Folders looked at. */
  folders: number;
  /** Files that are as they should be. */
  same: number;
  removed: number;
  /** What was left alone, such as links. */
  skipped: number;
  failed: number;
}

/** What a mirror did. */
export interface MirrorResult extends MirrorTotals {
  /** What was left alone or failed, a line each, the first `MOST_PROBLEMS` of them. */
  problems: string[];
  /** That of what ended it, or of the first failure. */
  exitCode: number;
}
