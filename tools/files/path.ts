/** Real paths below a real folder. @std/path could do it too, for 7 MB of memory. */
import { FileError } from "./errors.ts";

const SEPARATOR = Deno.build.os === "windows" ? "\\" : "/";

/** What stands as `path`, a way down with `/` between its names, below `folder`; for an empty one, the beginning of all there. Throws FileError. */
export function below(folder: string, path: string): string {
  // Windows takes a backslash for a slash, and `..\..` would lead out.
  if (SEPARATOR === "\\" && path.includes(SEPARATOR)) throw new FileError("bad name");
  return folder.endsWith(SEPARATOR) ? folder + path : folder + SEPARATOR + path;
}

/** The folder of the real path `path`, and its name there. */
export function splitReal(path: string): { folder: string; name: string } {
  const end = path.lastIndexOf(SEPARATOR);
  return { folder: path.slice(0, end) || SEPARATOR, name: path.slice(end + 1) };
}
