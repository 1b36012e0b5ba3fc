/** Logging in and leaving (RFC 959 section 4.1.1), and TLS (RFC 4217). */
import { delay } from "@std/async/delay";
import { FileError } from "../../tools/files/errors.ts";
import { Secret } from "../../tools/protocol/secret.ts";
import { reply } from "./command.ts";
import { isAnonymous, logIn, MOST_FAILURES } from "./login.ts";
import { type FtpReply, Refusal } from "./replies.ts";
import type { FtpSession, SessionCommand } from "./session.ts";

const NEED_TLS = reply(530, "Use AUTH TLS first: this server wants TLS.");
const NO_TLS = reply(502, "This server has no TLS.");

/** The commands. */
export const ACCESS_COMMANDS: SessionCommand[] = [
  {
    verbs: ["USER"],
    needs: "nothing",
    argument: "required",
    help: "name: log in under this name",
    source: "RFC 959 section 4.1.1",
    run(session, name): FtpReply {
      if (session.service.tls?.required && !session.tls) return NEED_TLS;
      if (session.user) return reply(530, "You are logged in already.");
      session.name = name;
      // The same answer whoever it is: names cannot be probed.
      return session.service.anonymous && isAnonymous(name)
        ? reply(331, "Any password will do; your mail address is a polite one.")
        : reply(331, "Password, please.");
    },
  },
  {
    verbs: ["PASS"],
    needs: "nothing",
    argument: "optional",
    help: "password: prove who you are",
    source: "RFC 959 section 4.1.1",
    run: login,
  },
  {
    verbs: ["ACCT"],
    needs: "nothing",
    argument: "required",
    help: "account: say who pays, which nobody asks here",
    source: "RFC 959 section 4.1.1",
    run: () => reply(202, "There are no accounts here."),
  },
  {
    verbs: ["REIN"],
    needs: "nothing",
    argument: "none",
    help: "begin anew, as another user",
    source: "RFC 959 section 4.1.1",
    run(session): FtpReply {
      session.reinitialize();
      return reply(220, "As at the beginning: log in.");
    },
  },
  {
    verbs: ["QUIT"],
    needs: "nothing",
    argument: "none",
    help: "leave",
    source: "RFC 959 section 4.1.1",
    run(session): undefined {
      session.dismiss(reply(221, "Goodbye."));
    },
  },
  {
    verbs: ["AUTH"],
    needs: "nothing",
    argument: "required",
    help: "TLS: protect this connection",
    source: "RFC 4217 section 4",
    features: ({ service }) => service.tls ? ["AUTH TLS"] : [],
    async run(session, mechanism): Promise<FtpReply | undefined> {
      if (!session.service.tls) return NO_TLS;
      // What curl tries first, SSL, is TLS by another name.
      if (!/^(?:TLS|TLS-C|SSL)$/i.test(mechanism)) return reply(504, "AUTH TLS is all there is.");
      if (session.tls) return reply(503, "TLS is there already.");
      if (session.user) return reply(503, "Too late: you are logged in.");
      if (session.hasMore) {
        // It came in clear, from anybody, and would be taken for something protected.
        session.dismiss(reply(503, "Nothing may follow AUTH before its answer."));
        return undefined;
      }
      await session.send(reply(234, "Start TLS now."));
      await session.startTls();
      return undefined;
    },
  },
  {
    verbs: ["PBSZ"],
    needs: "nothing",
    argument: "required",
    help: "0: the size of protected blocks, which TLS has no need of",
    source: "RFC 4217 section 8",
    features: ({ service }) => service.tls ? ["PBSZ"] : [],
    run({ service, tls }, size): FtpReply {
      if (!service.tls) return NO_TLS;
      if (!tls) return reply(503, "Use AUTH TLS first.");
      return /^\d+$/.test(size) ? reply(200, "PBSZ=0") : reply(501, "PBSZ 0, as TLS has it.");
    },
  },
  {
    verbs: ["PROT"],
    needs: "nothing",
    argument: "required",
    help: "P or C: protect data connections, or do not",
    source: "RFC 4217 section 9",
    features: ({ service }) => service.tls ? ["PROT"] : [],
    run(session, level): FtpReply {
      const { service, tls } = session;
      if (!service.tls) return NO_TLS;
      if (!tls) return reply(503, "Use AUTH TLS first.");
      if (!/^[CSEP]$/i.test(level)) return reply(504, "PROT P or PROT C.");
      if (/[SE]/i.test(level)) return reply(536, "TLS knows P and C alone.");
      const isPrivate = /P/i.test(level);
      if (service.tls.required === "all" && !isPrivate) {
        return reply(534, "This server wants PROT P.");
      }
      session.protectData = isPrivate;
      return reply(200, isPrivate ? "Data is protected." : "Data is in clear.");
    },
  },
];

async function login(session: FtpSession, password: string): Promise<FtpReply | undefined> {
  const { service, name, ends } = session;
  if (session.user) return reply(230, "You are logged in already.");
  if (name === undefined) return reply(503, "USER comes first.");
  session.name = undefined;
  if (service.anonymous && isAnonymous(name)) return await attempt(session, name, password);
  const { over } = session;
  using turn = await service.guard.turn(ends.peer, over);
  if (!turn) {
    session.log("refused", { name, reason: "too many logins from this address at once" });
    session.dismiss(reply(421, "Too many logins from your address at once; try later."));
    return undefined;
  }
  // Nothing is hashed for a client that is gone.
  return over.aborted ? undefined : await attempt(session, name, password);
}

async function attempt(
  session: FtpSession,
  name: string,
  password: string,
): Promise<FtpReply | undefined> {
  const { service, ends } = session;
  const user = await logIn(service, name, new Secret(password)).catch((error) => {
    if (!(error instanceof FileError)) throw error;
    session.log("failed", { name, reason: `the folder of this user: ${error.message}` });
    throw new Refusal(530, "Your folder cannot be served now.");
  });
  if (user && !service.sessions.enter(user.name)) {
    session.log("refused", { name, reason: "too many sessions of this user" });
    session.dismiss(reply(421, "This user is here too many times already."));
    return undefined;
  }
  if (user) {
    session.user = user;
    if (!user.anonymous) service.guard.succeeded(ends.peer);
    session.log("login", { tls: session.tls?.version });
    return reply(230, user.anonymous ? "Welcome. Look around." : "Welcome.");
  }
  session.log("login failed", { name });
  const wait = service.guard.failed(ends.peer, performance.now());
  await delay(wait, { signal: session.over }).catch(() => {});
  if (++session.failures < MOST_FAILURES) return reply(530, "Name or password is wrong.");
  session.dismiss(reply(421, "Name or password is wrong, too many times; goodbye."));
  return undefined;
}
