/**
 * The users of servers, as `--user` and `--users` name them:
 * `NAME:PASSWORD[:DIR[:RIGHTS]]`, in a file with a hash in place of the password.
 */
import { Secret } from "./secret.ts";

/** What a user may do with files: `r` read and list, `w` write, `d` delete and rename. */
export type Right = "r" | "w" | "d";

/** A password as it is kept: a PHC string (`$scrypt$ln=14,r=8,p=1$SALT$HASH`). */
export interface PasswordHash {
  /** The logarithm of the cost, the block size, and the parallelization of RFC 7914. */
  cost: { ln: number; r: number; p: number };
  salt: Uint8Array;
  hash: Uint8Array;
}

/** A user of a server. */
export interface User {
  name: string;
  password: Secret | PasswordHash;
  /** The folder this user sees; undefined: the server's. */
  folder: string | undefined;
  rights: ReadonlySet<Right>;
}

const PHC = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
// 128 * r * 2^ln bytes of memory: what a file may ask for is not more than 256 MiB.
const HIGHEST_LN = 18;
const HIGHEST_R = 16;
const HIGHEST_P = 4;

/** Reads the value of `--user`. Without rights a user may read alone. Throws RangeError. */
export function parseUser(word: string): User {
  const [name, password, ...rest] = word.split(":");
  if (password === undefined) throw new RangeError("give NAME:PASSWORD[:DIR[:RIGHTS]]");
  return { ...parsePlace(name, rest), password: new Secret(password) };
}

/** Reads a file of users: one a line; empty lines and lines with `#` in front are passed over. Throws RangeError with the line's number. */
export function parseUsers(text: string): User[] {
  const users = new Map<string, User>();
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    try {
      const [name, hash = "", ...rest] = line.split(":");
      const user = { ...parsePlace(name, rest), password: parseHash(hash) };
      if (users.has(user.name)) throw new RangeError(`there is a second user ${user.name}`);
      users.set(user.name, user);
    } catch (error) {
      throw new RangeError(`line ${index + 1}: ${(error as Error).message}`);
    }
  }
  return [...users.values()];
}

/** A line of a file of users. */
export function formatUser(
  name: string,
  hash: PasswordHash,
  folder = "",
  rights: Iterable<Right> = ["r"],
): string {
  return [name, formatHash(hash), folder, [...rights].join("")].join(":");
}

function parsePlace(name: string | undefined, rest: string[]): Omit<User, "password"> {
  const [folder = "", rights = "r"] = rest;
  if (!name || /\s|\p{Cc}/u.test(name)) throw new RangeError("a user needs a name without blanks");
  if (rest.length > 2) throw new RangeError("too many colons: NAME:PASSWORD[:DIR[:RIGHTS]]");
  if (!/^[rwd]*$/.test(rights)) throw new RangeError("rights are letters of r, w and d");
  return { name, folder: folder || undefined, rights: new Set([...rights] as Right[]) };
}

function parseHash(text: string): PasswordHash {
  const [, ln, r, p, salt = "", hash = ""] = PHC.exec(text) ?? [];
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  const possible = cost.ln >= 1 && cost.ln <= HIGHEST_LN && cost.r >= 1 && cost.r <= HIGHEST_R &&
    cost.p >= 1 && cost.p <= HIGHEST_P;
  if (!possible) throw new RangeError("this is not a hash as --hash-password prints it");
  return { cost, salt: fromBase64(salt), hash: fromBase64(hash) };
}

function formatHash({ cost: { ln, r, p }, salt, hash }: PasswordHash): string {
  return `$scrypt$ln=${ln},r=${r},p=${p}$${toBase64(salt)}$${toBase64(hash)}`;
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/=+$/, "");
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  } catch {
    throw new RangeError("this is not a hash as --hash-password prints it");
  }
}
