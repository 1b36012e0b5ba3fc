/** Who comes in, and how fast passwords can be tried. */
import { delay } from "@std/async/delay";
import { Jail } from "../../tools/files/jail.ts";
import type { Secret } from "../../tools/protocol/secret.ts";
import type { Right, User } from "../../tools/protocol/users.ts";
import type { FtpSettings } from "./settings.ts";

/** A user who is logged in. */
export interface LoggedIn {
  name: string;
  anonymous: boolean;
  rights: ReadonlySet<Right>;
  files: Jail;
}

/** Failed logins on one connection, after which it is closed: as vsftpd and pyftpdlib. */
export const MOST_FAILURES = 3;

/** The wait after a failed login in milliseconds, for each that its address had lately. */
export const FAILURE_DELAY = 1000;
/** No wait is longer than so many of these. */
export const MOST_DELAYS = 10;
// So long, in milliseconds, an address is remembered, and no more addresses than these.
const MEMORY = 600_000;
const MOST_ADDRESSES = 10_000;
/** The tries of one address that may be under way: a school behind it may log in at once, some twenty a second. */
export const MOST_TRIES = 100;

/**
 * Remembers which addresses fail to log in, and has the tries of each address
 * take turns, so that a thousand connections guess no faster than one, and keep
 * no other address waiting for its hashes. It is the address that pays: users
 * who share theirs with somebody who guesses wait as well, and hear 421 while
 * the line is full. Nothing tells them apart before their password is checked.
 */
export class LoginGuard {
  readonly #failures = new Map<string, { count: number; last: number }>();
  /** Who waits, by address: the first has its turn. */
  readonly #lines = new Map<string, Set<() => void>>();

  /**
   * Waits for a turn of `address`, which lasts until it is disposed of, and in it
   * until the penalty is over. No longer once `gone` aborts: the next in line
   * waits out what is left. Undefined: too many wait.
   */
  async turn(address: string, gone: AbortSignal): Promise<Disposable | undefined> {
    const line = this.#lines.get(address) ?? new Set();
    if (line.size >= MOST_TRIES) return undefined;
    this.#lines.set(address, line);
    const called = Promise.withResolvers<void>();
    const call = (): void => called.resolve();
    line.add(call);
    if (line.size === 1 || gone.aborted) call();
    gone.addEventListener("abort", call);
    await called.promise;
    gone.removeEventListener("abort", call);
    const wait = this.penalty(address, performance.now());
    if (wait > 0) await delay(wait, { signal: gone }).catch(() => {});
    return {
      [Symbol.dispose]: (): void => {
        line.delete(call);
        const [next] = line;
        if (next) next();
        else this.#lines.delete(address);
      },
    };
  }

  /** Notes a failure at the time `now`; returns how long the answer has to wait, in milliseconds. */
  failed(address: string, now: number): number {
    const before = this.#failures.get(address);
    const count = before && now - before.last < MEMORY ? before.count + 1 : 1;
    // Set anew, so that the first in the map is the one that failed longest ago.
    this.#failures.delete(address);
    this.#failures.set(address, { count, last: now });
    const [oldest = ""] = this.#failures.keys();
    if (this.#failures.size > MOST_ADDRESSES) this.#failures.delete(oldest);
    return this.penalty(address, now);
  }

  /** How long `address` has to wait at the time `now`, in milliseconds. */
  penalty(address: string, now: number): number {
    const { count, last } = this.#failures.get(address) ?? { count: 0, last: now };
    return Math.max(0, last + FAILURE_DELAY * Math.min(count, MOST_DELAYS) - now);
  }

  /** Notes a login. */
  succeeded(address: string): void {
    this.#failures.delete(address);
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const latin1 = new TextDecoder("latin1");

/** A password as text. Clients without UTF-8 send Latin-1: an `é` is an `é` from either, and no two letters are one. */
export function passwordText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return latin1.decode(bytes);
  }
}

const ANONYMOUS = new Set(["anonymous", "ftp"]);

/** Whether `name` is one that needs no password (RFC 1635). */
export function isAnonymous(name: string): boolean {
  return ANONYMOUS.has(name.toLowerCase());
}

/** The folders that are served, each opened once. */
export class Folders {
  readonly #open = new Map<string, Jail>();

  /** The folder at `path`. Throws FileError. */
  async at(path: string): Promise<Jail> {
    let files = this.#open.get(path);
    if (!files) this.#open.set(path, files = await Jail.open(path));
    return files;
  }
}

/** The user that `name` and `password` prove; undefined when they prove none. Throws FileError when the user's folder is not there. */
export async function logIn(
  { anonymous, folder, users, folders }: Pick<FtpSettings, "anonymous" | "folder" | "users"> & {
    folders: Folders;
  },
  name: string,
  password: Secret,
): Promise<LoggedIn | undefined> {
  if (anonymous && isAnonymous(name)) {
    const files = await folders.at(folder);
    return { name: "anonymous", anonymous: true, rights: anonymous, files };
  }
  // Loaded when it is needed, as TLS is: node:crypto takes 6 MB.
  const { checkPassword } = await import("../../tools/program/passwords.ts");
  const known = new Map(users.map((user) => [user.name, user]));
  const user: User | undefined = await checkPassword(known, name, password);
  return user && {
    name: user.name,
    anonymous: false,
    rights: user.rights,
    files: await folders.at(user.folder ?? folder),
  };
}
