/** The commands at a prompt, in one table: help, completion and refusals derive from it. */
import { visible } from "../protocol/text.ts";
import type { Console } from "./console.ts";
import { UsageError } from "./failure.ts";
import type { Options } from "./options.ts";
import { splitWords, type Word } from "./words.ts";

/** What a word of a command is, for completion. */
export type Kind = "remote" | "local" | "command";

/** A command of the dialogue `S`. */
export interface PromptCommand<S> {
  /** The first is the one in messages. */
  names: [string, ...string[]];
  /** Its arguments, as help shows them. */
  usage: string;
  help: string;
  /** The least and the most arguments. */
  words: [number, number];
  /** Takes all that follows its name as one word, as it is. */
  raw?: boolean;
  /** Its options, for help. */
  options?: Options;
  /** What its arguments are: one for each, the last for all that follow. */
  kinds?: Kind[];
  /** Whether a password is among its arguments: then the line is not remembered. */
  holdsSecret?(words: Word[]): boolean;
  /** Does it. Throws what the session throws, and Failure. */
  run(shell: S, words: Word[]): void | Promise<void>;
}

/** A command that turns something on or off, or over. */
export function toggle<S extends { note(line: string): void }>(
  name: string,
  help: string,
  get: (shell: S) => boolean,
  set: (shell: S, value: boolean) => void,
): PromptCommand<S> {
  return {
    names: [name],
    usage: "[on|off]",
    help,
    words: [0, 1],
    run: (shell, [word]) => {
      const value = word?.text ?? (get(shell) ? "off" : "on");
      if (value !== "on" && value !== "off") throw new UsageError(`usage: ${name} [on|off]`);
      set(shell, value === "on");
      shell.note(`${name} is ${value}`);
    },
  };
}

/** The commands of a dialogue, in the order of help, which is the last of them. */
export class CommandTable<S extends { console: Pick<Console, "write" | "columns"> }> {
  readonly commands: readonly PromptCommand<S>[];

  constructor(commands: readonly PromptCommand<S>[]) {
    this.commands = [...commands, {
      names: ["help", "?"],
      usage: "[COMMAND]",
      help: "List the commands, or say what one does.",
      words: [0, 1],
      kinds: ["command"],
      run: async ({ console }, [word]) => {
        const rows = word ? formsOf(this.find(word.text)) : this.commands.map(formAndHelp);
        await console.write(helpText(rows, console.columns));
      },
    }];
  }

  /** The command called `name`, or the only one that begins so. Throws UsageError. */
  find(name: string): PromptCommand<S> {
    const wanted = name.toLowerCase();
    const exact = this.commands.find(({ names }) => names.includes(wanted));
    if (exact) return exact;
    const found = this.commands.flatMap((command) => {
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
  parse(line: string): { command: PromptCommand<S>; words: Word[] } {
    const [, name = "", rest = ""] = /^\s*(!|\S*)\s*(.*?)\s*$/s.exec(line) ?? [];
    const command = this.find(name);
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
}

type Described = Pick<PromptCommand<never>, "names" | "usage" | "help" | "options">;
type Row = readonly [form: string, help: string];

function formAndHelp({ names, usage, help }: Described): Row {
  return [`${names.join(", ")} ${usage}`.trim(), help];
}

/** A command and its options. */
function formsOf(command: Described): Row[] {
  const options = Object.entries(command.options ?? {}).map(([name, { short, value, help }]) =>
    [`  ${short ? `-${short}, ` : ""}--${name} ${value ?? ""}`.trimEnd(), help] as const
  );
  return [formAndHelp(command), ...options];
}

/** Forms and what they do, `columns` wide at most if that can be. */
function helpText(rows: readonly Row[], columns: number): string {
  const left = Math.max(...rows.map(([form]) => form.length)) + 2;
  return rows.map(([form, help]) =>
    left + help.length <= columns ? `${form.padEnd(left)}${help}\n` : `${form}\n    ${help}\n`
  ).join("");
}
