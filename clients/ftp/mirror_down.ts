/** A mirror from a server to here. */
import { join } from "@std/path";
import { EXIT, Failure, fileFailure } from "../../tools/program/failure.ts";
import { fileSink, type FtpClient, FtpError } from "./client.ts";
import type { Direction, FileTask, Moving } from "./mirror_direction.ts";
import { isThere, listLocal, makeLocal, removeLocal } from "./mirror_local.ts";
import type { Item } from "./mirror_plan.ts";
import { checkFolder, isEmpty, joinRemote } from "./mirror_remote.ts";

/** From the folder `remote` of a server to the folder `local`. Files grow under hidden names, and go on where they broke off. */
export class Down implements Direction {
  readonly #remote: string;
  readonly #local: string;
  readonly #moving: Moving;

  constructor(remote: string, local: string, moving: Moving) {
    this.#remote = remote;
    this.#local = local;
    this.#moving = moving;
  }

  async begin(client: FtpClient): Promise<boolean> {
    await checkFolder(client, this.#remote);
    return isThere(this.#local);
  }

  async source(client: FtpClient, path: string): Promise<Item[]> {
    return await client.list(joinRemote(this.#remote, path));
  }

  target(_: FtpClient, path: string): Item[] {
    return listLocal(join(this.#local, path));
  }

  async isEmpty(client: FtpClient, path: string): Promise<boolean> {
    return await isEmpty(client, joinRemote(this.#remote, path));
  }

  make(_: FtpClient, path: string): boolean {
    makeLocal(join(this.#local, path));
    return true;
  }

  tellLinks(_: FtpClient, __: string, items: readonly Item[]): readonly Item[] {
    return items;
  }

  remove(_: FtpClient, path: string, item: Item): void {
    removeLocal(join(this.#local, path), item);
  }

  async move(client: FtpClient, task: FileTask): Promise<() => void> {
    const { item: { name, size, modified }, path, part } = task;
    const { rate, onMoved } = this.#moving;
    const folder = join(this.#local, path);
    const file = new PartFile(`${folder}/${part}`, `${folder}/${name}`);
    const sink = (data: Uint8Array): void => {
      file.write(data, task.offset);
      task.offset += data.length;
      onMoved(data.length);
    };
    const remote = joinRemote(joinRemote(this.#remote, path), name);
    const download = async (): Promise<void> => {
      const options = { offset: task.offset, piece: rate?.piece, pipelined: true };
      await client.download(remote, rate?.sink(sink) ?? sink, options);
    };
    const begun = task.offset;
    try {
      try {
        // A part may be whole already, and some servers refuse to send nothing.
        if (begun === 0 || begun !== size) await download();
      } catch (error) {
        // Not every server knows REST.
        const isRefused = error instanceof FtpError && error.code >= 500 && !client.closed;
        if (!isRefused || begun === 0 || begun !== task.offset) throw error;
        file.discard();
        onMoved(-begun);
        task.offset = 0;
        await download();
      }
      if (size !== undefined && task.offset < size) {
        throw new Failure(EXIT.refused, `the server sent ${task.offset} of ${size} bytes`);
      }
    } catch (error) {
      file.close();
      throw error;
    }
    return () => file.finish(task.offset, modified);
  }
}

/** A local file under its hidden name. What it does throws Failure. */
class PartFile {
  readonly #hidden: string;
  readonly #path: string;
  #file: Deno.FsFile | undefined;

  constructor(hidden: string, path: string) {
    this.#hidden = hidden;
    this.#path = path;
  }

  /** Writes at `offset`, which follows what was written last. */
  write(data: Uint8Array, offset: number): void {
    this.#try(() => fileSink(this.#open(offset))(data));
  }

  /** Gives the file, of `size` bytes, its time and its name, and closes it. */
  finish(size: number, modified: Date | undefined): void {
    this.#try(() => {
      try {
        const file = this.#open(size);
        if (modified) file.utimeSync(modified, modified);
      } finally {
        this.close();
      }
      Deno.renameSync(this.#hidden, this.#path);
    });
  }

  /** Takes it back. */
  discard(): void {
    this.close();
    this.#try(() => Deno.removeSync(this.#hidden));
  }

  close(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #open(offset: number): Deno.FsFile {
    if (this.#file) return this.#file;
    // What somebody else puts there meanwhile could be a link that leads elsewhere.
    this.#file = Deno.openSync(this.#hidden, { write: true, createNew: offset === 0 });
    if (offset > 0) this.#file.seekSync(offset, Deno.SeekMode.Start);
    return this.#file;
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw fileFailure(this.#path, error);
    }
  }
}
