/** A program as small as can be, for the tests of what all programs share: `toy.ts ACTION`. */
import { type Command, program } from "../../tools/program/command.ts";
import { EXIT, Failure, UsageError } from "../../tools/program/failure.ts";
import { valueOr } from "../../tools/program/options.ts";
import { startProgress } from "../../tools/program/progress.ts";
import { onStop } from "../../tools/program/signals.ts";
import { OutputClosed, say, writeOut } from "../../tools/program/terminal.ts";
import { Trace } from "../../tools/program/trace.ts";

/** What it can do, by name. */
const ACTIONS: Record<string, () => Promise<number>> = {
  refuse: () => Promise.reject(new Failure(EXIT.later, "the peer said: try again later")),
  misuse: () => Promise.reject(new UsageError("it is not used like this")),
  break: () => Promise.reject(new TypeError("a bug\n    with \x1b[2J in two lines")),
  open: () => Deno.readTextFile("/no/such/file").then(() => EXIT.ok),
  throw: () => Promise.reject("a string"),
  closed: () => Promise.reject(new OutputClosed()),

  /** Writes for as long as somebody reads. */
  async pour(): Promise<never> {
    for (let i = 1;; i++) await writeOut(`line ${i}\n`);
  },

  /** Writes more than any pipe holds, at once. */
  async heap(): Promise<number> {
    await writeOut(new Uint8Array(HEAP).fill(0x78));
    return EXIT.ok;
  },

  /** Talks, whether anybody listens or not. */
  talk(): Promise<number> {
    for (let i = 1; i <= 100; i++) say(`word ${i}`);
    return Promise.resolve(EXIT.ok);
  },

  trace(): Promise<number> {
    for (const shown of [true, false]) {
      const trace = new Trace(shown);
      trace.sent(`HELO ${shown}`);
      trace.received("250 \x1b[2Jyou\r\n251 are");
      trace.note("so far so good");
      trace.sent("");
    }
    return Promise.resolve(EXIT.ok);
  },

  signals: takeSignals,

  /** Takes signals too, but SIGHUP means something else. */
  renew(): Promise<never> {
    Deno.addSignalListener("SIGHUP", () => say("renewed"));
    return takeSignals();
  },

  async progress(): Promise<number> {
    using progress = await startProgress(0, 100);
    progress.update(50);
    progress.update(100);
    return EXIT.ok;
  },

  async "no-progress"(): Promise<number> {
    using _progress = await startProgress(0, 100);
    return EXIT.ok;
  },
};

/** Takes two signals, and the third ends it. */
async function takeSignals(): Promise<never> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let taken = 0;
  const signals = onStop((signal) => {
    say(`got ${signal}`);
    if (++taken === 2) resolve();
  });
  // Listeners alone keep no program running.
  setInterval(() => {}, 1000);
  say("ready");
  await promise;
  signals[Symbol.dispose]();
  say("as before");
  return await new Promise<never>(() => {});
}

/** What `heap` writes: so many bytes. */
export const HEAP = 8 << 20;

/** The `toy` program. */
export const command = {
  name: "toy",
  summary: "shows what all programs share",
  usage: ["ACTION [options]"],
  words: [1, 1],
  options: { pace: valueOr("PACE", "How fast.", String, "slow", { short: "p" }) },
  examples: [["toy refuse", "Fail."]],
  permissions: ["--allow-read"],
  rfcs: ["none"],
} satisfies Command;

const main = program(command, async ({ words: [name = ""] }) => {
  const action = ACTIONS[name];
  if (!action) throw new UsageError(`there is no action ${name}`);
  return await action();
});

if (import.meta.main) Deno.exit(await main(Deno.args));
