/** Where a download goes: a local file, or standard output. */
import { FileSink } from "../../tools/files/blocks.ts";
import { FileError } from "../../tools/files/errors.ts";
import { closeQuietly } from "../../tools/program/close.ts";
import { fileFailure } from "../../tools/program/failure.ts";
import { writeOut } from "../../tools/program/terminal.ts";
import { concat } from "../../tools/protocol/bytes.ts";
import { visibleLines } from "../../tools/protocol/text.ts";
import { folderOf } from "./local_path.ts";
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
    // A FIFO or a terminal may take its time, and /dev/null takes it nowhere.
    if (there.isCharDevice && !file.isTerminal()) return new DeviceTarget(path, file);
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

/** A file that grows under a hidden name beside its own, which it gets when it is whole. */
class FileTarget implements Target {
  readonly #shown: string;
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: Deno.FsFile;
  readonly #sink: FileSink;
  #over = false;

  /** `shown` is how messages call `path`; `mode` is that of the file it replaces. */
  constructor(shown: string, path: string, mode: number | undefined) {
    this.#shown = shown;
    this.#path = path;
    // A name of its own: two downloads may run at once, and an old file may be as long as names can be.
    this.#temporary = `${folderOf(path)}.tftp-${crypto.randomUUID()}`;
    this.#file = Deno.openSync(this.#temporary, {
      write: true,
      createNew: true,
      mode: (mode ?? 0o666) & 0o777,
    });
    this.#sink = new FileSink(this.#file);
  }

  write(data: Uint8Array): void {
    guard(this.#shown, () => this.#sink.write(data));
  }

  end(): void {
    guard(this.#shown, () => {
      this.#sink.end();
      this.#file.close();
      Deno.renameSync(this.#temporary, this.#path);
    });
    this.#over = true;
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    closeQuietly(this.#file);
    removeQuietly(this.#temporary);
  }
}

/** A device, which is written as it is. */
class DeviceTarget implements Target {
  readonly #path: string;
  readonly #file: Deno.FsFile;
  readonly #sink: FileSink;

  constructor(path: string, file: Deno.FsFile) {
    this.#path = path;
    this.#file = file;
    this.#sink = new FileSink(file);
  }

  write(data: Uint8Array): void {
    guard(this.#path, () => this.#sink.write(data));
  }

  end(): void {
    guard(this.#path, () => this.#sink.end());
  }

  abort(): void {
    closeQuietly(this.#file);
  }
}

function guard(path: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw fileFailure(path, error instanceof FileError ? error.cause : error);
  }
}

function removeQuietly(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // The folder is gone, or not ours any more: there is nothing left to do.
  }
}

// So much waits for a slow reader, in bytes; for more the server must wait.
const MOST_HELD = 65536;

/** What may take its time, such as a pipe, in which nothing else must stop. */
class SlowTarget implements Target {
  readonly #put: (data: Uint8Array) => Promise<void>;
  readonly #path: string;
  readonly #file: Deno.FsFile | undefined;
  #held: Uint8Array[] = [];
  #length = 0;
  #draining: Promise<void> | undefined;
  /** All that is left must be taken before anything else happens. */
  #last = false;

  constructor(put: (data: Uint8Array) => Promise<void>, path: string, file?: Deno.FsFile) {
    this.#put = put;
    this.#path = path;
    this.#file = file;
  }

  get busy(): Promise<void> | undefined {
    return this.#last || this.#length > MOST_HELD ? this.#draining : undefined;
  }

  write(data: Uint8Array): void {
    // `data` is valid during the call alone.
    this.#held.push(data.slice());
    this.#length += data.length;
    if (this.#draining) return;
    this.#draining = this.#drain();
    // A failure stays for who waits.
    this.#draining.catch(() => this.#last = true);
  }

  end(): void {
    this.#last = true;
  }

  abort(): void {
    if (this.#file) closeQuietly(this.#file);
  }

  async #drain(): Promise<void> {
    try {
      while (this.#length > 0) {
        const data = concat(this.#held);
        this.#held = [];
        this.#length = 0;
        await this.#put(data);
      }
    } catch (error) {
      throw fileFailure(this.#path, error);
    }
    this.#draining = undefined;
  }
}
