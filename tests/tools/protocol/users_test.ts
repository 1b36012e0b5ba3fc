import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { Secret } from "../../../tools/protocol/secret.ts";
import {
  formatUser,
  parseUser,
  parseUsers,
  type PasswordHash,
} from "../../../tools/protocol/users.ts";

const HASH = "$scrypt$ln=14,r=8,p=1$AAECAw$BAUGBw";

Deno.test("parseUser: name, password, folder and rights", () => {
  const { password, ...rest } = parseUser("ada:secret:/srv/ada:rwd");
  assertEquals((password as Secret).reveal(), "secret");
  assertEquals(rest, {
    name: "ada",
    folder: "/srv/ada",
    rights: new Set(["r", "w", "d"] as const),
  });
  assertEquals(parseUser("ada:secret").rights, new Set(["r"]));
  assertEquals(parseUser("ada:secret").folder, undefined);
  assertEquals(parseUser("ada:").name, "ada");
  assertEquals(parseUser("ada:x::rw").folder, undefined);
  assertEquals(parseUser("ada:x::").rights, new Set());
});

Deno.test("parseUser: what is refused", () => {
  for (const word of ["", "ada", ":x", "a b:x", "a\n:x", "ada:x:/d:rx", "ada:x:/d:r:more"]) {
    assertThrows(() => parseUser(word), RangeError);
  }
});

Deno.test("parseUsers: lines, comments, and what formatUser makes", () => {
  const text = `# people\n\nada:${HASH}:/srv/ada:rw\r\nbob:${HASH}\n`;
  const users = parseUsers(text);
  assertEquals(users.map(({ name, folder }) => [name, folder]), [
    ["ada", "/srv/ada"],
    ["bob", undefined],
  ]);
  const [ada] = users;
  const password = ada?.password as PasswordHash;
  assertEquals(password, {
    cost: { ln: 14, r: 8, p: 1 },
    salt: Uint8Array.of(0, 1, 2, 3),
    hash: Uint8Array.of(4, 5, 6, 7),
  });
  assertEquals(
    formatUser("ada", password, "/srv/ada", ["r", "w"]),
    `ada:${HASH}:/srv/ada:rw`,
  );
});

Deno.test("parseUsers: a bad line is named by its number", () => {
  const bad = [
    "ada",
    "ada:plain",
    `ada:${HASH.replace("ln=14", "ln=40")}`,
    `ada:${HASH.replace("r=8", "r=0")}`,
    `ada:${HASH}:/d:x`,
    `ada:${HASH}\nada:${HASH}`,
  ];
  for (const text of bad) {
    assertThrows(() => parseUsers(text), RangeError, `line ${text.split("\n").length}: `);
  }
});

Deno.test("parseUsers: any text gives users or a RangeError", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    try {
      parseUsers(text);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }));
});
