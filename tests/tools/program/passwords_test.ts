import { assert, assertEquals } from "@std/assert";
import { checkPassword, hashPassword } from "../../../tools/program/passwords.ts";
import { Secret } from "../../../tools/protocol/secret.ts";
import { formatUser, parseUser, parseUsers, type User } from "../../../tools/protocol/users.ts";

function table(...users: User[]): Map<string, User> {
  return new Map(users.map((user) => [user.name, user]));
}

Deno.test("passwords: a hash proves its password and no other, also after a trip through a file", async () => {
  const line = formatUser("ada", await hashPassword(new Secret("caf\u00e9 &:")), "/srv", [
    "r",
    "w",
  ]);
  const users = table(...parseUsers(line));
  const check = async (name: string, password: string): Promise<string | undefined> =>
    (await checkPassword(users, name, new Secret(password)))?.name;
  assertEquals(await check("ada", "caf\u00e9 &:"), "ada");
  assertEquals(await check("ada", "cafe\u0301 &:"), "ada"); // The same text, typed otherwise.
  assertEquals(await check("ada", "wrong"), undefined);
  assertEquals(await check("ada", ""), undefined);
  assertEquals(await check("eve", "caf\u00e9 &:"), undefined);
});

Deno.test("passwords: one password hashes to another string each time", async () => {
  const secret = new Secret("x");
  const [first, second] = [await hashPassword(secret), await hashPassword(secret)];
  assert(formatUser("a", first) !== formatUser("a", second));
});

Deno.test("passwords: those of the command line are checked as they are", async () => {
  const users = table(parseUser("bob:pass word"));
  assertEquals((await checkPassword(users, "bob", new Secret("pass word")))?.name, "bob");
  assertEquals(await checkPassword(users, "bob", new Secret("pass")), undefined);
});

Deno.test("passwords: many at once wait in line, and all are answered", async () => {
  const users = table(...parseUsers(formatUser("ada", await hashPassword(new Secret("x")))));
  const answers = await Promise.all(
    ["x", "y", "x", "z"].map((word) => checkPassword(users, "ada", new Secret(word))),
  );
  assertEquals(answers.map((user) => user?.name), ["ada", undefined, "ada", undefined]);
});

/** A user with a hash of cost `ln`, whose salt is noted in `hashed` when it is used. */
function hashedUser(name: string, ln: number, hashed: number[]): User {
  const [salt, hash] = [new Uint8Array(16), new Uint8Array(32)];
  const password = {
    cost: { ln, r: 1, p: 1 },
    get salt(): Uint8Array {
      hashed.push(ln);
      return salt;
    },
    hash,
  };
  return { ...parseUser(`${name}:`), password };
}

Deno.test("passwords: a try makes the same hashes under each name, whatever users there are", async () => {
  const hashed: number[] = [];
  const [ada, bob] = [hashedUser("ada", 4, hashed), hashedUser("bob", 4, hashed)];
  const [cy, dan, eve] = [
    hashedUser("cy", 5, hashed),
    parseUser("dan:pw"),
    parseUser("eve:longer"),
  ];
  for (
    const [users, costs] of [
      [[ada, bob], [4]],
      [[dan, ada, bob, eve], [4]],
      [[ada, cy, bob, dan], [4, 5]],
      [[dan, eve], []],
    ] as const
  ) {
    for (const name of [...users.map(({ name }) => name), "nobody", ""]) {
      for (const password of ["pw", ""]) {
        hashed.length = 0;
        const user = await checkPassword(table(...users), name, new Secret(password));
        assertEquals(user?.name, name === "dan" && password === "pw" ? name : undefined);
        assertEquals(hashed.sort(), [...costs], name);
      }
    }
  }
});

Deno.test("passwords: a user's own hash counts, and not one that is made for the time it takes", async () => {
  const lines = [];
  for (const name of ["ada", "bob"]) {
    lines.push(formatUser(name, await hashPassword(new Secret(`${name}'s`))));
  }
  const users = table(...parseUsers(lines.join("\n")), parseUser("dan:pw"));
  for (const name of ["ada", "bob", "dan", "nobody"]) {
    for (const password of ["ada's", "bob's", "pw"]) {
      const proved = password === `${name}'s` || name + password === "danpw";
      assertEquals(
        (await checkPassword(users, name, new Secret(password)))?.name,
        proved ? name : undefined,
      );
    }
  }
});
