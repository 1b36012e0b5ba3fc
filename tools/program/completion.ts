/** Completion at the prompt: of commands, and of names on both sides. */
import type { Completions } from "./console.ts";
import { type Name, sorted } from "./names.ts";
import type { CommandTable, Kind, PromptCommand } from "./prompt.ts";
import { quoteWord, splitWords } from "./words.ts";

/** What is in the folders of both sides; the empty path is the current one. */
export type Names = Record<"remote" | "local", (folder: string) => Promise<Name[]>>;

// More are no help on a screen; then only what they have in common is completed.
const MOST_SHOWN = 100;

type Commands = Pick<CommandTable<never>, "find"> & { commands: readonly Completed[] };
type Completed = Pick<PromptCommand<never>, "names" | "kinds">;

/** What could stand at the end of `line`, by the commands there are. Throws what `names` throws. */
export async function completions(
  line: string,
  table: Commands,
  names: Names,
): Promise<Completions> {
  const { words, open } = splitWords(line);
  const isNew = open === "" && /(?:^|[^\\])\s$|^$/.test(line);
  const current = isNew ? undefined : words.pop();
  const { text, start } = current ?? { text: "", start: line.length };
  const kind = kindOf(words.map(({ text }) => text), table);
  if (kind === undefined) return { start, words: [] };
  const quote = /^["']?/.exec(line.slice(start))?.[0];
  const found = kind === "command" ? commandNames(text, table) : await paths(text, names[kind]);
  const isOnly = found.length === 1;
  return { start, words: few(sorted(found).map((name) => typed(name, quote, isOnly))) };
}

/** What the word after `words` is; undefined where nothing is known about it. */
function kindOf([name, ...others]: string[], table: Commands): Kind | undefined {
  if (name === undefined) return "command";
  try {
    const { kinds = [] } = table.find(name);
    return kinds[Math.min(others.filter((word) => !word.startsWith("-")).length, kinds.length - 1)];
  } catch {
    return undefined;
  }
}

function commandNames(start: string, { commands }: Commands): Name[] {
  return commands.flatMap(({ names }) => names)
    .filter((name) => name.startsWith(start.toLowerCase()) && /\w/.test(name))
    .map((name) => ({ name, isFolder: false }));
}

async function paths(text: string, list: Names["remote"]): Promise<Name[]> {
  const at = text.lastIndexOf("/") + 1;
  const [folder, start] = [text.slice(0, at), text.slice(at)];
  return (await list(folder))
    // What cannot be typed is not offered, and what is hidden only to who asks for it.
    .filter(({ name }) => name.startsWith(start) && !/[/\p{Cc}]/u.test(name))
    .filter(({ name }) => start.startsWith(".") || !name.startsWith("."))
    .map(({ name, isFolder }) => ({ name: folder + name, isFolder }));
}

/** A name as it goes into the line: a folder can be gone into, and after the only file there is a blank. */
function typed({ name, isFolder }: Name, quote: string | undefined, isOnly: boolean): string {
  const word = quoteWord(name, quote);
  if (!isFolder) return isOnly ? `${word} ` : word;
  return quote ? `${word.slice(0, -1)}/` : `${word}/`;
}

/** `words`, or what they all begin with when they are too many. */
function few(words: string[]): string[] {
  if (words.length <= MOST_SHOWN) return words;
  const [first = "", last = ""] = [words.toSorted()[0], words.toSorted().at(-1)];
  let common = 0;
  while (common < first.length && first.charAt(common) === last.charAt(common)) common++;
  return [first.slice(0, common)];
}
