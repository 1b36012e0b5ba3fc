/** What the sessions of one server share. */
import type { ConnectionCount } from "../../tools/net/limits.ts";
import type { Folders, LoginGuard } from "./login.ts";
import type { DataNetwork, FtpSettings } from "./settings.ts";

/** An FTP server, as its sessions see it. */
export interface FtpService extends FtpSettings {
  network: DataNetwork;
  guard: LoginGuard;
  folders: Folders;
  /** Sessions by user. */
  sessions: ConnectionCount;
}
