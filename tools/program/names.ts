/** The names in a folder. */

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
