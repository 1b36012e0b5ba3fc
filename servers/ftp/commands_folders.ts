/** Folders (RFC 959 section 4.1.3), with the X verbs that RFC 775 gave them and RFC 1123 keeps. */
import { FileError } from "../../tools/files/errors.ts";
import { quotePath } from "../../tools/protocol/ftp_path.ts";
import { reply } from "./command.ts";
import type { FtpReply } from "./replies.ts";
import type { FtpSession, SessionCommand } from "./session.ts";

/** The commands. */
export const FOLDER_COMMANDS: SessionCommand[] = [
  {
    verbs: ["PWD", "XPWD"],
    needs: "login",
    argument: "none",
    help: "show the current folder",
    source: "RFC 959 section 4.1.3",
    run: ({ folder }) => reply(257, `${quotePath(folder)} is the current folder.`),
  },
  {
    verbs: ["CWD", "XCWD"],
    needs: "login",
    argument: "optional",
    help: "folder: go there",
    source: "RFC 959 section 4.1.1",
    run: (session, path) => enter(session, path === "" ? "/" : path),
  },
  {
    verbs: ["CDUP", "XCUP"],
    needs: "login",
    argument: "none",
    help: "go to the folder above",
    source: "RFC 959 section 4.1.1",
    run: (session) => enter(session, ".."),
  },
  {
    verbs: ["MKD", "XMKD"],
    needs: "w",
    argument: "required",
    help: "folder: make it",
    source: "RFC 959 section 4.1.3",
    logged: true,
    async run(session, argument): Promise<FtpReply> {
      const path = session.path(argument);
      await session.login.files.mkdir(path);
      session.log("made", { path });
      return reply(257, `${quotePath(path)} is there now.`);
    },
  },
  {
    verbs: ["RMD", "XRMD"],
    needs: "d",
    argument: "required",
    help: "folder: remove it, if it is empty",
    source: "RFC 959 section 4.1.3",
    logged: true,
    async run(session, argument): Promise<FtpReply> {
      const path = session.path(argument);
      await session.login.files.rmdir(path);
      session.log("removed", { path });
      return reply(250, "The folder is removed.");
    },
  },
];

async function enter(session: FtpSession, argument: string): Promise<FtpReply> {
  const path = session.path(argument);
  if (!(await session.login.files.stat(path)).isDirectory) throw new FileError("not a folder");
  session.folder = path;
  return reply(250, `${quotePath(path)} is the current folder.`);
}
