/** Names in the folders of the server. */
import type { Name } from "../../tools/program/names.ts";
import type { FtpClient } from "./client.ts";

/** What is in a folder of the server. */
export async function remoteNames(client: FtpClient, folder: string): Promise<Name[]> {
  const entries = await client.list(folder);
  return entries.map(({ name, type }) => ({ name, isFolder: type === "dir" }));
}
