/** Builds dist/labsock, or single programs, with just the permissions they need. */
import { fromFileUrl, join } from "@std/path";
import { findProgram, PROGRAMS, union } from "./labsock/registry.ts";
import { type Command, program } from "./program/command.ts";
import { EXIT, Failure, UsageError } from "./program/failure.ts";
import { text, value } from "./program/options.ts";
import { writeOut } from "./program/terminal.ts";
import { formatSize } from "./protocol/units.ts";

const ROOT = fromFileUrl(new URL("..", import.meta.url));

/** The packages that only tests import. `deno compile` embeds whatever the configuration names. */
export const TEST_ONLY = ["@sinonjs/fake-timers", "fast-check"];

/** The `compile` program. */
export const command = {
  name: "compile",
  summary: "builds the labsock binary, or binaries of single programs",
  usage: ["[PROGRAM...] [options]"],
  words: [0, 100],
  options: {
    target: value("TARGET", "Build for this machine, such as aarch64-unknown-linux-gnu.", text, {
      shown: "this one",
    }),
    output: value("DIR", "Put the binaries there.", text, { shown: "dist" }),
  },
  examples: [
    ["deno task compile", "Build dist/labsock."],
    ["deno task compile http daytimed", "Build these two alone."],
  ],
  permissions: ["--allow-read", "--allow-write", "--allow-run", "--allow-env"],
  rfcs: [],
} satisfies Command;

/** Runs `compile`; returns its exit code. */
export const main = program(command, async ({ options, words }) => {
  const targets = await Promise.all((words.length > 0 ? words : ["labsock"]).map(target));
  const folder = await Deno.makeTempDir();
  try {
    const config = join(folder, "deno.json");
    await Deno.writeTextFile(config, await trimmedConfig());
    const suffix = (options.target ?? Deno.build.target).includes("windows") ? ".exe" : "";
    for (const { name, file, permissions } of targets) {
      const output = join(options.output ?? join(ROOT, "dist"), name + suffix);
      await compile([
        ...["--config", config, "--output", output, ...permissions],
        ...options.target ? ["--target", options.target] : [],
        join(ROOT, file),
      ]);
      const { size } = await Deno.stat(output);
      await writeOut(`${output}  ${formatSize(size)}  ${permissions.join(" ")}\n`);
    }
    return EXIT.ok;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** A program that can be compiled. */
interface Target {
  name: string;
  file: string;
  permissions: string[];
}

/** What to compile for `name`. Throws UsageError. */
async function target(name: string): Promise<Target> {
  if (name === "labsock") {
    const programs = await Promise.all(PROGRAMS.map(({ load }) => load()));
    const permissions = union(programs.map(({ command }) => command));
    return { name, file: "tools/labsock.ts", permissions };
  }
  const entry = findProgram(name);
  if (!entry) throw new UsageError(`there is no program ${JSON.stringify(name)}`);
  const { command: { permissions } } = await entry.load();
  return { name, file: entry.file, permissions };
}

async function compile(args: string[]): Promise<void> {
  const { success } = await new Deno.Command(Deno.execPath(), {
    // What the lock file names would be embedded too; a question on a terminal is no error message;
    // types are checked by `deno task check`, where a mistake in them is seen before.
    args: ["compile", "--quiet", "--no-check", "--no-lock", "--no-prompt", ...args],
    stdout: "inherit",
    stderr: "inherit",
  }).output();
  if (!success) throw new Failure(EXIT.refused, "deno compile failed");
}

/** The project's configuration without what only tests need, for a folder of its own. */
async function trimmedConfig(): Promise<string> {
  const config = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  for (const name of TEST_ONLY) delete config.imports[name];
  delete config.test;
  config.compilerOptions.types = config.compilerOptions.types.map((path: string) =>
    join(ROOT, path)
  );
  return JSON.stringify(config);
}

if (import.meta.main) Deno.exit(await main(Deno.args));
