/** Files and folders that a command line names. */
import { EXIT, Failure, fileFailure } from "./failure.ts";

/** Makes sure that `folder` is a folder, and lets us in. Throws Failure. */
export async function checkFolder(folder: string): Promise<void> {
  try {
    const { isDirectory } = await Deno.stat(folder);
    if (!isDirectory) throw new Failure(EXIT.file, `${folder}: not a folder`);
    await Deno.stat(`${folder}/.`);
  } catch (error) {
    throw fileFailure(folder, error);
  }
}

/** What `parse` makes of the text of `file`. Throws Failure, also for the RangeError that `parse` throws. */
export async function readParsed<T>(file: string, parse: (text: string) => T): Promise<T> {
  try {
    return parse(await Deno.readTextFile(file));
  } catch (error) {
    throw error instanceof RangeError
      ? new Failure(EXIT.file, `${file}: ${error.message}`)
      : fileFailure(file, error);
  }
}
