/** SITE: what is not in the RFCs, and clients want (RFC 959 section 4.1.3). */
import { parseTimeVal } from "../../tools/protocol/ftp_time.ts";
import { reply } from "./command.ts";
import { setTime } from "./commands_files.ts";
import { type FtpReply, Refusal, REPLIES } from "./replies.ts";
import type { FtpSession, SessionCommand } from "./session.ts";

/** A command behind SITE. */
interface SiteCommand {
  help: string;
  run(session: FtpSession, argument: string): FtpReply | Promise<FtpReply>;
}

const SITE: Record<string, SiteCommand> = {
  CHMOD: {
    help: "mode path: set the mode of a file, such as 644",
    async run(session, argument): Promise<FtpReply> {
      // No file here becomes setuid or the like: of four digits the last three count.
      const [, mode = "", path = ""] = /^[0-7]?([0-7]{3}) (.+)$/s.exec(argument) ?? [];
      if (path === "") return reply(501, "SITE CHMOD mode path.");
      if (!session.login.rights.has("w")) {
        throw new Refusal(REPLIES.noRight.code, REPLIES.noRight.text);
      }
      await session.login.files.chmod(session.path(path), parseInt(mode, 8));
      return reply(200, `The mode is ${mode}.`);
    },
  },
  UTIME: {
    help: "YYYYMMDDHHMMSS path: set the time of last change, in UTC",
    async run(session, argument): Promise<FtpReply> {
      // lftp gives the time first; ncftp gives three of them last: access, change, creation.
      const [, first, path] = /^(\d{14}) (.+)$/s.exec(argument) ?? [];
      const [, name, second] = /^(.+) \d{14} (\d{14}) \d{14} UTC$/s.exec(argument) ?? [];
      const time = parseTimeVal(second ?? first ?? "");
      if (!time) return reply(501, "SITE UTIME YYYYMMDDHHMMSS path.");
      return await setTime(session, time, name ?? path ?? "");
    },
  },
  HELP: {
    help: "show this",
    run: () => {
      const lines = Object.entries(SITE).map(([name, { help }]) => ` ${name} ${help}`);
      return reply(214, ["What SITE has:", ...lines, "End"].join("\n"));
    },
  },
};

/** The commands. */
export const SITE_COMMANDS: SessionCommand[] = [{
  verbs: ["SITE"],
  needs: "login",
  argument: "required",
  help: "HELP and others: what is not in the RFCs",
  source: "RFC 959 section 4.1.3",
  async run(session, argument): Promise<FtpReply> {
    const [, name = "", rest = ""] = /^(\S*) ?(.*)$/s.exec(argument) ?? [];
    const verb = name.toUpperCase();
    const command = Object.hasOwn(SITE, verb) ? SITE[verb] : undefined;
    return await command?.run(session, rest) ?? reply(504, "SITE HELP lists what there is.");
  },
}];
