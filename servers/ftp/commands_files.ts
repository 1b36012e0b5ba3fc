/** What there is to know and to change about a file without a data connection. */
import { FileError } from "../../tools/files/errors.ts";
import { FACTS } from "../../tools/protocol/ftp_facts.ts";
import { formatTimeVal, isTellable, parseTimeVal } from "../../tools/protocol/ftp_time.ts";
import { reply } from "./command.ts";
import { factsLine, harmless } from "./listing.ts";
import { type FtpReply, Refusal, REPLIES } from "./replies.ts";
import type { FtpSession, SessionCommand } from "./session.ts";

/** The commands. */
export const FILE_COMMANDS: SessionCommand[] = [
  {
    verbs: ["SIZE"],
    needs: "r",
    argument: "required",
    help: "file: show its size in bytes",
    source: "RFC 3659 section 4",
    features: () => ["SIZE"],
    async run(session, path): Promise<FtpReply> {
      // As text it has another size, which nobody knows without reading it all.
      if (session.type === "A") return reply(550, "SIZE wants TYPE I.");
      return reply(213, `${(await plainFile(session, path)).size}`);
    },
  },
  {
    verbs: ["MDTM"],
    needs: "r",
    argument: "required",
    help: "file: show its time of last change, in UTC",
    source: "RFC 3659 section 3",
    features: () => ["MDTM"],
    async run(session, argument): Promise<FtpReply> {
      // lftp and others set the time by the same verb.
      const [time, path] = timeAndPath(argument);
      if (time && !await isName(session, argument)) return await setTime(session, time, path);
      return reply(213, formatTimeVal(modified(await plainFile(session, argument))).slice(0, 14));
    },
  },
  {
    verbs: ["MFMT"],
    needs: "w",
    argument: "required",
    help: "YYYYMMDDHHMMSS file: set its time of last change, in UTC",
    source: "draft-somers-ftp-mfxx-04 section 3.1",
    features: () => ["MFMT"],
    async run(session, argument): Promise<FtpReply> {
      const [time, path] = timeAndPath(argument);
      if (!time || path === "") return reply(501, "MFMT YYYYMMDDHHMMSS file.");
      return await setTime(session, time, path);
    },
  },
  {
    verbs: ["MLST"],
    needs: "r",
    argument: "optional",
    help: "path: show its facts",
    source: "RFC 3659 section 7",
    features: ({ facts }) => [
      `MLST ${FACTS.map((fact) => fact + (facts.includes(fact) ? "*" : "") + ";").join("")}`,
    ],
    async run(session, argument): Promise<FtpReply> {
      const path = session.path(argument);
      const info = await session.login.files.stat(path);
      const line = factsLine(session.facts, session.login.rights)({ name: path, info });
      return reply(250, `Listing ${harmless(path)}\n ${line}\nEnd`);
    },
  },
  {
    verbs: ["DELE"],
    needs: "d",
    argument: "required",
    help: "file: delete it",
    source: "RFC 959 section 4.1.3",
    logged: true,
    async run(session, argument): Promise<FtpReply> {
      const path = session.path(argument);
      await session.login.files.remove(path);
      session.log("deleted", { path });
      return reply(250, "The file is deleted.");
    },
  },
  {
    verbs: ["RNFR"],
    needs: "d",
    argument: "required",
    help: "path: rename this, see RNTO",
    source: "RFC 959 section 4.1.3",
    logged: true,
    async run(session, argument): Promise<FtpReply> {
      const path = session.path(argument);
      await session.login.files.stat(path);
      session.renameFrom = path;
      return reply(350, "And its new name, by RNTO?");
    },
  },
  {
    verbs: ["RNTO"],
    needs: "d",
    argument: "required",
    help: "path: the new name of what RNFR named",
    source: "RFC 959 section 4.1.3",
    logged: true,
    async run(session, argument): Promise<FtpReply> {
      const from = session.renameFrom;
      if (from === undefined) return reply(503, "RNFR comes first.");
      const to = session.path(argument);
      await session.login.files.rename(from, to);
      session.log("renamed", { path: from, to });
      return reply(250, "It is renamed.");
    },
  },
];

async function plainFile(session: FtpSession, argument: string): Promise<Deno.FileInfo> {
  const info = await session.login.files.stat(session.path(argument));
  if (!info.isFile) throw new FileError("not a file");
  return info;
}

/** Whether what looks like `YYYYMMDDHHMMSS path` is the name of a file, and none that `..` makes of it. */
async function isName(session: FtpSession, argument: string): Promise<boolean> {
  const path = session.path(argument);
  if (!path.includes(argument.slice(0, argument.indexOf(" ") + 1))) return false;
  return await session.login.files.stat(path).then(() => true, () => false);
}

function modified({ mtime }: Deno.FileInfo): Date {
  if (!mtime || !isTellable(mtime)) throw new Refusal(550, "It has a time that no reply can tell.");
  return mtime;
}

/** `YYYYMMDDHHMMSS path`. */
function timeAndPath(argument: string): [time: Date | undefined, path: string] {
  const [, time = "", path = ""] = /^(\d{14}(?:\.\d+)?) (.+)$/s.exec(argument) ?? [];
  return [parseTimeVal(time), path];
}

/** Sets the time of last change, for all the commands that do. */
export async function setTime(
  session: FtpSession,
  time: Date,
  argument: string,
): Promise<FtpReply> {
  if (!session.login.rights.has("w")) {
    throw new Refusal(REPLIES.noRight.code, REPLIES.noRight.text);
  }
  const path = session.path(argument);
  await session.login.files.setModified(path, time);
  return reply(213, `Modify=${formatTimeVal(time)}; ${harmless(path)}`);
}
