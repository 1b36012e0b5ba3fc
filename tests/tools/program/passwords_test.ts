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
