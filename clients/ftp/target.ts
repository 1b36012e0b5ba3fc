/** Where a download goes: a local file, or standard output. */
import { basename, dirname, join } from "@std/path";
import { EXIT, Failure, fileFailure } from "../../tools/program/failure.ts";
import { writeOut } from "../../tools/program/terminal.ts";
import { visible } from "../../tools/protocol/text.ts";
import { fileSink, type Sink } from "./client.ts";

/** What the server tells of a file. */
export interface RemoteFacts {
  /** In bytes. */
  size: number | undefined;
  /** Time of last change. */
  modified: Date | undefined;
}

/** Where a download goes. */
export interface Target {
  /** How many bytes are there: the transfer goes on from here. */
  readonly offset: number;
  /** Takes what comes. Throws Failure for the file. */
  readonly sink: Sink;
  /** It is all there: shows it under its name, with the server's time. */
  finish(): void;
  /** It broke off: what is there stays, to go on from. Returns how many bytes. */
  keep(): number;
}

/** Standard output, on a terminal without what could steer it. A transfer that is tried again goes on where it broke off. */
export class StandardOutput implements Target {
  offset = 0;
  readonly #write: (data: Uint8Array | string) => Promise<void>;
  readonly #decoder = Deno.stdout.isTerminal() ? new TextDecoder() : undefined;

  constructor(write: (data: Uint8Array | string) => Promise<void> = writeOut) {
    this.#write = write;
  }

  sink: Sink = async (data) => {
    const text = this.#decoder?.decode(data, { stream: true });
    const shown = text?.replaceAll("\r\n", "\n").replace(/[^\n\t]+/g, (line) => visible(line));
    await this.#write(shown ?? data);
    this.offset += data.length;
  };

  finish(): void {}

  keep(): number {
    return 0;
  }
}

// In bytes, on the file systems in use.
const LONGEST_NAME = 255;

/** The hidden file beside `path` in which a download of it grows. */
export function partName(path: string): string {
  const name = [...basename(path)];
  const size = (): number => new TextEncoder().encode(name.join("")).length;
  while (size() > LONGEST_NAME - "..part".length) name.shift();
  return join(dirname(path), `.${name.join("")}.part`);
}

/**
 * A local file that appears only when it is whole: until then it grows under
 * `partName`, where a later download finds it and goes on. What is no regular
 * file, such as /dev/null, is written as it is.
 */
export class LocalFile implements Target {
  readonly path: string;
  readonly sink: Sink;
  readonly #facts: RemoteFacts;
  readonly #file: Deno.FsFile;
  /** The name it has while it grows. */
  readonly #name: string;
  #written: number;
  #closed = false;

  private constructor(
    path: string,
    facts: RemoteFacts,
    { file, name, offset }: { file: Deno.FsFile; name: string; offset: number },
    isDevice = false,
  ) {
    this.path = path;
    this.#written = offset;
    this.#facts = isDevice ? { size: undefined, modified: undefined } : facts;
    this.#file = file;
    this.#name = name;
    const write = isDevice ? slowSink(file) : fileSink(file);
    const failed = (error: unknown): never => {
      throw fileFailure(path, error);
    };
    this.sink = (data) => {
      try {
        const written = write(data);
        this.#written += data.length;
        return written?.catch(failed);
      } catch (error) {
        failed(error);
      }
    };
  }

  /**
   * Opens the file for a download of what `facts` tells. `resume`: goes on with
   * the part that a broken download left, unless the server's file has changed
   * since; or else with the file itself, of whatever origin. Throws Failure.
   */
  static async open(path: string, facts: RemoteFacts, resume: boolean): Promise<LocalFile> {
    try {
      const there = await statOf(path);
      if (there?.isDirectory) throw new Deno.errors.IsADirectory();
      if (there && !there.isFile) {
        const file = await Deno.open(path, { write: true });
        return new LocalFile(path, facts, { file, name: path, offset: 0 }, true);
      }
      const part = partName(path);
      const begun = await statOf(part, Deno.lstat);
      if (begun && !begun.isFile) throw new Failure(EXIT.file, `${part}: is in the way`);
      if (resume && there && !begun) {
        const offset = checkRest(path, there.size, facts);
        const file = await Deno.open(path, { write: true });
        return new LocalFile(path, facts, await at(offset, file, path));
      }
      const file = await Deno.open(part, {
        write: true,
        [begun ? "create" : "createNew"]: true,
        mode: there?.mode ? there.mode & 0o777 : 0o666,
      });
      if (!await file.tryLock(true)) {
        file.close();
        throw new Failure(EXIT.file, `${path}: another download of it is running`);
      }
      const offset = resume && begun && isPartOf(begun, facts) ? begun.size : 0;
      return new LocalFile(path, facts, await at(offset, file, part));
    } catch (error) {
      throw fileFailure(path, error);
    }
  }

  get offset(): number {
    return this.#written;
  }

  finish(): void {
    try {
      this.#close();
      if (this.#name !== this.path) Deno.renameSync(this.#name, this.path);
    } catch (error) {
      throw fileFailure(this.path, error);
    }
  }

  keep(): number {
    this.#close();
    if (this.#written === 0 && this.#name !== this.path) removeQuietly(this.#name);
    return this.#written;
  }

  /** Gives it the server's time: that of a part tells whether the server's file has changed since. */
  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    using file = this.#file;
    const { modified } = this.#facts;
    if (modified) file.utimeSync(new Date(), modified);
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // An empty file that stays does no harm.
  }
}

/** A sink for what may take its time, in which nothing else must stop. */
function slowSink(file: Deno.FsFile): (data: Uint8Array) => Promise<void> {
  return async (data) => {
    for (let rest = data; rest.length > 0;) rest = rest.subarray(await file.write(rest));
  };
}

async function at(
  offset: number,
  file: Deno.FsFile,
  name: string,
): Promise<{ file: Deno.FsFile; name: string; offset: number }> {
  await file.truncate(offset);
  await file.seek(offset, Deno.SeekMode.Start);
  return { file, name, offset };
}

/** Undefined when there is nothing. */
async function statOf(path: string, stat = Deno.stat): Promise<Deno.FileInfo | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/**
 * Whether what a broken download left is the beginning of the server's file as
 * it is now: that has not changed since. (A part has the server's time, or, if
 * the program was killed, that of its last byte.)
 */
function isPartOf(part: Deno.FileInfo, { size, modified }: RemoteFacts): boolean {
  if (size !== undefined && part.size > size) return false;
  // Some servers tell times to the second only, and some file systems keep no more.
  return !modified || !part.mtime || modified.getTime() < part.mtime.getTime() + 1000;
}

/** Where to go on in a file of `size` bytes. Throws Failure. */
function checkRest(path: string, size: number, facts: RemoteFacts): number {
  if (facts.size === undefined || size <= facts.size) return size;
  throw new Failure(
    EXIT.file,
    `${path}: has ${size} bytes, more than the ${facts.size} of the server's file`,
  );
}
