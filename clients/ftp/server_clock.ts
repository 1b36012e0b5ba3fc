/** The clock of a server whose listings tell times of an unknown zone. */
import type { FtpClient } from "./client.ts";
import { unlessRefused } from "./file_transfer.ts";
import { DAY, type Item, MINUTE } from "./mirror_plan.ts";
import { joinRemote } from "./mirror_remote.ts";

/** Learns the zone from a file whose exact time it asks for. */
export class ServerClock {
  /** Milliseconds ahead of UTC; undefined while it is not known. */
  #ahead: number | undefined;

  /** The items of `folder` with their times in UTC. */
  async correct(client: FtpClient, folder: string, items: Item[]): Promise<Item[]> {
    const sample = items.find((item) => item.type === "file" && isLocal(item));
    if (this.#ahead === undefined && sample?.modified) {
      const time = await unlessRefused(
        client,
        () => client.modtime(joinRemote(folder, sample.name)),
      );
      const ahead = time ? sample.modified.getTime() - time.getTime() : 0;
      // LIST cuts off the seconds; zones are whole quarters of an hour apart.
      this.#ahead = Math.round(ahead / (15 * MINUTE)) * 15 * MINUTE;
    }
    const ahead = this.#ahead ?? 0;
    if (ahead === 0) return items;
    return items.map((item) =>
      isLocal(item) ? { ...item, modified: new Date(item.modified.getTime() - ahead) } : item
    );
  }
}

/** Whether its time is a time of day where the server is. */
function isLocal(item: Item): item is Item & { modified: Date } {
  return !item.exact && item.modified !== undefined && item.modified.getTime() % DAY !== 0;
}
