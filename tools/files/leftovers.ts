/** What is left of uploads when a server is killed. Nobody is shown it, so nobody could remove it. */
import { below } from "./path.ts";

/** The beginning of the names of unfinished uploads. */
export const UNFINISHED = ".upload-";

/** Removes what is left over in the real folder `folder`. What cannot be had stays. */
export async function removeLeftovers(folder: string): Promise<void> {
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (isFile && name.startsWith(UNFINISHED)) removeLeftover(below(folder, name));
    }
  } catch {
    // It is not for us to look into.
  }
}

/** Removes the unfinished upload `path` if nobody receives it any more. */
export function removeLeftover(path: string): void {
  try {
    using file = Deno.openSync(path, { read: true, write: true });
    // Whoever receives an upload holds a lock on it, which ends with the process at the latest.
    if (!file.tryLockSync(true)) return;
    // It may have got its name, and this one a new file, while it was opened.
    if (Deno.lstatSync(path).ino === file.statSync().ino) Deno.removeSync(path);
  } catch {
    // It is another user's, or was gone before, or the disk knows no locks.
  }
}
