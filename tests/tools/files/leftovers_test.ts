import { assertEquals, assertRejects } from "@std/assert";
import { Jail } from "../../../tools/files/jail.ts";
import { removeLeftovers, UNFINISHED } from "../../../tools/files/leftovers.ts";
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
  await Deno.mkdir(`${root}/${LEFT}.d`);
  for (const path of [LEFT, `${LEFT}.2`, `${LEFT}.d/${LEFT}`, ".upload"]) {
    await Deno.writeTextFile(`${root}/${path}`, "");
  }
  await Deno.symlink("hello", `${root}/${LEFT}-link`);
  assertEquals((await runCommand("mkfifo", [`${root}/${LEFT}-fifo`])).code, 0);
  using upload = await jail.upload("/new", false);
  await removeLeftovers(root);
  upload.commit();
  const stay = [".upload", `${LEFT}-fifo`, `${LEFT}-link`, `${LEFT}.d`, "hello", "new", "sub"];
  assertEquals(names(root), stay);
  assertEquals(names(`${root}/${LEFT}.d`), [LEFT]);
});

leftoverTest("what is left of a file makes room for the next upload of it", async (root, jail) => {
  const long = "ü".repeat(127); // 254 bytes.
  for (const name of ["new", long]) {
    const started = await jail.upload(`/${name}`, false);
    const [hidden = ""] = names(root).filter((name) => name.startsWith(UNFINISHED));
    started.abort();
    await Deno.writeTextFile(`${root}/${hidden}`, "of a killed server");
    const [one, other] = [await jail.upload(`/${name}`, true), await jail.upload(`/${name}`, true)];
    one.file.writeSync(new TextEncoder().encode("one"));
    // Two at once know nothing of each other, and the first to end leaves the other alone.
    one.abort();
    const third = await jail.upload(`/${name}`, true);
    other.commit();
    third.abort();
    assertEquals(names(root), ["hello", name, "sub"].sort());
    assertEquals(Deno.statSync(`${root}/${name}`).size, 0);
    await Deno.remove(`${root}/${name}`);
  }
});

leftoverTest(
  "a folder with nothing else is empty, unless an upload is under way",
  async (root, jail) => {
    await Deno.writeTextFile(`${root}/sub/${LEFT}`, "");
    const upload = await jail.upload("/sub/new", false);
    await assertRejects(() => jail.rmdir("/sub"), Error, "not empty");
    upload.abort();
    await Deno.writeTextFile(`${root}/sub/${LEFT}`, "");
    await jail.rmdir("/sub");
    assertEquals(names(root), ["hello"]);
  },
);
