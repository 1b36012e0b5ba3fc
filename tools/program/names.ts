/** The names in folders, and patterns for them. */
import { globMatcher, isGlob } from "../protocol/glob.ts";

/** A file or folder. */
export interface Name {
  name: string;
  isFolder: boolean;
}

/** What is in a local folder. */
export async function localNames(folder: string): Promise<Name[]> {
  const names: Name[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    names.push({ name, isFolder: isDirectory });
  }
  return names;
}

/** By name, as people count and spell: the case of letters counts last. */
export function sorted<T extends { name: string }>(entries: readonly T[]): T[] {
  const { compare } = new Intl.Collator("en", { numeric: true });
  return [...entries].sort((a, b) => compare(a.name, b.name));
}

/** A file or a folder that a pattern stands for. */
export interface Match {
  path: string;
  /** Known to be a folder. */
  isFolder: boolean;
}

/** Tells what is in a folder; the empty path is the current one. */
export type Lister = (folder: string) => Promise<Name[]>;

/** What `pattern` stands for, sorted; itself when it is no pattern. Folders on the way may be patterns too. */
export async function expandGlob(pattern: string, list: Lister): Promise<Match[]> {
  const parts = pattern.split("/");
  let found: Match[] = [{ path: "", isFolder: true }];
  for (const [i, part] of parts.entries()) {
    const isLast = i === parts.length - 1;
    const next: Match[] = [];
    for (const { path } of found) {
      for (const { name, isFolder } of await matchesIn(path, part, list)) {
        if (isLast) next.push({ path: path + name, isFolder: isFolder && isGlob(part) });
        else if (isFolder) next.push({ path: `${path}${name}/`, isFolder });
      }
    }
    found = next;
  }
  return found;
}

async function matchesIn(folder: string, part: string, list: Lister): Promise<Name[]> {
  if (!isGlob(part)) return [{ name: part.replace(/\\([^])/g, "$1"), isFolder: true }];
  const matches = globMatcher(part);
  return (await list(folder))
    // A name with a slash, from a server, would be a path of its own.
    .filter(({ name }) => matches(name) && !name.includes("/"))
    .sort((a, b) => a.name < b.name ? -1 : 1);
}
