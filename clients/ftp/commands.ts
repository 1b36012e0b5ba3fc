/** The commands at the prompt. */
import { CommandTable } from "../../tools/program/prompt.ts";
import { LOCAL_COMMANDS } from "./commands_local.ts";
import { MIRROR_COMMANDS } from "./commands_mirror.ts";
import { REMOTE_COMMANDS } from "./commands_remote.ts";
import { SESSION_COMMANDS } from "./commands_session.ts";
import { TRANSFER_COMMANDS } from "./commands_transfer.ts";
import type { Shell } from "./shell.ts";

/** All commands. */
export const COMMANDS: CommandTable<Shell> = new CommandTable([
  ...SESSION_COMMANDS,
  ...REMOTE_COMMANDS,
  ...TRANSFER_COMMANDS,
  ...MIRROR_COMMANDS,
  ...LOCAL_COMMANDS,
]);
