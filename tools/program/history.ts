/** The commands of earlier sessions, in a file that only its owner reads. */
import { dirname, isAbsolute, join } from "@std/path";
import { UNSAFE } from "../protocol/text.ts";

/** So many commands are remembered: as many as bash keeps. */
export const MOST_LINES = 500;

/** Commands, the oldest first. Without a file, or one that cannot be used, they are forgotten at the end. */
export class History {
  readonly lines: string[];
  readonly #path: string | undefined;

  private constructor(lines: string[], path: string | undefined) {
    this.lines = lines;
    this.#path = path;
  }

  /** Reads the file; `path` is undefined where there is no home for it. */
  static open(path: string | undefined): History {
    if (path === undefined) return new History([], undefined);
    try {
      Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      const all = readLines(path);
      const lines = all.slice(-MOST_LINES);
      if (all.length > 2 * MOST_LINES) write(path, lines, { append: false });
      return new History(lines, path);
    } catch {
      return new History([], undefined);
    }
  }

  /** Remembers a command, but not twice in a row. */
  add(line: string): void {
    if (line.trim() === "" || line === this.lines.at(-1) || line.match(UNSAFE)) return;
    this.lines.push(line);
    if (this.#path === undefined) return;
    try {
      // Line by line, so that sessions that run together do not lose each other's.
      write(this.#path, [line], { append: true });
    } catch {
      // The disk is full, or gone: the session is worth more than its history.
    }
  }
}

function readLines(path: string): string[] {
  try {
    return Deno.readTextFileSync(path).split("\n").filter((line) => line !== "");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function write(path: string, lines: readonly string[], { append }: { append: boolean }): void {
  Deno.writeTextFileSync(path, lines.map((line) => `${line}\n`).join(""), { append, mode: 0o600 });
}

/** Where the history of `program` is, by the XDG Base Directory Specification; undefined when there is no home. */
export function historyPath(program: string): string | undefined {
  const home = Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE");
  const state = Deno.env.get("XDG_STATE_HOME");
  const folder = state && isAbsolute(state) ? state : home && join(home, ".local", "state");
  return folder && join(folder, "labsock", `${program}_history`);
}
