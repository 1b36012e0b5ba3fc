/** Waiting until the machine has nothing else to do. */

// An idle machine stays far below this; on up to eight processors, one busy program is above it.
const QUIET = 0.12;
const LOOK = 100;
const PATIENCE = 8000;

/** Waits until the processors are idle; false when they stay busy. Where the system does not tell, it does not wait. */
export async function quietMachine(): Promise<boolean> {
  for (let waited = 0; waited < PATIENCE; waited += LOOK) {
    const before = await processorTimes();
    if (before === undefined) return true;
    await new Promise((resolve) => setTimeout(resolve, LOOK));
    const after = await processorTimes() ?? before;
    const all = after.all - before.all;
    if (after.busy - before.busy <= QUIET * all) return true;
  }
  return false;
}

/** How long the processors were busy, and how long it is in all, since the machine started. */
async function processorTimes(): Promise<{ busy: number; all: number } | undefined> {
  const stat = await Deno.readTextFile("/proc/stat").catch(() => undefined);
  if (stat === undefined) return undefined;
  // cpu user nice system idle iowait irq softirq steal...: the fourth and fifth are idle times.
  const times = stat.split("\n", 1)[0]?.split(/ +/).slice(1, 9).map(Number) ?? [];
  const all = times.reduce((sum, time) => sum + time, 0);
  return { all, busy: all - (times[3] ?? 0) - (times[4] ?? 0) };
}
