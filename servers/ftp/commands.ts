/** All commands, by their verbs. */
import type { FtpServerCommand } from "./command.ts";
import { ACCESS_COMMANDS } from "./commands_access.ts";
import { DATA_COMMANDS } from "./commands_data.ts";
import { FILE_COMMANDS } from "./commands_files.ts";
import { FOLDER_COMMANDS } from "./commands_folders.ts";
import { HASH_COMMANDS } from "./commands_hash.ts";
import { infoCommands } from "./commands_info.ts";
import { SITE_COMMANDS } from "./commands_site.ts";
import { TRANSFER_COMMANDS } from "./commands_transfer.ts";

/** The commands, in the order of HELP. */
export const COMMANDS: readonly FtpServerCommand[] = [
  ...ACCESS_COMMANDS,
  ...FOLDER_COMMANDS,
  ...FILE_COMMANDS,
  ...HASH_COMMANDS,
  ...DATA_COMMANDS,
  ...TRANSFER_COMMANDS,
  ...SITE_COMMANDS,
  ...infoCommands(() => COMMANDS),
];

const BY_VERB = new Map(
  COMMANDS.flatMap((command) => command.verbs.map((verb) => [verb, command] as const)),
);

/** The command of a verb in capitals; undefined when there is none. */
export function findCommand(verb: string): FtpServerCommand | undefined {
  return BY_VERB.get(verb);
}

/** Commands of FTP that are known, and not served: 502 instead of 500 (RFC 959 section 4.2.2). */
export const NOT_SERVED: ReadonlySet<string> = new Set(
  "ADAT CCC CONF ENC HOST LANG LPRT LPSV MIC SMNT".split(" "),
);

/** How other protocols begin. Web pages can make browsers send such lines, and whatever commands after them. */
export const FOREIGN: ReadonlySet<string> = new Set(
  "CONNECT DELETE EHLO GET HEAD HELO OPTIONS PATCH POST PUT TRACE".split(" "),
);
