/** What the server tells about itself and the session (RFC 959 section 4.1.3, RFC 2389). */
import { FACTS } from "../../tools/protocol/ftp_facts.ts";
import { reply } from "./command.ts";
import { entries, findListed, unixLine } from "./listing.ts";
import { type FtpReply, REPLIES } from "./replies.ts";
import { type FtpSession, HASHES, type SessionCommand } from "./session.ts";

/** STAT shows so many lines of a folder, since clients take no reply above 64 KiB; LIST shows all. */
export const MOST_STATUS_LINES = 100;

/** The commands; `all` are those that HELP and FEAT tell of. */
export function infoCommands(all: () => readonly SessionCommand[]): SessionCommand[] {
  return [
    {
      verbs: ["STAT"],
      needs: "nothing",
      argument: "optional",
      help: "[path]: show how the session is, or list without a data connection",
      source: "RFC 959 section 4.1.3",
      duringTransfer: "in turn",
      run: (session, path) => path === "" ? sessionStatus(session) : pathStatus(session, path),
    },
    {
      verbs: ["SYST"],
      needs: "nothing",
      argument: "none",
      help: "show the kind of system",
      source: "RFC 959 section 4.1.3",
      run: () => reply(215, "UNIX Type: L8"),
    },
    {
      verbs: ["FEAT"],
      needs: "nothing",
      argument: "none",
      help: "list what is served beyond RFC 959",
      source: "RFC 2389 section 3",
      run(session): FtpReply {
        const lines = all().flatMap(({ features }) => features?.(session) ?? []);
        const listed = [...lines, "TVFS"].sort().map((line) => ` ${line}`);
        return reply(211, ["Features:", ...listed, "End"].join("\n"));
      },
    },
    {
      verbs: ["OPTS"],
      needs: "nothing",
      argument: "required",
      help: "UTF8 ON, MLST facts, HASH name: set options",
      source: "RFC 2389 section 4",
      features: () => ["UTF8"],
      run: setOption,
    },
    {
      verbs: ["CLNT"],
      needs: "nothing",
      argument: "required",
      help: "name: say what client you are",
      source: "as others serve it",
      features: () => ["CLNT"],
      run: () => reply(200, "Good to know."),
    },
    {
      verbs: ["NOOP"],
      needs: "nothing",
      argument: "optional",
      help: "do nothing",
      source: "RFC 959 section 4.1.3",
      // For clients that keep a control connection alive through firewalls while a file moves.
      duringTransfer: "in turn",
      run: () => reply(200, "Nothing done."),
    },
    {
      verbs: ["HELP"],
      needs: "nothing",
      argument: "optional",
      help: "[command]: show this",
      source: "RFC 959 section 4.1.3",
      run: (_, topic) => help(all(), topic.toUpperCase()),
    },
  ];
}

function help(all: readonly SessionCommand[], topic: string): FtpReply {
  if (topic === "") {
    const lines = all.map(({ verbs, help }) => ` ${verbs.join(", ")} ${help}`);
    return reply(214, ["The commands:", ...lines, "End"].join("\n"));
  }
  const command = all.find(({ verbs }) => verbs.includes(topic));
  if (!command) return reply(502, "There is no such command.");
  return reply(214, `${topic} ${command.help} (${command.source})`);
}

function setOption(session: FtpSession, argument: string): FtpReply {
  const [, name = "", value = ""] = /^(\S+) ?(.*)$/s.exec(argument) ?? [];
  switch (name.toUpperCase()) {
    case "UTF8":
    case "UTF-8":
      if (/^(?:ON)?$/i.test(value)) return reply(200, "UTF-8 is always on.");
      return reply(504, "UTF-8 is always on.");
    case "MLST": {
      const wanted = new Set(value.toLowerCase().split(";"));
      session.facts = FACTS.filter((fact) => wanted.has(fact.toLowerCase()));
      return reply(200, `MLST OPTS ${session.facts.map((fact) => `${fact};`).join("")}`.trim());
    }
    case "HASH": {
      const hash = HASHES.find((hash) => hash === value.toUpperCase());
      if (!hash && value !== "") return reply(501, `HASH knows ${HASHES.join(", ")}.`);
      session.hash = hash ?? session.hash;
      return reply(200, session.hash);
    }
    default:
      return reply(501, "There is no such option.");
  }
}

function sessionStatus(session: FtpSession): FtpReply {
  const { user, ends, type, transfer, tls, protectData } = session;
  const lines = [
    "Status of this session:",
    ` Connected from ${ends.peer}${tls ? `, by ${tls.version}` : ""}`,
    ` ${user ? `Logged in as ${user.name}` : "Not logged in"}`,
    ` TYPE ${type}, MODE S, STRU F, PROT ${protectData ? "P" : "C"}`,
    ` ${transfer?.status ?? "No transfer is under way"}`,
    "End",
  ];
  return reply(211, lines.join("\n"));
}

async function pathStatus(session: FtpSession, path: string): Promise<FtpReply> {
  if (!session.user) return REPLIES.loginFirst;
  if (!session.user.rights.has("r")) return REPLIES.noRight;
  const listed = await findListed(session.user, session.folder, path);
  const line = unixLine(new Date());
  const lines: string[] = [];
  for await (const entry of entries(session.user, listed)) {
    if (lines.length === MOST_STATUS_LINES) {
      lines.push(" and more: LIST shows all");
      break;
    }
    lines.push(` ${line(entry)}`);
  }
  return reply(listed.file ? 213 : 212, ["Status:", ...lines, "End"].join("\n"));
}
