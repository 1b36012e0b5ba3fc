/** Paths as clients write them: `/` is the served folder. */
// PATH_MAX of Linux: nothing longer can be opened.
const LONGEST_PATH = 4096;

/** What names may not hold: it would end a line, or steer a terminal. A tab does neither. */
export const FORBIDDEN = /(?!\t)\p{Cc}/gu;

/**
 * The path that `path` means when `folder` is the current one, from `/`,
 * without `.`, `..`, doubled and trailing slashes; `..` at the top stays there.
 * Throws RangeError when no file can have that name.
 */
export function resolvePath(path: string, folder = "/"): string {
  if (path.length > LONGEST_PATH) throw new RangeError("the path is too long");
  if (path.search(FORBIDDEN) >= 0) throw new RangeError("a name holds no control characters");
  const parts: string[] = [];
  for (const part of `${path.startsWith("/") ? "" : folder}/${path}`.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}

/** The folder of a path that `resolvePath` made, and its name there; the name of `/` is empty. */
export function splitPath(path: string): { folder: string; name: string } {
  const slash = path.lastIndexOf("/");
  return { folder: path.slice(0, slash) || "/", name: path.slice(slash + 1) };
}
