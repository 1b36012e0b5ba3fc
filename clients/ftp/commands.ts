/** The commands at the prompt, in one table: help, completion and refusals derive from it. */
import { UsageError } from "../../tools/program/failure.ts";
import { visible } from "../../tools/protocol/text.ts";
import { LOCAL_COMMANDS } from "./commands_local.ts";
import { MIRROR_COMMANDS } from "./commands_mirror.ts";
import { REMOTE_COMMANDS } from "./commands_remote.ts";
import { SESSION_COMMANDS } from "./commands_session.ts";
import { TRANSFER_COMMANDS } from "./commands_transfer.ts";
import type { ShellCommand } from "./shell_command.ts";
import { splitWords, type Word } from "./words.ts";

/** All commands, in the order of help. */
export const COMMANDS: readonly ShellCommand[] = [
  ...SESSION_COMMANDS,
  ...REMOTE_COMMANDS,
  ...TRANSFER_COMMANDS,
  ...MIRROR_COMMANDS,
  ...LOCAL_COMMANDS,
  {
    names: ["help", "?"],
    usage: "[COMMAND]",
    help: "List the commands, or say what one does.",
    words: [0, 1],
    kinds: ["command"],
    run: async ({ console }, [word]) => {
      if (!word) return await console.write(helpText(COMMANDS.map(formAndHelp), console.columns));
      const command = findCommand(word.text);
      const options = Object.entries(command.options ?? {}).map(([name, { short, value, help }]) =>
        [`  ${short ? `-${short}, ` : ""}--${name} ${value ?? ""}`.trimEnd(), help] as const
      );
      await console.write(helpText([formAndHelp(command), ...options], console.columns));
    },
  },
];

/** The command called `name`, or the only one that begins so. Throws UsageError. */
export function findCommand(name: string): ShellCommand {
  const wanted = name.toLowerCase();
  const exact = COMMANDS.find(({ names }) => names.includes(wanted));
  if (exact) return exact;
  const found = COMMANDS.flatMap((command) => {
    const known = command.names.find((name) => name.startsWith(wanted));
    return known ? [{ command, known }] : [];
  });
  const [only] = found;
  if (only && found.length === 1) return only.command;
  if (found.length === 0) throw new UsageError(`${visible(name)}: no such command (see help)`);
  const names = found.map(({ known }) => known).sort().join(", ");
  throw new UsageError(`${visible(name)}: which one: ${names}?`);
}

/** What a line says: a command, and its arguments. Throws UsageError. */
export function parseLine(line: string): { command: ShellCommand; words: Word[] } {
  const [, name = "", rest = ""] = /^\s*(!|\S*)\s*(.*?)\s*$/s.exec(line) ?? [];
  const command = findCommand(name);
  if (command.raw) {
    return { command, words: rest === "" ? [] : [{ text: rest, pattern: rest, start: 0 }] };
  }
  const { words, open } = splitWords(rest);
  if (open !== "") throw new UsageError(`the quote ${open} is not closed`);
  const [least, most] = command.words;
  if (words.length < least || words.length > most) {
    throw new UsageError(`usage: ${`${command.names[0]} ${command.usage}`.trim()}`);
  }
  return { command, words };
}

function formAndHelp({ names, usage, help }: ShellCommand): readonly [string, string] {
  return [`${names.join(", ")} ${usage}`.trim(), help];
}

/** Forms and what they do, `columns` wide at most if that can be. */
function helpText(rows: (readonly [form: string, help: string])[], columns: number): string {
  const left = Math.max(...rows.map(([form]) => form.length)) + 2;
  return rows.map(([form, help]) =>
    left + help.length <= columns ? `${form.padEnd(left)}${help}\n` : `${form}\n    ${help}\n`
  ).join("");
}
