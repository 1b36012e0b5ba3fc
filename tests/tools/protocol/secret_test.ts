import { assert, assertEquals } from "@std/assert";
import { Secret } from "../../../tools/protocol/secret.ts";

Deno.test("a secret is only given away by reveal()", () => {
  const secret = new Secret("hunter2");
  const holder = { user: "guest", password: secret };
  const shown = [
    String(secret),
    `${secret}`,
    "" + secret,
    JSON.stringify(holder),
    Deno.inspect(secret),
    Deno.inspect(holder, { showHidden: true }),
    Object.entries(secret).join(),
    String(new Error("failed", { cause: secret }).cause),
  ];
  for (const text of shown) assert(!text.includes("hunter2"), text);
  assertEquals(JSON.stringify(holder), '{"user":"guest","password":"***"}');
  assertEquals(secret.reveal(), "hunter2");
});
