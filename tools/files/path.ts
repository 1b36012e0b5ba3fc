/** Real paths below a real folder. @std/path could do it too, for 7 MB of memory. */
import { FileError } from "./errors.ts";

const SEPARATOR = Deno.build.os === "windows" ? "\\" : "/";

/** What stands as `path`, a way down with `/` between its names, below `folder`; for an empty one, the beginning of all there. Throws FileError. */
export function below(folder: string, path: string): string {
  // Windows takes a backslash for a slash, and `..\..` would lead out.
  if (SEPARATOR === "\\" && path.includes(SEPARATOR)) throw new FileError("bad name");
  return folder.endsWith(SEPARATOR) ? folder + path : folder + SEPARATOR + path;
}
