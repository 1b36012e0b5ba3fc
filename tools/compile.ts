/** Builds dist/labsock, or single programs, with just the permissions they need. */
import { fromFileUrl, join } from "@std/path";
import { findProgram, type ProgramModule } from "./labsock/registry.ts";
import { type Command, program } from "./program/command.ts";
import { EXIT, Failure, UsageError } from "./program/failure.ts";
import { text, value, valueOr } from "./program/options.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));
// Only tests import these; `deno compile` would embed whatever the configuration names.
const TEST_ONLY = ["@sinonjs/fake-timers", "@std/assert", "fast-check"];

/** The `compile` program. */
export const command = {
  name: "compile",
  summary: "builds the labsock binary, or binaries of single programs",
  usage: ["[PROGRAM...] [options]"],
  words: [0, 100],
  options: {
    target: value("TARGET", "Build for this machine, such as aarch64-unknown-linux-gnu.", text),
    output: valueOr("DIR", "Put the binaries there.", text, join(ROOT, "dist")),
  },
  examples: [
    ["deno task compile", "Build dist/labsock."],
    ["deno task compile http daytimed", "Build these two alone."],
  ],
  permissions: ["--allow-read", "--allow-write", "--allow-run", "--allow-env"],
  rfcs: ["none"],
} satisfies Command;

/** Runs `compile`; returns its exit code. */
export const main = program(command, async ({ options, words }) => {
  const config = await trimmedConfig();
  try {
    for (const name of words.length > 0 ? words : ["labsock"]) {
      const entry = findProgram(name);
      if (name !== "labsock" && !entry) throw new UsageError(`there is no program ${name}`);
      const { command }: Pick<ProgramModule, "command"> = await (entry?.load() ??
        import("./labsock.ts"));
      await compile(config, [
        ...command.permissions,
        ...(options.target ? ["--target", options.target] : []),
        "--output",
        join(options.output, name),
        join(ROOT, entry?.file ?? "tools/labsock.ts"),
      ]);
    }
    return EXIT.ok;
  } finally {
    await Deno.remove(config);
  }
});

async function compile(config: string, args: string[]): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["compile", "--no-prompt", "--no-lock", "--config", config, ...args],
  }).output().then(({ success, stdout, stderr }) => {
    Deno.stderr.writeSync(stdout);
    Deno.stderr.writeSync(stderr);
    return { success };
  });
  if (!success) throw new Failure(EXIT.refused, "deno compile failed");
}

/** The project's configuration without what only tests use; a file beside it, since its paths are relative. */
async function trimmedConfig(): Promise<string> {
  const config = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  for (const name of TEST_ONLY) delete config.imports[name];
  delete config.test;
  const path = await Deno.makeTempFile({ dir: ROOT, prefix: ".compile-", suffix: ".json" });
  await Deno.writeTextFile(path, JSON.stringify(config));
  return path;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
