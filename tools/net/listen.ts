/** Where a server listens: addresses, ports, and the twin of a port that only root may take. */
import { EXIT, Failure, plainMessage } from "../program/failure.ts";
import { formatHostPort } from "../protocol/address.ts";
import { closeQuietly } from "./errors.ts";

/** The port for an unprivileged user in place of each well-known one. */
export const TWIN_PORTS: Readonly<Record<number, number>> = {
  13: 1313,
  21: 2121,
  25: 2525,
  53: 1053,
  69: 6969,
  80: 8080,
  443: 8443,
  465: 4650,
  990: 9990,
};

/** How many connections may wait to be accepted: as many as Linux allows. One too many tries again after a whole second. */
export const BACKLOG = 4096;

/** Where to listen. */
export interface Where {
  transport: "tcp" | "udp";
  /** Empty: all addresses of the machine. */
  hosts: string[];
  /** Undefined: the well-known port, or its twin. */
  port: number | undefined;
  /** The well-known port of the service. */
  service: number;
}

interface Socket {
  addr: Deno.Addr;
  close(): void;
}

/** Opens one socket. `shared` is for `reuseAddress`: the sockets of one UDP server have their port in common. */
type Open<S> = (hostname: string, port: number, shared: boolean) => S;

/**
 * Opens a socket at every address of `where` by calling `open`, so that the
 * call of Deno.listen or Deno.listenDatagram stands in the program. `notice`
 * hears of a twin port. Throws Failure (exit code 3) in plain words.
 */
export function listenAt<S extends Socket>(
  where: Where,
  open: Open<S>,
  notice: (message: string) => void,
): S[] {
  const twin = TWIN_PORTS[where.service];
  const port = where.port ?? where.service;
  try {
    return openAll(where, port, open);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    if (where.port !== undefined || twin === undefined) {
      throw new Failure(
        EXIT.unreachable,
        `port ${port}: not allowed for this user (take a port above 1023, or run as root)`,
      );
    }
    notice(
      `${where.transport} port ${port} is not allowed for this user: taking ${twin}`,
    );
    return listenAt({ ...where, port: twin }, open, notice);
  }
}

function openAll<S extends Socket>({ transport, hosts }: Where, port: number, open: Open<S>): S[] {
  if (hosts.length > 0) return openEach(hosts, port, false, open);
  const openEverywhere = (wildcard: string): S[] => {
    if (transport === "tcp") return [openOne(wildcard, port, false, open)];
    // A port that is shared would be shared with another server too: it has to be free first.
    const probe = openOne(wildcard, port, false, open);
    probe.close();
    const free = (probe.addr as Deno.NetAddr).port;
    return openEach([...localAddresses(), wildcard], free, true, open);
  };
  try {
    return openEverywhere("::");
  } catch (error) {
    if (!NO_IPV6.has(codeOf(error))) throw error;
    return openEverywhere("0.0.0.0");
  }
}

// How a machine without IPv6 refuses its wildcard address.
const NO_IPV6 = new Set(["EAFNOSUPPORT", "EADDRNOTAVAIL", "EPROTONOSUPPORT"]);

function codeOf(error: unknown): string {
  const cause = error instanceof Failure ? error.cause : error;
  return (cause as { code?: string }).code ?? "";
}

function openEach<S extends Socket>(
  hosts: string[],
  port: number,
  shared: boolean,
  open: Open<S>,
): S[] {
  const sockets: S[] = [];
  try {
    for (const host of hosts) {
      // With port 0 the system chooses for the first socket, and the others follow it.
      const chosen = (sockets[0]?.addr as Deno.NetAddr | undefined)?.port ?? port;
      try {
        sockets.push(openOne(host, chosen, shared, open));
      } catch (error) {
        // An address of ours that is not ready yet (RFC 4862 section 5.4), or just gone: the wildcard socket serves it.
        if (!shared || host === hosts.at(-1) || codeOf(error) !== "EADDRNOTAVAIL") throw error;
      }
    }
    return sockets;
  } catch (error) {
    sockets.forEach(closeQuietly);
    throw error;
  }
}

function openOne<S>(
  host: string,
  port: number,
  shared: boolean,
  open: Open<S>,
): S {
  const failure = (reason: string, error: unknown): Failure =>
    new Failure(EXIT.unreachable, `${formatHostPort(host, port)}: ${reason}`, {
      cause: error,
    });
  try {
    return open(host, port, shared);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw failure(
        "address in use (is another server running? try another port)",
        error,
      );
    }
    if (error instanceof Deno.errors.AddrNotAvailable) {
      throw failure("no such address on this machine", error);
    }
    if (error instanceof URIError || /lookup address/.test(String(error))) {
      throw failure("no such host", error);
    }
    if (error instanceof Deno.errors.NotCapable) {
      throw failure("not allowed for this program (see --help, Permissions)", error);
    }
    if (error instanceof Deno.errors.PermissionDenied) throw error; // The twin port may do.
    throw failure(plainMessage(error), error);
  }
}

/**
 * The addresses of this machine. A UDP server opens a socket at each, so that a
 * reply leaves from the address that was asked; the wildcard socket beside them
 * hears broadcasts, and addresses that come later.
 */
function localAddresses(): string[] {
  if (
    Deno.permissions.querySync({ name: "sys", kind: "networkInterfaces" })
      .state !== "granted"
  ) {
    return [];
  }
  return Deno.networkInterfaces()
    // A link-local IPv6 address is nothing without its zone, which Deno cannot bind to.
    .filter(({ address }) => !address.toLowerCase().startsWith("fe80:"))
    .map(({ address }) => address);
}
