/** What the server answers, as data. */
import type { FileErrorKind } from "../../tools/files/errors.ts";

/** A reply: its code, and its text, whose lines are separated by `\n`. */
export interface FtpReply {
  code: number;
  text: string;
}

/** Ends a command with a reply that refuses it. */
export class Refusal extends Error {
  override name = "Refusal";

  constructor(readonly code: number, readonly text: string) {
    super(text);
  }
}

/** The replies to what can go wrong with files (RFC 959 section 4.2.2). */
export const FILE_REPLIES: Record<FileErrorKind, FtpReply> = {
  "not found": { code: 550, text: "No such file or folder." },
  "exists": { code: 550, text: "It exists already." },
  "not a file": { code: 550, text: "Not a plain file." },
  "not a folder": { code: 550, text: "Not a folder." },
  // A link out of the served folder, or a name that is no UTF-8, is in the way as well.
  "not empty": { code: 550, text: "The folder is not empty; not all in it may be listed." },
  "denied": { code: 550, text: "Permission denied." },
  "bad name": { code: 553, text: "Not a name that a file here can have." },
  "no space": { code: 452, text: "No space left." },
  "failed": { code: 451, text: "The disk failed." },
};

/** Refusals that stand in more than one place. */
export const REPLIES = {
  unknown: { code: 500, text: "Unknown command." },
  notHere: { code: 502, text: "This command is not served here." },
  foreign: { code: 500, text: "This is an FTP server." },
  loginFirst: { code: 530, text: "Log in with USER and PASS first." },
  noRight: { code: 550, text: "You have no right to do this here." },
  noArgument: { code: 501, text: "This command takes no argument." },
  needsArgument: { code: 501, text: "This command needs an argument." },
  badCharacters: { code: 501, text: "The argument has characters that no name can have." },
  failed: { code: 451, text: "Something failed here." },
  idle: { code: 421, text: "Nothing was asked for too long; goodbye." },
  loginTime: { code: 421, text: "The login took too long; goodbye." },
  stopping: { code: 421, text: "The server stops; goodbye." },
  noDataWay: { code: 425, text: "Use PASV, EPSV, PORT or EPRT first." },
  noSpaceLeft: { code: 552, text: "No space left." },
  gone: { code: 426, text: "The client is gone." },
  aborted: { code: 426, text: "The transfer was aborted." },
} as const satisfies Record<string, FtpReply>;
