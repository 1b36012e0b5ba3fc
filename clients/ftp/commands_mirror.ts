/** The command that mirrors folders. */
import { basename } from "@std/path";
import { EXIT, Failure } from "../../tools/program/failure.ts";
import { flag, parseOptions } from "../../tools/program/options.ts";
import type { PromptCommand } from "../../tools/program/prompt.ts";
import { safeName } from "../../tools/protocol/safe_name.ts";
import { visible } from "../../tools/protocol/text.ts";
import { MIRROR_OPTIONS, runMirror } from "./mirror_run.ts";
import type { Shell } from "./shell.ts";

const OPTIONS = {
  ...MIRROR_OPTIONS,
  reverse: flag("From here to the server.", { short: "R" }),
};

/** See `COMMANDS`. */
export const MIRROR_COMMANDS: PromptCommand<Shell>[] = [
  {
    names: ["mirror"],
    usage: "[-R] [SOURCE [TARGET]]",
    help: "Fetch what is newer in a folder; -R: send it.",
    words: [0, Infinity],
    kinds: ["remote", "local"],
    options: OPTIONS,
    run: async (shell, line) => {
      const { options, words } = parseOptions(OPTIONS, line.map(({ text }) => text));
      if (words.length > 2) {
        throw new Failure(
          EXIT.usage,
          "usage: mirror [-R] [--delete] [--dry-run] [--include PATTERN] [--exclude PATTERN] " +
            "[--parallel N] [SOURCE [TARGET]]",
        );
      }
      const [source = ".", target = folderName(source)] = words;
      const [remote, local] = options.reverse ? [target, source] : [source, target];
      // Sessions of its own begin where this one is.
      const here = await shell.client.pwd();
      await runMirror(
        { ...options, up: options.reverse, remote, local: shell.local(local) },
        {
          connect: () => shell.connection.another(here, shell.settings.passive),
          retries: shell.retries,
          rate: shell.rate,
          signal: shell.signal,
          write: (text) => shell.console.write(text),
          say: (line) => shell.console.say(line),
          note: (line) => shell.note(line),
        },
      );
    },
  },
];

/** The name that a folder gets on the other side: what is in the current one goes into the current one. */
function folderName(source: string): string {
  const name = basename(source);
  if (/^\.?$|^\/+$/.test(source)) return ".";
  if (safeName(name, Deno.build.os === "windows")) return name;
  throw new Failure(EXIT.file, `${visible(source)}: name the target too`);
}
