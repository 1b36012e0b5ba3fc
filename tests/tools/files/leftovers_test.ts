import { assertEquals, assertRejects } from "@std/assert";
import { Jail } from "../../../tools/files/jail.ts";
import { removeLeftovers } from "../../../tools/files/leftovers.ts";
import { UNFINISHED } from "../../../tools/files/upload.ts";
import { runCommand } from "../../support/process.ts";
import { testWith } from "../../support/permissions.ts";

const LEFT = `${UNFINISHED}left`;

/** A test with a folder that holds `hello` and an empty `sub`. */
function leftoverTest(name: string, fn: (root: string, jail: Jail) => Promise<void>): void {
  testWith(["read", "write", "run"], `leftovers: ${name}`, async () => {
    const root = await Deno.makeTempDir();
    try {
      await Deno.mkdir(`${root}/sub`);
      await Deno.writeTextFile(`${root}/hello`, "hello");
      await fn(root, await Jail.open(root));
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  });
}

const names = (folder: string): string[] =>
  [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

leftoverTest("what nobody receives any more goes, and nothing else", async (root, jail) => {
  await Deno.mkdir(`${root}/sub/${LEFT}`);
  for (const path of [LEFT, `sub/${LEFT}.2`, `sub/${LEFT}/${LEFT}`, "sub/.upload"]) {
    await Deno.writeTextFile(`${root}/${path}`, "");
  }
  await Deno.symlink("hello", `${root}/${LEFT}-link`);
  assertEquals((await runCommand("mkfifo", [`${root}/${LEFT}-fifo`])).code, 0);
  await using upload = await jail.upload("/sub/new", false);
  await removeLeftovers(root, true);
  assertEquals(names(root), [`${LEFT}-fifo`, `${LEFT}-link`, "hello", "sub"]);
  assertEquals(names(`${root}/sub/${LEFT}`), []);
  await upload.commit();
  assertEquals(names(`${root}/sub`), [".upload", LEFT, "new"]);
});

leftoverTest(
  "a folder with nothing else is empty, unless an upload is under way",
  async (root, jail) => {
    await Deno.writeTextFile(`${root}/sub/${LEFT}`, "");
    const upload = await jail.upload("/sub/new", false);
    await assertRejects(() => jail.rmdir("/sub"), Error, "not empty");
    await upload.abort();
    await Deno.writeTextFile(`${root}/sub/${LEFT}`, "");
    await jail.rmdir("/sub");
    assertEquals(names(root), ["hello"]);
  },
);
