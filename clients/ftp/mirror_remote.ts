/** Folders of a server, for mirrors. */
import { EXIT, Failure } from "../../tools/program/failure.ts";
import { parseListing } from "../../tools/protocol/ftp_listing.ts";
import { safeName } from "../../tools/protocol/safe_name.ts";
import { visible } from "../../tools/protocol/text.ts";
import type { FtpClient } from "./client.ts";
import { unlessRefused } from "./file_transfer.ts";
import type { Item } from "./mirror_plan.ts";

/** The path of `name` in `folder`, of which either may be empty. A name is never taken for an option. */
export function joinRemote(folder: string, name: string): string {
  if (name === "") return folder;
  if (folder !== "") return folder.endsWith("/") ? folder + name : `${folder}/${name}`;
  return name.startsWith("-") ? `./${name}` : name;
}

/** Throws FtpError when there is no such folder: to list it tells nothing on some servers (vsftpd). */
export async function checkFolder(client: FtpClient, path: string): Promise<void> {
  if (path === "") return;
  const here = await client.pwd();
  await client.cd(path);
  await client.cd(here);
}

/** Whether there is such a folder. */
export async function hasFolder(client: FtpClient, path: string): Promise<boolean> {
  const found = await unlessRefused(client, async () => {
    await checkFolder(client, path);
    return true;
  });
  return found ?? false;
}

/** Makes a folder; false when it is there already. Throws FtpError. */
export async function makeFolder(client: FtpClient, path: string): Promise<boolean> {
  const made = await unlessRefused(client, () => client.mkdir(path));
  if (made === undefined) await checkFolder(client, path);
  return made !== undefined;
}

/** Makes a folder and those above it, as far as they are missing; false when it is there already. Throws FtpError. */
export async function makeFolders(client: FtpClient, path: string): Promise<boolean> {
  for (let at = path.indexOf("/", 1); at > 0; at = path.indexOf("/", at + 1)) {
    await unlessRefused(client, () => client.mkdir(path.slice(0, at)));
  }
  return path !== "" && await makeFolder(client, path);
}

/**
 * Whether a folder in which nothing was listed is empty, and not one that the
 * server could not open: LIST has at least `.` then.
 */
export async function isEmpty(client: FtpClient, path: string): Promise<boolean> {
  if (await hasMachineListing(client)) return true;
  return (await client.listLines(`-a ${path}`.trimEnd())).length > 0;
}

/** Whether folders are listed by MLSD. */
async function hasMachineListing(client: FtpClient): Promise<boolean> {
  const features = await client.features();
  return features.has("MLST") || features.has("MLSD");
}

/**
 * `items` of a folder, with links told from what they lead to: some servers
 * follow them in MLSD (pyftpdlib), and none does in LIST.
 */
export async function tellLinks(
  client: FtpClient,
  path: string,
  items: readonly Item[],
): Promise<readonly Item[]> {
  if (!items.some(({ type }) => type === "dir") || !await hasMachineListing(client)) return items;
  const lines = await unlessRefused(client, () => client.listLines(`-a ${path}`.trimEnd())) ?? [];
  const { entries } = parseListing(lines, new Date());
  const links = new Set(entries.filter(({ type }) => type === "link").map(({ name }) => name));
  return items.map((item) => links.has(item.name) ? { ...item, type: "link" } : item);
}

/** Removes a file, a link itself, or a folder with all that is in it. Throws FtpError and Failure. */
export async function removeRemote(client: FtpClient, folder: string, item: Item): Promise<void> {
  const path = joinRemote(folder, item.name);
  if (item.type !== "dir") {
    await client.delete(path);
    return;
  }
  for (const inner of await tellLinks(client, path, await client.list(path))) {
    if (!safeName(inner.name)) {
      throw new Failure(EXIT.refused, `${visible(inner.name)}: this name could lead elsewhere`);
    }
    await removeRemote(client, path, inner);
  }
  await client.rmdir(path);
}
