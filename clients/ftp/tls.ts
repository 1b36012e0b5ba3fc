/** The TLS of a session: on its control connection, and on each data connection by the same TLS session. */
import { Failure } from "../../tools/program/failure.ts";
import type { Control, Protect } from "./control.ts";
import { FtpError } from "./errors.ts";
import type { FtpOptions } from "./options.ts";

/**
 * How connections of the session on `control` get TLS. Servers may refuse a
 * data connection that does not resume the TLS session of the control connection.
 */
export function sessionTls({ host, insecure }: FtpOptions, control: Control): Protect {
  const name = tlsName(host, control);
  return async (stream) => {
    const { tlsClient } = await import("../../tools/net/tls.ts");
    return await tlsClient(stream, { host: name, insecure, session: control.tls?.session() });
  };
}

/** AUTH TLS (RFC 4217 section 4). Throws Failure when the server has no TLS: nothing is sent in clear then. */
export async function askForTls(control: Control): Promise<void> {
  try {
    await control.ask("AUTH", "TLS");
  } catch (error) {
    if (!(error instanceof FtpError)) throw error;
    throw new Failure(error.exitCode, `the server refuses TLS: ${error.message}`, { cause: error });
  }
}

const users = new Map<string, Control>();

/**
 * The name by which Deno keeps the TLS sessions of this session, for the whole
 * process. Some servers (proftpd, FileZilla) want that of the very control
 * connection, so two sessions at once need two names: a dot at the end makes
 * another one of the same, and is not sent. There is no third.
 */
function tlsName(host: string, control: Control): string {
  const names = /^[\d.]+$|:/.test(host) ? [host] : [host, `${host}.`];
  const free = names.find((name) => users.get(name)?.closed ?? !users.has(name));
  if (free !== undefined) users.set(free, control);
  return free ?? host;
}
