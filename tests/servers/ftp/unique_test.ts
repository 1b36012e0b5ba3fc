/** The names that STOU gives. */
import { assertEquals, assertMatch } from "@std/assert";
import { ftpTest } from "../../support/ftp_server.ts";

const read = (path: string): string => Deno.readTextFileSync(path);

ftpTest("STOU never takes a name that is taken", async ({ login, names, root }) => {
  const client = await login();
  const stored: string[] = [];
  for (const line of ["STOU", "STOU", "STOU hello"]) {
    using data = await client.data();
    const [, name = ""] = /^150 FILE: (.*)$/.exec(await client.ask(line)) ?? [];
    stored.push(name);
    data.close();
    assertMatch(await client.reply(), /^226 /);
  }
  assertEquals(stored, ["file", "file.1", "hello.1"]);
  assertEquals(names(), [".hidden", "file", "file.1", "hello", "hello.1", "sub"]);
  assertEquals(read(`${root}/hello`), "hello\n");
});

ftpTest("STOU finds a name however many are taken", async ({ login, root }) => {
  for (let i = 1; i < 100; i++) await Deno.writeTextFile(`${root}/hello.${i}`, "");
  const client = await login();
  using data = await client.data();
  const [, name = ""] = /^150 FILE: (hello\.[-0-9a-f]{36})$/.exec(await client.ask("STOU hello")) ??
    [];
  data.close();
  assertMatch(await client.reply(), /^226 /);
  assertEquals(read(`${root}/${name}`), "");
});

ftpTest("STOU tells no name to two at once", async ({ login, names, root }) => {
  const [one, other] = [await login(), await login()];
  const [first, second] = [await one.data(), await other.data()];
  assertEquals(await one.ask("STOU new"), "150 FILE: new");
  assertEquals(await other.ask("STOU new"), "150 FILE: new.1");
  second.close();
  assertMatch(await other.reply(), /^226 /);
  await one.raw("ABOR\r\n");
  assertMatch(await one.reply(), /^426 /);
  assertMatch(await one.reply(), /^226 /);
  first.close();
  // Whoever had the name did not take it.
  assertMatch(await one.store("STOU new", "news"), /^226 /);
  assertEquals(names(), [".hidden", "hello", "new", "new.1", "sub"]);
  assertEquals(read(`${root}/new`), "news");
});
