/** A guided run: starts every server on a free loopback port, and runs each client against it. */
import { type Command, program } from "./program/command.ts";
import { EXIT } from "./program/failure.ts";
import { writeOut } from "./program/terminal.ts";
import { play, type Stage } from "./tour/chapter.ts";
import { CHAPTERS } from "./tour/chapters.ts";

const STAGE: Stage = {
  write: (text) => writeOut(Deno.stdout.isTerminal() ? inBold(text) : text),
  patience: 30_000,
};

/** `text` with its headings and commands in bold, for a terminal. */
function inBold(text: string): string {
  return text.replace(/^(== |\$ ).*/gm, "\x1b[1m$&\x1b[0m");
}

/** The `tour` program. */
export const command = {
  name: "tour",
  summary: "starts every server, runs every client against it, and shows what happens",
  usage: [],
  words: [0, 0],
  options: {},
  examples: [["deno task tour", "Takes some seconds, and needs nothing but Deno."]],
  permissions: ["-A"],
  rfcs: [],
} satisfies Command;

/** Runs `tour`; returns its exit code. */
export const main = program(command, async () => {
  await writeOut(
    "The servers run on free ports of this machine, and the clients talk to them.\n" +
      "Every command can be tried by hand, here in the project's folder; --help says more.\n",
  );
  const wrong: string[] = [];
  for (const chapter of CHAPTERS) wrong.push(...await play(chapter, STAGE));
  const steps = CHAPTERS.reduce((sum, chapter) => sum + chapter.steps.length, 0);
  await writeOut(`\n== ${CHAPTERS.length} chapters, ${steps} steps: `);
  await writeOut(wrong.length === 0 ? "all went well ==\n" : "this went wrong ==\n");
  for (const line of wrong) await writeOut(`  ${line}\n`);
  return wrong.length === 0 ? EXIT.ok : EXIT.refused;
});

if (import.meta.main) Deno.exit(await main(Deno.args));
