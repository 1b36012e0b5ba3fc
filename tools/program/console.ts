/** Where the commands of a dialogue come from and its answers go: a person at a terminal (`terminal_console.ts`), or a script. */
import type { Secret } from "../protocol/secret.ts";

/** What could stand at the end of `line`: each the whole rest from `start` on. */
export interface Completions {
  start: number;
  words: string[];
}

/** Where the commands come from and the answers go. */
export interface Console {
  /** A person reads and answers. */
  readonly interactive: boolean;
  /** The width of the screen. */
  readonly columns: number;
  /** The next command; null at the end of input. */
  command(prompt: string): Promise<string | null>;
  /** The answer to a question; null when there is none. */
  ask(question: string): Promise<string | null>;
  /** An answer that nobody may see. */
  secret(question: string): Promise<Secret | null>;
  /** Data that was asked for: standard output. */
  write(data: Uint8Array | string): Promise<void>;
  /** A line about what happens: standard error. */
  say(line: string): void;
  /** A part of such a line. */
  mark(text: string): void;
}
