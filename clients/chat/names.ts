/** The names in a room, as far as its lines tell, for completion and colours. */
import { CHAT_COMMANDS } from "../../tools/protocol/chat.ts";

const TALK = /^<([^\s<>]+)(?: to you)?> /;
const ACTION = /^\* <([^\s<>]+)> /;
const RENAME = /^\* (\S+) is now (\S+)$/;
const COMING = /^\* (\S+) joined$/;
const GOING = /^\* (\S+) left\b/;
// The answer to /who.
const HERE = /^\* (?:\d+ here:|and) (.+)$/;

// Names are for completion alone: a server that invents more gets nothing for it.
const MOST_NAMES = 1000;

/** Listens to a room. */
export class Names {
  readonly #names = new Set<string>();

  /** Takes note of a line of the server's. */
  hear(line: string): void {
    const [, left] = GOING.exec(line) ?? [];
    const [, old, fresh] = RENAME.exec(line) ?? [];
    for (const gone of [left, old]) if (gone) this.#names.delete(gone);
    const [, name = fresh] = TALK.exec(line) ?? ACTION.exec(line) ?? COMING.exec(line) ?? [];
    const [, list = name] = HERE.exec(line) ?? [];
    for (const here of list?.split(", ") ?? []) {
      if (this.#names.size < MOST_NAMES) this.#names.add(here);
    }
  }

  /** What `line`, up to the cursor, may go on to be: commands, and names after `/msg`. */
  complete(line: string): string[] {
    const [, begun] = /^\/msg\s+(\S*)$/i.exec(line) ?? [];
    const all = begun === undefined
      ? CHAT_COMMANDS.map(({ name, words }) => `/${name}${words.length > 0 ? " " : ""}`)
      : [...this.#names].sort().map((name) => `/msg ${name} `);
    const wanted = begun === undefined ? line : `/msg ${begun}`;
    return line.startsWith("/")
      ? all.filter((form) => form.toLowerCase().startsWith(wanted.toLowerCase()))
      : [];
  }
}

// The colours of a terminal that are readable on black and on white.
const COLOURS = [31, 32, 33, 34, 35, 36];

/** A line of the server's with the name in it in a colour of its own, and notices dim. */
export function coloured(line: string): string {
  const [head, name] = TALK.exec(line) ?? ACTION.exec(line) ?? [];
  if (head === undefined || name === undefined) {
    return line.startsWith("* ") ? `\x1b[2m${line}\x1b[0m` : line;
  }
  const sum = [...name].reduce((sum, char) => sum * 31 + (char.codePointAt(0) ?? 0) | 0, 7);
  const colour = COLOURS[(sum >>> 0) % COLOURS.length];
  return `\x1b[${colour}m${head.trimEnd()}\x1b[0m${line.slice(head.length - 1)}`;
}
