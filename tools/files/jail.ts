/**
 * A served folder, out of which no path leads. Deno follows symlinks wherever
 * they lead, so every path is resolved first, checked, opened as resolved, and
 * checked again: a link put in place between the two is found out. Most of it is
 * synchronous: each step would cost ten times as much by way of a thread.
 */
import { closeQuietly } from "../program/close.ts";
import { splitPath } from "../protocol/served_path.ts";
import { FileError, fileError } from "./errors.ts";
import { removeLeftovers, UNFINISHED } from "./leftovers.ts";
import { below, splitReal } from "./path.ts";
import { Upload } from "./upload.ts";

/** A file opened for reading. */
export interface ServedFile extends Disposable {
  file: Deno.FsFile;
  info: Deno.FileInfo;
}

/** One entry of a folder. */
export interface ServedEntry {
  name: string;
  info: Deno.FileInfo;
}

/** The one door to the files below a folder. All paths are as `resolvePath` makes them. Methods throw FileError. */
export class Jail {
  /** The real path of the folder, which peers never see. */
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  /** Serves `folder`, which may be a symlink itself. Throws FileError. */
  static async open(folder: string): Promise<Jail> {
    return await guarded(async () => {
      const root = await Deno.realPath(folder);
      if (!(await Deno.stat(root)).isDirectory) throw new FileError("not a folder");
      return new Jail(root);
    });
  }

  /** What `path` is, its links followed. */
  async stat(path: string): Promise<Deno.FileInfo> {
    return await guarded(() => Deno.lstatSync(this.#inside(path)));
  }

  /** Opens the regular file `path` for reading. */
  async open(path: string): Promise<ServedFile> {
    return await guarded(() => {
      const real = this.#inside(path);
      const file = this.#openChecked(real, { read: true });
      return { ...file, [Symbol.dispose]: () => closeQuietly(file.file) };
    });
  }

  /**
   * Opens `path` for writing in place, for what continues a file: `offset` is
   * where, "end" at its end. It is made when it is not there and `create` says
   * so. What stands behind the offset stays until the caller cuts it off.
   */
  async openToContinue(
    path: string,
    offset: number | "end",
    create: boolean,
  ): Promise<Deno.FsFile> {
    return await guarded(async () => {
      const { folder, name } = this.#place(path);
      let real = below(folder, name);
      const there = await exists(real);
      if (there?.isSymlink) real = this.#inside(path);
      if (!there && !create) throw new FileError("not found");
      // Before it is made: a refusal leaves no empty file.
      if (!there && offset !== "end" && offset > 0) throw new FileError("bad name");
      // Of two who append at once neither writes over what the other has written.
      const options = { write: true, append: offset === "end" };
      const { file, info } = there
        ? this.#openChecked(real, options)
        : { file: await Deno.open(real, { ...options, createNew: true }), info: { size: 0 } };
      try {
        const at = offset === "end" ? info.size : offset;
        if (at > info.size) throw new FileError("bad name");
        await file.seek(at, Deno.SeekMode.Start);
        return file;
      } catch (error) {
        file.close();
        throw error;
      }
    });
  }

  /** Begins an upload that takes the name `path`, or the place of the file that a link there leads to, once it is whole. */
  async upload(path: string, overwrite: boolean): Promise<Upload> {
    return await guarded(async () => {
      let { folder, name } = this.#place(path);
      let there = await exists(below(folder, name));
      if (there && !overwrite) throw new FileError("exists");
      if (there?.isSymlink) {
        const real = this.#inside(path);
        there = Deno.lstatSync(real);
        ({ folder, name } = splitReal(real));
      }
      if (there && !there.isFile) {
        throw new FileError(there.isDirectory ? "not a file" : "denied");
      }
      // What was private stays private, and what others may write stays so as well.
      return Upload.begin(folder, name, overwrite, there?.mode ?? undefined);
    });
  }

  /** The entries of the folder `path`, one after the other. Links that lead out, or nowhere, and unfinished uploads are left out. */
  async *list(path: string): AsyncGenerator<ServedEntry> {
    try {
      const real = this.#inside(path);
      for await (const { name, isSymlink } of Deno.readDir(real)) {
        if (name.startsWith(UNFINISHED)) continue;
        const there = below(real, name);
        const info = isSymlink ? this.#lookBehind(there) : lookAt(there);
        if (info) yield { name, info };
      }
    } catch (error) {
      throw fileError(error);
    }
  }

  /** Makes the folder `path`. */
  async mkdir(path: string): Promise<void> {
    await guarded(async () => {
      const { folder, name } = this.#place(path);
      await Deno.mkdir(below(folder, name));
    });
  }

  /** Removes the file `path`, or a link to one. */
  async remove(path: string): Promise<void> {
    await guarded(async () => {
      const { folder, name } = this.#place(path);
      const real = below(folder, name);
      if ((await Deno.lstat(real)).isDirectory) throw new FileError("not a file");
      await Deno.remove(real);
    });
  }

  /** Removes the empty folder `path`. */
  async rmdir(path: string): Promise<void> {
    await guarded(async () => {
      const { folder, name } = this.#place(path);
      const real = below(folder, name);
      if (!(await Deno.lstat(real)).isDirectory) throw new FileError("not a folder");
      await Deno.remove(real).catch(async (error) => {
        if (fileError(error).kind !== "not empty") throw error;
        await removeLeftovers(real);
        await Deno.remove(real);
      });
    });
  }

  /** Gives `from` the name `to`, in place of a file there. */
  async rename(from: string, to: string): Promise<void> {
    await guarded(() => {
      const [old, fresh] = [this.#place(from), this.#place(to)];
      const [before, after] = [below(old.folder, old.name), below(fresh.folder, fresh.name)];
      // Synchronous: no upload ends before it knows where it is.
      Deno.renameSync(before, after);
      Upload.moved(before, after);
    });
  }

  /** Sets the permissions of `path`; only the nine bits of owner, group and others. */
  async chmod(path: string, mode: number): Promise<void> {
    await guarded(async () => await Deno.chmod(this.#inside(path), mode & 0o777));
  }

  /** Sets the time of last change of `path`. */
  async setModified(path: string, time: Date): Promise<void> {
    await guarded(async () => await Deno.utime(this.#inside(path), new Date(), time));
  }

  /** The real path of what exists as `path`. */
  #inside(path: string): string {
    const real = Deno.realPathSync(below(this.#root, path.slice(1)));
    if (!this.#holds(real)) throw new FileError("denied");
    return real;
  }

  /** What the link `real` leads to; undefined when that is out, or nowhere. */
  #lookBehind(real: string): Deno.FileInfo | undefined {
    try {
      const target = Deno.realPathSync(real);
      return this.#holds(target) ? Deno.lstatSync(target) : undefined;
    } catch {
      return undefined;
    }
  }

  /** The real folder for what may come to exist as `path`, and its name there. */
  #place(path: string): { folder: string; name: string } {
    const { folder, name } = splitPath(path);
    if (name === "") throw new FileError("denied");
    // What has such a name is listed to nobody.
    if (name.startsWith(UNFINISHED)) throw new FileError("bad name");
    return { folder: this.#inside(folder), name };
  }

  #openChecked(
    real: string,
    options: Deno.OpenOptions,
  ): { file: Deno.FsFile; info: Deno.FileInfo } {
    // A FIFO would hold the opening up for ever, so look before.
    const before = Deno.lstatSync(real);
    if (!before.isFile) throw new FileError(before.isSymlink ? "denied" : "not a file");
    const file = Deno.openSync(real, options);
    try {
      const info = file.statSync();
      const same = info.ino === before.ino && info.dev === before.dev;
      if (!same || Deno.realPathSync(real) !== real) throw new FileError("denied");
      return { file, info };
    } catch (error) {
      file.close();
      throw error;
    }
  }

  #holds(real: string): boolean {
    return real === this.#root || real.startsWith(below(this.#root, ""));
  }
}

/** Synchronous: a thread for each of 100,000 entries costs ten times as much as what it does. Undefined: it is gone by now. */
function lookAt(real: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(real);
  } catch {
    return undefined;
  }
}

async function exists(real: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(real);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function guarded<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileError(error);
  }
}
