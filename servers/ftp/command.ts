/** What a command of FTP is to a server. The tables of commands are data; HELP, FEAT and the refusals derive from them. */
import type { Right } from "../../tools/protocol/users.ts";
import type { FtpReply } from "./replies.ts";

/** A command of a `Session`. */
export interface FtpServerCommand<Session> {
  /** Its verb, and other verbs for the same, such as XPWD for PWD. */
  verbs: [string, ...string[]];
  /** What must have gone before: nothing, a login, or a login with a right. */
  needs: "nothing" | "login" | Right;
  argument: "none" | "optional" | "required";
  /** The line of HELP: the argument, if there is one, then what it does. */
  help: string;
  /** Where it is defined. */
  source: string;
  /** Its lines in FEAT; none when undefined. */
  features?(session: Session): string[];
  /** It is served while a transfer runs: at once, or unless others wait before it. All others wait for its end. */
  duringTransfer?: "at once" | "in turn";
  /** It moves or changes files: the log has a line for each that is refused. */
  logged?: true;
  /** Does it, and says how it went; undefined: a transfer has begun, which will say so itself. */
  run(
    session: Session,
    argument: string,
  ): FtpReply | undefined | Promise<FtpReply | undefined>;
}

/** A reply in one line of source. */
export function reply(code: number, text: string): FtpReply {
  return { code, text };
}

/** Commands of FTP that are known, and not served: 502 instead of 500 (RFC 959 section 4.2.2). */
export const NOT_SERVED: ReadonlySet<string> = new Set(
  "ADAT CCC CONF ENC HOST LANG LPRT LPSV MIC SMNT".split(" "),
);

/** How other protocols begin. Web pages can make browsers send such lines, and whatever commands after them. */
export const FOREIGN: ReadonlySet<string> = new Set(
  "CONNECT DELETE EHLO GET HEAD HELO OPTIONS PATCH POST PUT TRACE".split(" "),
);
