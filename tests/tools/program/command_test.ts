import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import {
  type Command,
  helpText,
  type Invocation,
  program,
} from "../../../tools/program/command.ts";
import { flag, list, type Options, text, value, valueOr } from "../../../tools/program/options.ts";
import { VERSION } from "../../../tools/program/version.ts";
import { processTest } from "../../support/permissions.ts";
import { type Ended, run } from "../../support/process.ts";
import { command as toy } from "../../support/toy.ts";

const COMMAND = {
  name: "fetch",
  summary: "fetches things",
  usage: ["HOST FILE [options]", "--all HOST"],
  words: [1, 2],
  options: {
    all: flag("Fetch all there is."),
    output: value("FILE", "Write to this file.", text, { short: "o" }),
    pace: valueOr("PACE", "How fast.", text, "slow"),
    "exclude-pattern": list("TEXT", "Said beside it.", text),
    "exclude-patterns": list("TEXT", "Said below, as its name is long.", text),
    header: list(
      "LINE",
      "Send this line too; it is one that needs so many words that it has to be wrapped, " +
        "and then again, and again at that.",
      text,
      { short: "H", shown: "none, which is what most people want" },
    ),
  },
  examples: [["fetch www index", "Fetch the index."], ["fetch --all www", "Fetch all."]],
  permissions: ["--allow-net", "--allow-read"],
  rfcs: [
    "RFC 1 (Host Software)",
    "RFC 2 (Host Software), RFC 3 (Documentation Conventions), RFC 4 (Network Timetable)",
  ],
} satisfies Command;

Deno.test("helpText() is laid out like this", () => {
  assertEquals(
    helpText(COMMAND),
    `fetch: fetches things

Usage:
  fetch HOST FILE [options]
  fetch --all HOST

Options:
      --all                   Fetch all there is.
  -o, --output FILE           Write to this file.
      --pace PACE             How fast. [default: slow]
      --exclude-pattern TEXT  Said beside it.
      --exclude-patterns TEXT
                              Said below, as its name is long.
  -H, --header LINE           Send this line too; it is one that needs so many
                              words that it has to be wrapped, and then again,
                              and again at that. [default: none, which is what
                              most people want]
  -h, --help                  Show this help.
      --version               Show the version.

Examples:
  fetch www index
      Fetch the index.
  fetch --all www
      Fetch all.

Permissions (deno run):
  --allow-net --allow-read

Follows:
  RFC 1 (Host Software)
  RFC 2 (Host Software), RFC 3 (Documentation Conventions), RFC 4 (Network
  Timetable)
`,
  );
});

Deno.test("helpText(): a program that takes nothing and follows nothing says no more than that", () => {
  const help = helpText({ ...COMMAND, usage: [], rfcs: [] });
  assertStringIncludes(help, "\n\nUsage:\n  fetch\n\nOptions:\n");
  assertMatch(help, /\n\nPermissions \(deno run\):\n.*\n$/);
});

Deno.test("helpText(): short names leave more room for what they do", () => {
  const help = helpText({ ...COMMAND, options: { all: flag("All.") } });
  assertMatch(help, /^ {6}--all {6}All\.\n {2}-h, --help {5}Show this help\.$/m);
});

const name = fc.stringMatching(/^[a-z][a-z-]{0,40}$/);
const help = fc.array(fc.stringMatching(/^[!-~]{1,30}$/), { minLength: 1, maxLength: 40 });

Deno.test("helpText(): no text of an option is lost or goes beyond the 80th column", () => {
  const table = fc.array(fc.tuple(name, help), { minLength: 1, maxLength: 5 });
  fc.assert(fc.property(table, (rows) => {
    const options = Object.fromEntries(rows.map(([name, words]) => [name, flag(words.join(" "))]));
    const [, shown = ""] = /^Options:\n(.*?)\n\n/ms.exec(helpText({ ...COMMAND, options })) ?? [];
    for (const line of shown.split("\n")) assert(line.length <= 80, line);
    const words = (text: string): string => text.replace(/\s+/g, " ");
    for (const [name, { help }] of Object.entries(options)) {
      if (name === "help" || name === "version") continue; // Every program's own.
      assert(words(shown).includes(`--${name} ${help}`), shown);
    }
  }));
});

/** What the body of a program is given by a command line; its exit code is 7. */
async function given(
  args: string[],
  calledAs?: string,
): Promise<Invocation<Options> & { code: number }> {
  const got: Invocation<Options>[] = [];
  const main = program(COMMAND as Command, (invocation) => {
    got.push(invocation);
    return Promise.resolve(7);
  });
  const code = await main(args, calledAs);
  const [first] = got;
  assert(first && got.length === 1);
  return { ...first, code };
}

Deno.test("program() hands the command line to the body, whose exit code is the program's", async () => {
  const { options, words, calledAs, code } = await given(["a", "-ofile", "--all"]);
  assertEquals({ options: options.output, words, calledAs, code }, {
    options: "file",
    words: ["a"],
    calledAs: "fetch",
    code: 7,
  });
  assertEquals((await given(["a"], "getall")).calledAs, "getall");
});

Deno.test("program(): what only looks like --help or --version is none", async () => {
  assertEquals((await given([""])).words, [""]);
  assertEquals((await given(["--", "--help"])).words, ["--help"]);
  assertEquals((await given(["--", "--version", "-h"])).words, ["--version", "-h"]);
  assertEquals((await given(["a", "-oh"])).options.output, "h");
});

function runToy(...args: string[]): Promise<Ended> {
  return run("tests/support/toy.ts", args, { permissions: toy.permissions });
}

processTest("a program shows its help and its version, and does nothing else", async () => {
  const help = { code: 0, stdout: helpText(toy), stderr: "" };
  for (
    const line of [
      "--help",
      "-h",
      "refuse --help",
      "--help --version",
      "--nonsense --help", // Whoever errs and asks is told.
      "--nonsense -h",
      "--pace --help",
      "a b c -h",
      "-hpfast",
    ]
  ) assertEquals(await runToy(...line.split(" ")), help, line);

  const version = { code: 0, stdout: `toy (labsock) ${VERSION}\n`, stderr: "" };
  for (const line of ["--version", "refuse --version", "--nonsense --version"]) {
    assertEquals(await runToy(...line.split(" ")), version, line);
  }
});

processTest("a program that fails says why in one line, and its exit code says how", async () => {
  const rows: [line: string, code: number, stderr: string][] = [
    ["--nonsense", 2, "toy: unknown option --nonsense (see --help)\n"],
    ["--pase fast", 2, "toy: unknown option --pase; is it --pace? (see --help)\n"],
    ["--", 2, "toy: too few words; usage: toy ACTION [options] (see --help)\n"],
    ["a b", 2, "toy: too many words; usage: toy ACTION [options] (see --help)\n"],
    ["misuse", 2, "toy: it is not used like this\n"],
    ["refuse", 5, "toy: the peer said: try again later\n"],
    // What nobody foresaw: no stack, and nothing from the system's own book.
    ["break", 1, "toy: a bug\\n    with \\x1b[2J in two lines\n"],
    ["open", 1, "toy: no such file or directory\n"],
    ["throw", 1, "toy: a string\n"],
    // Whoever read has gone: there is nothing to say.
    ["closed", 0, ""],
  ];
  for (const [line, code, stderr] of rows) {
    assertEquals(await runToy(...line.split(" ")), { code, stdout: "", stderr }, line);
  }
});
