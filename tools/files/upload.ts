/** A file that is being received: under a hidden name until it is whole. */
import { closeQuietly } from "../program/close.ts";
import { fileFailure } from "../program/failure.ts";
import { checkFolder } from "../program/files.ts";
import { fileError } from "./errors.ts";
import { removeLeftover, UNFINISHED } from "./leftovers.ts";
import { below } from "./path.ts";

/**
 * Sees to it that `folder` can be served, and tells `notice` when nothing can be
 * stored in the folder itself. That is no failure, since in a folder below it
 * may be possible. Throws Failure.
 */
export async function prepareUploads(
  folder: string,
  notice: (message: string) => void,
): Promise<void> {
  await checkFolder(folder);
  try {
    Upload.begin(folder, "", true).abort();
  } catch (error) {
    notice(fileFailure(`nothing can be stored in ${folder} itself`, error).message);
  }
}

/** An upload under way. Ends by `commit`, or by `abort`, after which nothing of it is left. */
export class Upload implements Disposable {
  static readonly #unfinished = new Set<Upload>();
  #folder: string;
  readonly #name: string;
  readonly #overwrite: boolean;
  readonly #hidden: string;
  #over = false;

  static {
    // A program that ends meanwhile, at a second Ctrl-C perhaps, takes the hidden files with it.
    addEventListener("unload", () => {
      for (const upload of Upload.#unfinished) {
        try {
          Deno.removeSync(upload.#temporary);
        } catch {
          // There is nobody left to tell.
        }
      }
    });
  }

  /** What was the real path `from` is `to` now: uploads into that folder, or below it, go there. */
  static moved(from: string, to: string): void {
    for (const upload of Upload.#unfinished) {
      if (below(upload.#folder, "").startsWith(below(from, ""))) {
        upload.#folder = to + upload.#folder.slice(from.length);
      }
    }
  }

  private constructor(
    folder: string,
    name: string,
    overwrite: boolean,
    hidden: string,
    readonly file: Deno.FsFile,
  ) {
    this.#folder = folder;
    this.#name = name;
    this.#overwrite = overwrite;
    this.#hidden = hidden;
    Upload.#unfinished.add(this);
  }

  /** Makes the hidden file in the real folder `folder`, with the nine bits of `mode`, or as any new file. */
  static begin(folder: string, name: string, overwrite: boolean, mode?: number): Upload {
    const bits = mode === undefined ? undefined : mode & 0o777;
    const [hidden, file] = create(folder, name, bits ?? 0o666);
    const path = below(folder, hidden);
    try {
      // The umask is for new files.
      if (bits !== undefined) Deno.chmodSync(path, bits);
    } catch {
      // The disk knows no permissions.
    }
    try {
      // Thus it is told from what a server that was killed has left.
      file.tryLockSync(true);
    } catch {
      // The disk knows no locks: there nothing is ever taken for a leftover.
    }
    return new Upload(folder, name, overwrite, hidden, file);
  }

  get #temporary(): string {
    return below(this.#folder, this.#hidden);
  }

  /** Gives the whole file its name. Throws FileError, also when another file has taken the name meanwhile; nothing is left then. */
  commit(): void {
    if (this.#over) return;
    try {
      const target = below(this.#folder, this.#name);
      // Synchronous: whoever aborts, or ends the program, finds this done or not begun.
      if (this.#overwrite) Deno.renameSync(this.#temporary, target);
      else moveToNew(this.#temporary, target);
      this.#over = true;
      Upload.#unfinished.delete(this);
      closeQuietly(this.file); // Only now: its lock ends with this.
    } catch (error) {
      this.abort();
      throw fileError(error);
    }
  }

  /** Takes everything back. */
  abort(): void {
    if (this.#over) return;
    this.#over = true;
    Upload.#unfinished.delete(this);
    try {
      Deno.removeSync(this.#temporary);
    } catch {
      // Somebody else has removed it, or its folder.
    }
    closeQuietly(this.file); // Only now: after its lock another upload may have this hidden name.
  }

  [Symbol.dispose](): void {
    this.abort();
  }
}

/** So many bytes of a name are in the hidden one, which may have 255. */
const LONGEST_PART = 200;

/**
 * Makes the hidden file for an upload to `name`. It is called after it, and so
 * finds what a server that was killed has left of the same file: that makes
 * room. While somebody else receives such a file its name is one of no meaning.
 */
function create(folder: string, name: string, mode: number): [hidden: string, file: Deno.FsFile] {
  const part = new TextDecoder().decode(new TextEncoder().encode(name).subarray(0, LONGEST_PART));
  const open = (hidden: string): [string, Deno.FsFile] => [
    hidden,
    Deno.openSync(below(folder, hidden), { write: true, createNew: true, mode }),
  ];
  for (let i = 0; i < 2; i++) {
    try {
      return open(UNFINISHED + part);
    } catch (error) {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      removeLeftover(below(folder, UNFINISHED + part));
    }
  }
  return open(UNFINISHED + crypto.randomUUID());
}

/** Gives the file `from` the name `to`, which no file may have. Throws Deno.errors.AlreadyExists. */
function moveToNew(from: string, to: string): void {
  // A rename would replace a file that came meanwhile; a link does not.
  try {
    Deno.linkSync(from, to);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw error;
    // FAT, exFAT and some others have no links, and each says so in its own way.
    return moveWithoutLink(from, to);
  }
  Deno.removeSync(from);
}

/**
 * An empty file takes the name, which fails where there is one, and gives way
 * at once. Lost is only what another program writes into it, or puts in its
 * place, in the microseconds between; nobody here gets a turn in them.
 */
function moveWithoutLink(from: string, to: string): void {
  Deno.openSync(to, { write: true, createNew: true }).close();
  try {
    Deno.renameSync(from, to);
  } catch (error) {
    Deno.removeSync(to);
    throw error;
  }
}
