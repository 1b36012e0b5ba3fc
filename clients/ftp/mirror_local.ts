/** The local side of a mirror. Synchronous: many small steps cost less so than by a thread each. */
import { join } from "@std/path";
import { fileFailure } from "../../tools/program/failure.ts";
import type { Item } from "./mirror_plan.ts";

/** What is in a folder; links are not followed. Throws Failure. */
export function listLocal(folder: string): Item[] {
  try {
    return [...Deno.readDirSync(folder)].flatMap(({ name }) => {
      const item = itemAt(folder, name);
      return item ? [item] : [];
    });
  } catch (error) {
    throw fileFailure(folder, error);
  }
}

/** Undefined for what has vanished since the folder was read. */
function itemAt(folder: string, name: string): Item | undefined {
  try {
    const { isFile, isDirectory, isSymlink, size, mtime } = Deno.lstatSync(join(folder, name));
    const type = isFile ? "file" : isDirectory ? "dir" : isSymlink ? "link" : "other";
    return { name, type, size, modified: mtime ?? undefined, exact: true };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Whether there is something. Throws Failure. */
export function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw fileFailure(path, error);
  }
}

/** Makes a folder; that it is there already is no error. Throws Failure. */
export function makeLocal(folder: string): void {
  try {
    Deno.mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw fileFailure(folder, error);
  }
}

/** Removes a file, a link itself, or a folder with all that is in it. Throws Failure. */
export function removeLocal(folder: string, { name, type }: Item): void {
  const path = join(folder, name);
  try {
    Deno.removeSync(path, { recursive: type === "dir" });
  } catch (error) {
    throw fileFailure(path, error);
  }
}
