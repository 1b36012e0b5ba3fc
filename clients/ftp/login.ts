/** Who logs in: by the command line, by `.netrc`, or as a guest. */
import { join } from "@std/path";
import { EXIT, Failure, fileFailure, UsageError } from "../../tools/program/failure.ts";
import { Keyboard } from "../../tools/program/keyboard.ts";
import { findLogin, type NetrcEntry, parseNetrc } from "../../tools/protocol/netrc.ts";
import { Secret } from "../../tools/protocol/secret.ts";
import { visible } from "../../tools/protocol/text.ts";
import type { FtpLogin } from "./client.ts";

/** A name, and a password if one was given. */
export interface GivenLogin {
  name: string;
  password: Secret | undefined;
}

/** How anybody logs in: with an address as password (RFC 1635). */
export const GUEST: FtpLogin = { user: "anonymous", password: new Secret("guest@") };

/** Reads `NAME[:PASSWORD]`. Throws RangeError. */
export function parseLogin(word: string): GivenLogin {
  const [, name = "", password] = /^([^:]*)(?::(.*))?$/s.exec(word) ?? [];
  if (name === "") throw new RangeError("give NAME or NAME:PASSWORD");
  return { name, password: password === undefined ? undefined : new Secret(password) };
}

/** The entries of `.netrc`: $NETRC, or the file in the home folder. None when there is no file. Throws Failure. */
async function readNetrc(): Promise<NetrcEntry[]> {
  const home = Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE");
  const path = Deno.env.get("NETRC") ?? (home && join(home, ".netrc"));
  if (!path) return [];
  try {
    const { mode } = await Deno.stat(path);
    const entries = parseNetrc(await Deno.readTextFile(path));
    // ftp of BSD refuses such a file too.
    if (mode && mode & 0o077 && entries.some(isSecret)) {
      throw new Failure(
        EXIT.file,
        `${path}: others can read the passwords in it (chmod 600 ${path})`,
      );
    }
    return entries;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw fileFailure(path, error);
  }
}

function isSecret({ login, password }: NetrcEntry): boolean {
  return password !== undefined && !isGuest(login ?? "");
}

/** Whether anybody may be `name`. */
export function isGuest(name: string): boolean {
  return name === "anonymous" || name === "ftp";
}

/** What is known without asking anybody; undefined when a name or a password is missing. Throws Failure. */
export async function knownLogin(
  host: string,
  given: GivenLogin | undefined,
): Promise<FtpLogin | undefined> {
  if (given?.password) return { user: given.name, password: given.password };
  const entry = findLogin(await readNetrc(), host, given?.name);
  if (entry?.login !== undefined && entry.password) {
    return { user: entry.login, password: entry.password, account: entry.account };
  }
  return given && isGuest(given.name) ? { ...GUEST, user: given.name } : undefined;
}

/** Who logs in where nobody is to be asked for more than a password. Throws Failure. */
export async function loginFor(host: string, given: GivenLogin | undefined): Promise<FtpLogin> {
  const login = await knownLogin(host, given);
  if (login) return login;
  if (given === undefined) return GUEST;
  if (!Deno.stdin.isTerminal()) {
    throw new UsageError("give NAME:PASSWORD, or write a .netrc (there is no terminal to ask)");
  }
  const password = await new Keyboard().secret(`Password for ${visible(given.name)}: `);
  if (password === null) throw new Failure(EXIT.interrupted, "interrupted");
  return { user: given.name, password };
}
