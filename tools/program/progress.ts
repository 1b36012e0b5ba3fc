/** A progress bar on standard error, when that is a terminal. */
import { formatSize } from "../protocol/units.ts";

/** A transfer under way. */
export interface Progress extends Disposable {
  /** So many bytes are there now. */
  update(bytes: number): void;
}

/**
 * A bar that begins at `start` bytes of `total`, which may be unknown. It shows
 * itself with the first update: what is refused has none. Without a terminal
 * nothing is shown.
 */
export async function startProgress(
  start: number,
  total: number | undefined,
): Promise<Progress> {
  if (!Deno.stderr.isTerminal()) {
    return { update: () => {}, [Symbol.dispose]: () => {} };
  }
  const { default: cliProgress } = await import("cli-progress");
  const { stderr } = await import("node:process");
  // A terminal that was closed takes no bar; that ends the program by SIGHUP, not by an error here.
  if (stderr.listenerCount("error") === 0) stderr.on("error", () => {});
  const began = performance.now();
  const bar = new cliProgress.SingleBar({
    format: (_options, { value }) =>
      progressLine(value, start, total, (performance.now() - began) / 1000),
    hideCursor: true,
  });
  let isShown = false;
  return {
    update(bytes): void {
      if (isShown) return bar.update(bytes);
      isShown = true;
      bar.start(total ?? 0, bytes);
    },
    [Symbol.dispose](): void {
      if (isShown) bar.stop();
    },
  };
}

// With figures of any length beside it, the line fits into 80 columns.
const WIDTH = 16;

/** Bar, bytes, rate and the time to go after `seconds`; no bar where the total is unknown, no time where nothing comes. */
export function progressLine(
  value: number,
  start: number,
  total: number | undefined,
  seconds: number,
): string {
  const rate = seconds > 0 ? (value - start) / seconds : 0;
  const speed = `${formatSize(rate)}/s`;
  if (total === undefined) return `${formatSize(value)}  ${speed}`;
  const share = total > 0 ? Math.min(1, value / total) : 1;
  const done = Math.floor(share * WIDTH);
  // A server may send more than it announced.
  const left = Math.max(0, Math.ceil((total - value) / rate));
  return [
    `[${"=".repeat(done)}${" ".repeat(WIDTH - done)}] ${Math.floor(share * 100)}%`,
    `${formatSize(value)} of ${formatSize(total)}`,
    speed,
    ...rate > 0 ? [`${timeLeft(left)} left`] : [],
  ].join("  ");
}

/** Whole seconds for people: `5 s`, `12 m 5 s`, `2 h 43 m`. */
function timeLeft(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  if (minutes === 0) return `${seconds} s`;
  if (minutes < 60) return `${minutes} m ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} m`;
}
