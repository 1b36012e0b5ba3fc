/** A mirror from here to a server. */
import { join } from "@std/path";
import { fileFailure } from "../../tools/program/failure.ts";
import { fileSource, type FtpClient, FtpError, type Source } from "./client.ts";
import { unlessRefused } from "./file_transfer.ts";
import type { Direction, FileTask, Moving } from "./mirror_direction.ts";
import { listLocal } from "./mirror_local.ts";
import { compare, type Item } from "./mirror_plan.ts";
import {
  hasFolder,
  joinRemote,
  makeFolder,
  makeFolders,
  removeRemote,
  tellLinks,
} from "./mirror_remote.ts";
import { ServerClock } from "./server_clock.ts";

/** To send less than this again costs no more than the commands that a part needs. */
export const LEAST_PART = 1 << 20;

/** From the folder `local` to the folder `remote` of a server. Large files grow under hidden names, and go on where they broke off. */
export class Up implements Direction {
  readonly #local: string;
  readonly #remote: string;
  readonly #moving: Moving;
  readonly #clock = new ServerClock();
  readonly #begun = new WeakSet<FileTask>();
  // What the server lets us do.
  #usesParts = true;
  #setsTimes = true;

  constructor(local: string, remote: string, moving: Moving) {
    this.#local = local;
    this.#remote = remote;
    this.#moving = moving;
  }

  async begin(client: FtpClient): Promise<boolean> {
    listLocal(this.#local);
    return await hasFolder(client, this.#remote);
  }

  source(_: FtpClient, path: string): Item[] {
    return listLocal(join(this.#local, path));
  }

  async target(client: FtpClient, path: string): Promise<Item[]> {
    const folder = this.#path(path);
    return await this.#clock.correct(client, folder, await client.list(folder));
  }

  isEmpty(): boolean {
    return true;
  }

  async make(client: FtpClient, path: string): Promise<boolean> {
    return await (path === "" ? makeFolders : makeFolder)(client, this.#path(path));
  }

  async tellLinks(
    client: FtpClient,
    path: string,
    items: readonly Item[],
  ): Promise<readonly Item[]> {
    return await tellLinks(client, this.#path(path), items);
  }

  async remove(client: FtpClient, path: string, item: Item): Promise<void> {
    await removeRemote(client, this.#path(path), item);
  }

  isPlain(): boolean {
    return false;
  }

  async move(client: FtpClient, task: FileTask): Promise<(() => void) | undefined> {
    const { item, path, unsure } = task;
    const file = joinRemote(this.#path(path), item.name);
    if (unsure && !await this.#isNewer(client, file, item)) return undefined;
    const size = item.size ?? 0;
    if (!(size >= LEAST_PART && this.#usesParts && await this.#sendByPart(client, task, file))) {
      await this.#send(client, task, file, 0);
    }
    if (item.modified && this.#setsTimes) await this.#setTime(client, file, item.modified);
    return () => {};
  }

  #path(path: string): string {
    return joinRemote(this.#remote, path);
  }

  /** Asks for the exact time. */
  async #isNewer(client: FtpClient, file: string, item: Item): Promise<boolean> {
    const modified = await unlessRefused(client, () => client.modtime(file));
    return compare(item, { ...item, modified, exact: true }, true) !== "no";
  }

  /** Sends a file under its hidden name first; false when the server does not let us. */
  async #sendByPart(client: FtpClient, task: FileTask, file: string): Promise<boolean> {
    const part = joinRemote(this.#path(task.path), task.part);
    const size = (): Promise<number | undefined> => unlessRefused(client, () => client.size(part));
    // What the server has of an earlier attempt, it alone knows.
    const offset = this.#begun.has(task) ? await size() ?? 0 : task.offset;
    this.#begun.add(task);
    try {
      if (offset !== task.item.size) await this.#send(client, task, part, offset);
      // An earlier session that broke off may have written on meanwhile.
      if (offset > 0 && await size() !== task.item.size) await this.#send(client, task, part, 0);
      await replace(client, part, file);
      return true;
    } catch (error) {
      // Hidden names or renaming may be forbidden. 552: no room (RFC 959 section 4.2.1).
      if (!isRefusal(error, client) || error.code === 552) throw error;
      this.#usesParts = false;
      await unlessRefused(client, () => client.delete(part));
      return false;
    }
  }

  /** Sends what comes after the first `offset` bytes, which the server has. */
  async #send(client: FtpClient, task: FileTask, to: string, offset: number): Promise<void> {
    const { rate, onMoved } = this.#moving;
    const advance = (bytes: number): void => {
      onMoved(bytes - task.offset);
      task.offset = bytes;
    };
    advance(offset);
    using source = openSource(join(this.#local, task.path, task.item.name), offset);
    await client.upload(rate?.source(source.read) ?? source.read, to, {
      // APPE, not REST: a server that does not know REST for this would begin at the front.
      append: offset > 0,
      pipelined: true,
      onProgress: (bytes) => advance(offset + bytes),
    });
  }

  async #setTime(client: FtpClient, file: string, time: Date): Promise<void> {
    try {
      await client.postModtime(file, time);
    } catch (error) {
      if (!isRefusal(error, client)) throw error;
      // 550 is about this file, the others about the command.
      if (error.code !== 550) this.#setsTimes = false;
    }
  }
}

function isRefusal(error: unknown, client: FtpClient): error is FtpError {
  return error instanceof FtpError && error.code >= 500 && !client.closed;
}

/** Renames onto what may be there, which not every server does by itself. */
async function replace(client: FtpClient, from: string, to: string): Promise<void> {
  try {
    await client.rename(from, to);
  } catch (error) {
    if (!isRefusal(error, client)) throw error;
    const wasThere = await unlessRefused(client, () => client.delete(to));
    if (wasThere === undefined) throw error;
    await client.rename(from, to);
  }
}

/** A local file from `offset` on. Throws Failure. */
function openSource(path: string, offset: number): { read: Source } & Disposable {
  const attempt = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw fileFailure(path, error);
    }
  };
  const file = attempt(() => Deno.openSync(path));
  const read = fileSource(file);
  if (offset > 0) attempt(() => file.seekSync(offset, Deno.SeekMode.Start));
  return {
    read: (buffer) => attempt(() => read(buffer)),
    [Symbol.dispose]: () => file.close(),
  };
}
