/** What a command at the prompt is. */
import type { Options } from "../../tools/program/options.ts";
import type { Shell } from "./shell.ts";
import type { Word } from "./words.ts";

/** What a word of a command is, for completion. */
export type Kind = "remote" | "local" | "command";

/** A command. */
export interface ShellCommand {
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
  run(shell: Shell, words: Word[]): void | Promise<void>;
}
