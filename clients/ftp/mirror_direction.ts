/** What is different in the two directions of a mirror. */
import type { FtpClient } from "./client.ts";
import type { FileAction, Item } from "./mirror_plan.ts";
import type { RateLimit } from "./rate.ts";

/** At once where it is about files here, and later where the server is asked. */
type OrPromise<T> = T | Promise<T>;

/**
 * One direction: from the source to the target. Paths are below the mirrored
 * folder, with slashes; the empty one is that folder. All throw what the
 * session throws, and Failure.
 */
export interface Direction {
  /** Makes sure that there is a source; returns whether there is a target. */
  begin(client: FtpClient): Promise<boolean>;
  source(client: FtpClient, path: string): OrPromise<Item[]>;
  target(client: FtpClient, path: string): OrPromise<Item[]>;
  /** Whether a folder of the source in which nothing was listed is empty indeed. */
  isEmpty(client: FtpClient, path: string): OrPromise<boolean>;
  /** Makes a folder of the target; false when it is there already. */
  make(client: FtpClient, path: string): OrPromise<boolean>;
  /** Items of a folder of the target, with links told from what they lead to. */
  tellLinks(client: FtpClient, path: string, items: readonly Item[]): OrPromise<readonly Item[]>;
  /** Removes something from a folder of the target, a link itself, a folder with all that is in it. */
  remove(client: FtpClient, path: string, item: Item): OrPromise<void>;
  /**
   * Moves a file. Returns what is left to be done here, for which the server
   * need not wait; undefined when it turns out that the file need not be moved.
   */
  move(client: FtpClient, task: FileTask): Promise<(() => void) | undefined>;
}

/** A file in the folder `path`. `offset` follows what the part has, in every attempt. */
export interface FileTask extends FileAction {
  path: string;
}

/** How files are moved. */
export interface Moving {
  rate: RateLimit | undefined;
  /** Hears of the bytes of each piece; of less than none when a file begins again. */
  onMoved(bytes: number): void;
}
