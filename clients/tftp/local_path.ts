/** Local paths. @std/path could do it too, and takes longer to load than a small file takes to come. */

const LAST_SEPARATOR = Deno.build.os === "windows" ? /^.*[/\\]/s : /^.*\//s;

/** The folder of `path`, with its separator; empty where it names none. */
export function folderOf(path: string): string {
  return LAST_SEPARATOR.exec(path)?.[0] ?? "";
}

/** The name of `path` in its folder. */
export function nameOf(path: string): string {
  return path.slice(folderOf(path).length);
}
