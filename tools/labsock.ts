/** All programs in one: runs any of them by name, or by the name it was called by. */
import { basename, join } from "@std/path";
import { argv0 } from "node:process";
import { type Command, program } from "./program/command.ts";
import { EXIT, Failure, fileFailure, UsageError } from "./program/failure.ts";
import { flag, text, value } from "./program/options.ts";
import { writeOut } from "./program/terminal.ts";
import { findProgram, PROGRAMS } from "./labsock/registry.ts";

/** The `labsock` program. */
export const command = {
  name: "labsock",
  summary: "the classic Internet protocols in one program",
  usage: ["PROGRAM [arguments]", "--list", "--install DIR"],
  words: [0, 1],
  options: {
    list: flag("Show the programs."),
    install: value("DIR", "Make a symlink there for each program (compiled binary only).", text),
  },
  examples: [
    ["labsock http www", "Run the program http."],
    ["labsock --install /usr/local/bin", "From then on http, daytimed... are commands."],
  ],
  // The union of what its programs need: each of them could do with less.
  permissions: [
    "--allow-env",
    "--allow-net",
    "--allow-read",
    "--allow-run",
    "--allow-sys",
    "--allow-write",
  ],
  rfcs: ["those of its programs: labsock PROGRAM --help"],
} satisfies Command;

const own = program(command, async ({ options, words: [name] }) => {
  if (name !== undefined) {
    throw new UsageError(`there is no program ${JSON.stringify(name)} (labsock --list shows them)`);
  }
  if (options.install !== undefined) return await install(options.install);
  if (!options.list) throw new UsageError("name a program (labsock --list shows them)");
  for (const { names, load } of PROGRAMS) {
    const { command: { summary } } = await load();
    // In one line of a terminal: the RFCs stand in each program's help.
    const what = summary.replace(/ \(RFC \d+\)/, "");
    await writeOut(`${names.join(", ").padEnd(14)} ${what}\n`);
  }
  return EXIT.ok;
});

/** Runs `labsock`, which was called by the name `calledAs`; returns the exit code. */
export async function main(args: string[], calledAs = command.name): Promise<number> {
  const linked = findProgram(calledAs);
  if (linked) return (await linked.load()).main(args, calledAs);
  const [name = "", ...rest] = args;
  const named = findProgram(name);
  if (named) return (await named.load()).main(rest, name);
  // What follows a name is not for us to judge, known or not.
  return await own(args.length === 0 || name.startsWith("-") ? args : ["--", name]);
}

/** Links each program's name in `folder` to this binary. Throws Failure. */
async function install(folder: string): Promise<number> {
  if (!Deno.build.standalone) {
    throw new UsageError("--install is for the compiled binary (deno task compile)");
  }
  const binary = Deno.execPath();
  for (const name of PROGRAMS.flatMap(({ names }) => names)) {
    const path = join(folder, name);
    try {
      const there = await Deno.readLink(path).catch(() => undefined);
      if (there === binary) continue;
      await Deno.symlink(binary, path);
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) {
        throw new Failure(EXIT.file, `${path}: is something else; nothing was overwritten`);
      }
      throw fileFailure(path, error);
    }
    await writeOut(`${path}\n`);
  }
  return EXIT.ok;
}

if (import.meta.main) Deno.exit(await main(Deno.args, basename(argv0)));
