/** All commands, by their verbs. */
import { ACCESS_COMMANDS } from "./commands_access.ts";
import { DATA_COMMANDS } from "./commands_data.ts";
import { FILE_COMMANDS } from "./commands_files.ts";
import { FOLDER_COMMANDS } from "./commands_folders.ts";
import { HASH_COMMANDS } from "./commands_hash.ts";
import { infoCommands } from "./commands_info.ts";
import { SITE_COMMANDS } from "./commands_site.ts";
import { TRANSFER_COMMANDS } from "./commands_transfer.ts";
import type { SessionCommand } from "./session.ts";

/** The commands, in the order of HELP. */
export const COMMANDS: readonly SessionCommand[] = [
  ...ACCESS_COMMANDS,
  ...FOLDER_COMMANDS,
  ...FILE_COMMANDS,
  ...HASH_COMMANDS,
  ...DATA_COMMANDS,
  ...TRANSFER_COMMANDS,
  ...SITE_COMMANDS,
  ...infoCommands(() => COMMANDS),
];

/** The commands by their verbs, in capitals. */
export const BY_VERB: ReadonlyMap<string, SessionCommand> = new Map(
  COMMANDS.flatMap((command) => command.verbs.map((verb) => [verb, command] as const)),
);
