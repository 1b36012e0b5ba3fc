/** Where a download goes: a local file, or standard output. */
import { dirname, join } from "@std/path";
import { closeQuietly } from "../../tools/program/close.ts";
import { fileFailure } from "../../tools/program/failure.ts";
import { writeOut } from "../../tools/program/terminal.ts";
import { visibleLines } from "../../tools/protocol/text.ts";
import type { DownloadSink } from "./options.ts";

/** Where a download goes. At its end a file is shown under its name. All of it throws Failure for the file. */
export interface Target extends DownloadSink {
  /** Takes back what has come, as far as that can be. After the end it does nothing. */
  abort(): void;
}

/** Opens the target called `path`; `-` is standard output. Throws Failure. */
export function openTarget(path: string): Target {
  return path === "-" ? standardOutput() : openFile(path);
}

function standardOutput(): Target {
  const decoder = Deno.stdout.isTerminal() ? new TextDecoder() : undefined;
  return new SlowTarget(
    (data) => writeOut(decoder ? visibleLines(decoder.decode(data, { stream: true })) : data),
    "standard output",
  );
}

function openFile(path: string): Target {
  try {
    const there = statOf(path);
    if (there?.isDirectory) throw new Deno.errors.IsADirectory();
    // Through a link, to what it leads to.
    const real = there ? Deno.realPathSync(path) : path;
    if (!there || there.isFile) return new FileTarget(path, real, there?.mode ?? undefined);
    const file = Deno.openSync(path, { write: true });
    return new SlowTarget(
      async (data) => {
        for (let rest = data; rest.length > 0;) rest = rest.subarray(await file.write(rest));
      },
      path,
      file,
    );
  } catch (error) {
    throw fileFailure(path, error);
  }
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

// A system call for each block would cost more than the block.
const PIECE = 256 * 1024;

/** A file that grows under a hidden name beside its own, which it gets when it is whole. */
class FileTarget implements Target {
  readonly busy = undefined;
  readonly #shown: string;
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: Deno.FsFile;
  readonly #piece = new Uint8Array(PIECE);
  #held = 0;
  #over = false;

  /** `shown` is how messages call `path`; `mode` is that of the file it replaces. */
  constructor(shown: string, path: string, mode: number | undefined) {
    this.#shown = shown;
    this.#path = path;
    // A name of its own: two downloads may run at once, and an old file may be as long as names can be.
    this.#temporary = join(dirname(path), `.tftp-${crypto.randomUUID()}`);
    this.#file = Deno.openSync(this.#temporary, {
      write: true,
      createNew: true,
      mode: (mode ?? 0o666) & 0o777,
    });
  }

  write(data: Uint8Array): void {
    if (this.#held + data.length > PIECE) this.#flush();
    if (data.length > PIECE) return this.#put(data);
    this.#piece.set(data, this.#held);
    this.#held += data.length;
  }

  end(): void {
    this.#flush();
    this.#over = true;
    try {
      closeQuietly(this.#file);
      Deno.renameSync(this.#temporary, this.#path);
    } catch (error) {
      removeQuietly(this.#temporary);
      throw fileFailure(this.#shown, error);
    }
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    closeQuietly(this.#file);
    removeQuietly(this.#temporary);
  }

  #flush(): void {
    this.#put(this.#piece.subarray(0, this.#held));
    this.#held = 0;
  }

  #put(data: Uint8Array): void {
    try {
      for (let rest = data; rest.length > 0;) rest = rest.subarray(this.#file.writeSync(rest));
    } catch (error) {
      throw fileFailure(this.#shown, error);
    }
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // The folder is gone, or not ours any more: there is nothing left to do.
  }
}

/** What may take its time, such as a pipe, in which nothing else must stop. */
class SlowTarget implements Target {
  readonly #put: (data: Uint8Array) => Promise<void>;
  readonly #path: string;
  readonly #file: Deno.FsFile | undefined;
  #busy: Promise<void> | undefined;

  constructor(put: (data: Uint8Array) => Promise<void>, path: string, file?: Deno.FsFile) {
    this.#put = put;
    this.#path = path;
    this.#file = file;
  }

  get busy(): Promise<void> | undefined {
    return this.#busy;
  }

  write(data: Uint8Array): void {
    // `data` is valid during the call alone.
    const busy = this.#busy = this.#append(this.#busy, data.slice());
    const rest = (): void => {
      if (this.#busy === busy) this.#busy = undefined;
    };
    // A failure stays for who waits.
    busy.then(rest, () => {});
  }

  end(): void {}

  abort(): void {
    if (this.#file) closeQuietly(this.#file);
  }

  async #append(before: Promise<void> | undefined, data: Uint8Array): Promise<void> {
    await before;
    try {
      await this.#put(data);
    } catch (error) {
      throw fileFailure(this.#path, error);
    }
  }
}
