/** Making and checking password hashes by scrypt (RFC 7914). */
import { createHash, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { Secret } from "../protocol/secret.ts";
import type { PasswordHash, User } from "../protocol/users.ts";

// 16 MiB and some 40 ms for each guess.
const COST = { ln: 14, r: 8, p: 1 };
const SALT_LENGTH = 16;
const HASH_LENGTH = 32;

// Whoever guesses many passwords at once waits in line, and the memory is that of one hash.
let last: Promise<unknown> = Promise.resolve();

/** Hashes a password with a salt of its own. */
export async function hashPassword(password: Secret): Promise<PasswordHash> {
  const salt = new Uint8Array(randomBytes(SALT_LENGTH));
  return { cost: COST, salt, hash: await derive(password, salt, COST, HASH_LENGTH) };
}

/**
 * The user that `name` and `password` prove; undefined when there is none. An
 * unknown name takes as long as a wrong password.
 */
export async function checkPassword(
  users: ReadonlyMap<string, User>,
  name: string,
  password: Secret,
): Promise<User | undefined> {
  const user = users.get(name);
  const right = await matches(password, user?.password ?? STRANGER);
  return user && right ? user : undefined;
}

/** Nobody's password. */
const STRANGER: PasswordHash = {
  cost: COST,
  salt: new Uint8Array(SALT_LENGTH),
  hash: new Uint8Array(HASH_LENGTH),
};

async function matches(given: Secret, kept: Secret | PasswordHash): Promise<boolean> {
  if ("reveal" in kept) {
    // Hashed, so that neither length nor content shows in the time.
    return timingSafeEqual(digest(given), digest(kept));
  }
  const hash = await derive(given, kept.salt, kept.cost, kept.hash.length);
  return timingSafeEqual(hash, kept.hash);
}

function digest(secret: Secret): Uint8Array {
  return createHash("sha256").update(secret.reveal()).digest();
}

function derive(
  password: Secret,
  salt: Uint8Array,
  { ln, r, p }: PasswordHash["cost"],
  length: number,
): Promise<Uint8Array> {
  const work = (): Promise<Uint8Array> =>
    new Promise((resolve, reject) =>
      scrypt(
        password.reveal().normalize("NFC"),
        salt,
        length,
        { N: 2 ** ln, r, p, maxmem: 2 ** 30 },
        (error, hash) => error ? reject(error) : resolve(new Uint8Array(hash)),
      )
    );
  const result = last.then(work);
  last = result.catch(() => {});
  return result;
}
