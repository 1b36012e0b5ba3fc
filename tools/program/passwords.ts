/** Making and checking password hashes by scrypt (RFC 7914). */
import { createHash, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { Secret } from "../protocol/secret.ts";
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
 * The user that `name` and `password` prove; undefined when there is none. Each
 * name takes as long, be it of a user or of nobody.
 */
export async function checkPassword(
  users: ReadonlyMap<string, User>,
  name: string,
  password: Secret,
): Promise<User | undefined> {
  const user = users.get(name);
  const kept = user?.password;
  const clear = kept instanceof Secret ? kept : undefined;
  // Digests, so that neither length nor content shows in the time.
  const same = timingSafeEqual(digest(password), digest(clear ?? password));
  let right = same && clear !== undefined;
  for (const one of hashesOfEachCost(users.values(), kept)) {
    const hash = await derive(password, one.salt, one.cost, one.hash.length);
    if (timingSafeEqual(hash, one.hash) && one === kept) right = true;
  }
  return right ? user : undefined;
}

/** One hash of each cost in use, made for the sake of the time; `kept` is the one of its cost. */
function hashesOfEachCost(
  users: Iterable<User>,
  kept: User["password"] | undefined,
): Iterable<PasswordHash> {
  const hashes = new Map<string, PasswordHash>();
  for (const password of [...Array.from(users, (user) => user.password), kept]) {
    if (!password || password instanceof Secret) continue;
    const { ln, r, p } = password.cost;
    hashes.set(`${ln},${r},${p}`, password);
  }
  return hashes.values();
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
