/** What is left of uploads when a server is killed. Nobody is shown it, so nobody could remove it. */
import { checkFolder } from "../program/files.ts";
import { fileFailure } from "../program/failure.ts";
import { below } from "./path.ts";
import { UNFINISHED, Upload } from "./upload.ts";

/**
 * Makes ready for uploads to `folder`: what is left over there and below is
 * removed in the background, and `notice` hears when no file can be made in the
 * folder itself. That is no failure, since in a folder below it may be possible.
 * Throws Failure.
 */
export async function prepareUploads(
  folder: string,
  notice: (message: string) => void,
): Promise<void> {
  await checkFolder(folder);
  try {
    await Upload.begin(folder, "", true).abort();
  } catch (error) {
    notice(fileFailure(`nothing can be stored in ${folder} itself`, error).message);
  }
  void removeLeftovers(folder, true);
}

/** Removes what is left over in the real folder `folder`, and in all below it if `deep`. What cannot be had stays. */
export async function removeLeftovers(folder: string, deep: boolean): Promise<void> {
  try {
    for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
      const path = below(folder, name);
      if (isDirectory && deep) await removeLeftovers(path, deep);
      if (isFile && name.startsWith(UNFINISHED)) removeLeftover(path);
    }
  } catch {
    // It is not for us to look into.
  }
}

function removeLeftover(path: string): void {
  try {
    using file = Deno.openSync(path, { read: true, write: true });
    // Whoever receives an upload holds a lock on it, which ends with the process at the latest.
    if (file.tryLockSync(true)) Deno.removeSync(path);
  } catch {
    // It is another user's, or was gone before, or the disk knows no locks.
  }
}
