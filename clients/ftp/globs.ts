/** Names in the folders of both sides, and patterns for them. */
import type { Name } from "../../tools/program/names.ts";
import { globMatcher, isGlob } from "../../tools/protocol/glob.ts";
import type { FtpClient } from "./client.ts";

/** What is in a folder of the server. */
export async function remoteNames(client: FtpClient, folder: string): Promise<Name[]> {
  const entries = await client.list(folder);
  return entries.map(({ name, type }) => ({ name, isFolder: type === "dir" }));
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
