/** How data will be sent (RFC 959 section 4.1.2), and where (RFC 2428). */
import { isIPv4, unmapped, zoneOf } from "../../tools/protocol/address.ts";
import {
  type DataAddress,
  formatExtendedPassive,
  formatSix,
  parseExtended,
  parseSix,
} from "../../tools/protocol/ftp_address.ts";
import { reply } from "./command.ts";
import { ActiveWay, isInternal, listenInRange, PassiveWay } from "./data.ts";
import { isLinkLocal } from "./link_local.ts";
import { type FtpReply, Refusal } from "./replies.ts";
import type { FtpSession, SessionCommand } from "./session.ts";

/** Ports below this are of services, which are not to be reached through us (RFC 2577 section 3). */
const FIRST_UNPRIVILEGED = 1024;

const ONLY_EPSV = reply(501, "EPSV ALL was said: no other command for data connections now.");

/** The commands. */
export const DATA_COMMANDS: SessionCommand[] = [
  {
    verbs: ["TYPE"],
    needs: "login",
    argument: "required",
    help: "A or I: send files as text, or byte for byte",
    source: "RFC 959 section 3.1.1",
    run(session, argument): FtpReply {
      const type = /^(?:A(?: N)?)$/i.test(argument)
        ? "A"
        : /^(?:I|L ?8)$/i.test(argument)
        ? "I"
        : undefined;
      if (type === undefined) return reply(504, "TYPE A, I or L 8.");
      session.type = type;
      return reply(200, type === "A" ? "Type is A: text." : "Type is I: byte for byte.");
    },
  },
  {
    verbs: ["MODE"],
    needs: "login",
    argument: "required",
    help: "S: send files as a stream",
    source: "RFC 959 section 3.4",
    run: (_, mode) => /^S$/i.test(mode) ? reply(200, "Mode is S.") : reply(504, "MODE S alone."),
  },
  {
    verbs: ["STRU"],
    needs: "login",
    argument: "required",
    help: "F: files have no structure",
    source: "RFC 959 section 3.1.2",
    run: (_, kind) =>
      /^F$/i.test(kind) ? reply(200, "Structure is F.") : reply(504, "STRU F alone."),
  },
  {
    verbs: ["PASV"],
    needs: "login",
    argument: "none",
    help: "you connect to us for the next data (IPv4)",
    source: "RFC 959 section 4.1.2",
    run(session): FtpReply {
      if (session.extendedOnly) return ONLY_EPSV;
      const { ends: { local, peer }, service: { publicAddress } } = session;
      if (!isIPv4(local)) return reply(425, "PASV knows IPv4 alone: use EPSV.");
      const host = publicAddress === undefined || isInternal(peer) ? local : publicAddress;
      const port = listenForClient(session);
      return reply(227, `Entering Passive Mode (${formatSix({ host, port })}).`);
    },
  },
  {
    verbs: ["EPSV"],
    needs: "login",
    argument: "optional",
    help: "you connect to us for the next data; EPSV ALL: and always",
    source: "RFC 2428 section 3",
    features: () => ["EPSV"],
    run(session, argument): FtpReply {
      if (/^ALL$/i.test(argument)) {
        session.extendedOnly = true;
        return reply(200, "EPSV it is, and nothing else.");
      }
      const own = isIPv4(session.ends.local) ? "1" : "2";
      if (!/^\d*$/.test(argument)) return reply(501, "EPSV, EPSV 1, EPSV 2 or EPSV ALL.");
      if (argument !== "" && argument !== own) return wrongProtocol(own);
      const port = listenForClient(session);
      return reply(229, `Entering Extended Passive Mode (${formatExtendedPassive(port)})`);
    },
  },
  {
    verbs: ["PORT"],
    needs: "login",
    argument: "required",
    help: "h1,h2,h3,h4,p1,p2: we connect to you for the next data (IPv4)",
    source: "RFC 959 section 4.1.2",
    run: (session, argument) => activate(session, parseSix(argument)),
  },
  {
    verbs: ["EPRT"],
    needs: "login",
    argument: "required",
    help: "|1 or 2|address|port|: we connect to you for the next data",
    source: "RFC 2428 section 2",
    features: () => ["EPRT"],
    run(session, argument): FtpReply {
      const address = parseExtended(argument);
      const own = isIPv4(session.ends.local) ? "1" : "2";
      const other = address !== "protocol" && address &&
        isIPv4(address.host) !== (own === "1");
      if (address === "protocol" || other) return wrongProtocol(own);
      return activate(session, address);
    },
  },
];

function wrongProtocol(own: string): FtpReply {
  return reply(522, `Network protocol not supported, use (${own})`);
}

/** Listens for the next data connection, in place of what was agreed on before; returns the port. Throws Refusal. */
function listenForClient(session: FtpSession): number {
  const { service, ends: { local, peer } } = session;
  session.way?.close();
  session.way = undefined;
  try {
    const { listener, port } = listenInRange(
      service.network,
      isLinkLocal(local) && !zoneOf(local) ? "::" : local,
      service.passivePorts,
      () => crypto.getRandomValues(new Uint32Array(1))[0] as number / 2 ** 32,
    );
    session.way = new PassiveWay(
      listener,
      peer,
      (stranger) => session.log("refused", { stranger, reason: "data from another address" }),
    );
    return port;
  } catch (error) {
    session.log("failed", { reason: `no port for passive mode: ${(error as Error).message}` });
    throw new Refusal(425, "There is no free port for data now.");
  }
}

/** The client's own address alone, and no port of a service: nobody uses us against others (RFC 2577 section 3). */
function activate(session: FtpSession, address: DataAddress | undefined): FtpReply {
  if (session.extendedOnly) return ONLY_EPSV;
  if (!address) return reply(501, "Not an address.");
  if (!sameHost(address.host, session.ends.peer)) {
    session.log("refused", { stranger: address.host, reason: "data to another address" });
    return reply(501, "Data goes to your own address alone.");
  }
  if (address.port < FIRST_UNPRIVILEGED) return reply(501, "Data goes to no port below 1024.");
  const zone = zoneOf(session.ends.local);
  const isLocal = isLinkLocal(address.host);
  if (isLocal && !zone) {
    return reply(501, "There is no way back to a link-local address: use EPSV.");
  }
  session.way?.close();
  const host = isLocal ? address.host + zone : address.host;
  session.way = new ActiveWay(session.service.network, { ...address, host });
  return reply(200, "We will connect to you.");
}

/** Whether two addresses are one, however they are written. */
function sameHost(one: string, other: string): boolean {
  const plain = (address: string): string =>
    address.includes(":") ? new URL(`http://[${address.replace(/%.*$/, "")}]`).hostname : address;
  return plain(unmapped(one)) === plain(other);
}
