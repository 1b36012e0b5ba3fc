import { assert, assertEquals, assertRejects } from "@std/assert";
import { FileError, type FileErrorKind } from "../../../tools/files/errors.ts";
import { Jail } from "../../../tools/files/jail.ts";
import { runCommand } from "../../support/process.ts";
import { testWith } from "../../support/permissions.ts";

interface Place {
  /** The folder around the served one: what is in it must stay out of reach. */
  outside: string;
  root: string;
  jail: Jail;
}

/** A test with a served folder that holds `hello` and `sub/deep`, beside a secret. */
function jailTest(name: string, fn: (place: Place) => Promise<void>): void {
  testWith(["read", "write", "run"], `jail: ${name}`, async () => {
    const outside = await Deno.makeTempDir();
    try {
      const root = `${outside}/served`;
      await Deno.mkdir(`${root}/sub`, { recursive: true });
      await Deno.writeTextFile(`${root}/hello`, "hello");
      await Deno.writeTextFile(`${root}/sub/deep`, "deep");
      await Deno.mkdir(`${outside}/served-too`);
      await Deno.writeTextFile(`${outside}/served-too/secret`, "secret");
      await fn({ outside, root, jail: await Jail.open(root) });
    } finally {
      await Deno.remove(outside, { recursive: true });
    }
  });
}

async function refused(kind: FileErrorKind, work: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(work, FileError);
  assertEquals(error.kind, kind);
  assert(!error.message.includes("/"), "the message names a path");
}

async function content(jail: Jail, path: string): Promise<string> {
  using opened = await jail.open(path);
  return await new Response(opened.file.readable).text();
}

async function names(jail: Jail, path: string): Promise<string[]> {
  return (await Array.fromAsync(jail.list(path))).map(({ name }) => name).sort();
}

async function upload(jail: Jail, path: string, text: string, overwrite = false): Promise<void> {
  using upload = await jail.upload(path, overwrite);
  await upload.file.write(new TextEncoder().encode(text));
  upload.commit();
}

jailTest("files inside are read, listed and described", async ({ jail }) => {
  using opened = await jail.open("/sub/deep");
  assertEquals(opened.info.size, 4);
  assertEquals(await names(jail, "/"), ["hello", "sub"]);
  assertEquals((await jail.stat("/sub")).isDirectory, true);
});

jailTest("what is not there, or is of another kind, is told apart", async ({ jail }) => {
  await refused("not found", () => jail.open("/nowhere"));
  await refused("not found", () => jail.stat("/sub/nowhere"));
  await refused("not a file", () => jail.open("/sub"));
  await refused("not a folder", () => names(jail, "/hello"));
  await refused("not a folder", () => jail.stat("/hello/x"));
  await refused("not empty", () => jail.rmdir("/sub"));
  await refused("not a file", () => jail.remove("/sub"));
  await refused("not a folder", () => jail.rmdir("/hello"));
  await refused("exists", () => jail.mkdir("/sub"));
  await refused("denied", () => jail.remove("/"));
  await refused("denied", () => jail.rename("/", "/x"));
  await refused("bad name", () => jail.mkdir(`/${"x".repeat(300)}`));
  await refused("bad name", () => jail.upload("/.upload-mine", true));
  await refused("bad name", () => jail.rename("/hello", "/.upload-mine"));
});

jailTest("no link leads out, final or on the way, for nothing", async ({ jail, root, outside }) => {
  await Deno.symlink(`${outside}/served-too`, `${root}/away`);
  await Deno.symlink("../served-too/secret", `${root}/leak`);
  await Deno.symlink("/etc/passwd", `${root}/passwd`);
  await Deno.symlink(`${outside}/served-too/fresh`, `${root}/dangling`);
  await refused("denied", () => jail.open("/away/secret"));
  await refused("denied", () => jail.open("/leak"));
  await refused("denied", () => jail.open("/passwd"));
  await refused("denied", () => jail.stat("/away"));
  await refused("denied", () => names(jail, "/away"));
  await refused("denied", () => jail.upload("/away/new", true));
  await refused("denied", () => jail.upload("/leak", true));
  await refused("not found", () => jail.upload("/dangling", true));
  await refused("denied", () => jail.openToContinue("/away/new", 0, true));
  await refused("denied", () => jail.openToContinue("/leak", 0, true));
  await refused("not found", () => jail.openToContinue("/dangling", 0, true));
  await refused("denied", () => jail.mkdir("/away/new"));
  await refused("denied", () => jail.remove("/away/secret"));
  await refused("denied", () => jail.rename("/hello", "/away/hello"));
  await refused("denied", () => jail.rename("/away/secret", "/mine"));
  await refused("denied", () => jail.chmod("/leak", 0o777));
  await refused("denied", () => jail.setModified("/leak", new Date(0)));
  assertEquals(await names(jail, "/"), ["hello", "sub"]);
  assertEquals(await Deno.readTextFile(`${outside}/served-too/secret`), "secret");
  assertEquals((await Array.fromAsync(Deno.readDir(`${outside}/served-too`))).length, 1);
});

jailTest("a link inside is followed, and a link to the served folder served", async (place) => {
  const { jail, root, outside } = place;
  await Deno.symlink("sub", `${root}/inner`);
  assertEquals(await content(jail, "/inner/deep"), "deep");
  await Deno.symlink(root, `${outside}/alias`);
  assertEquals(await content(await Jail.open(`${outside}/alias`), "/hello"), "hello");
});

jailTest("what is stored by a link to a file inside is stored in that file", async (place) => {
  const { jail, root } = place;
  await Deno.symlink("sub/deep", `${root}/link`);
  await Deno.symlink("sub", `${root}/folder`);
  await upload(jail, "/link", "new", true);
  {
    using file = await jail.openToContinue("/link", "end", true);
    await file.write(new TextEncoder().encode("er"));
  }
  assertEquals(await Deno.readTextFile(`${root}/sub/deep`), "newer");
  assertEquals(await Deno.readLink(`${root}/link`), "sub/deep");
  assertEquals([await names(jail, "/"), await names(jail, "/sub")], [
    ["folder", "hello", "link", "sub"],
    ["deep"],
  ]);
  await refused("exists", () => jail.upload("/link", false));
  await refused("not a file", () => jail.upload("/folder", true));
  await refused("not a file", () => jail.openToContinue("/folder", "end", true));
});

jailTest(
  "a link itself can be removed, and leaves what it led to",
  async ({ jail, root, outside }) => {
    await Deno.symlink(`${outside}/served-too/secret`, `${root}/leak`);
    await jail.remove("/leak");
    assertEquals(await Deno.readTextFile(`${outside}/served-too/secret`), "secret");
    assertEquals(await names(jail, "/"), ["hello", "sub"]);
  },
);

jailTest("a FIFO and a device hold nobody up", async ({ jail, root }) => {
  const { code } = await runCommand("mkfifo", [`${root}/fifo`]);
  assertEquals(code, 0);
  await refused("not a file", () => jail.open("/fifo"));
  await refused("not a file", () => jail.openToContinue("/fifo", 0, false));
  await refused("denied", () => jail.upload("/fifo", true));
});

jailTest("an upload has its name only when it is whole", async ({ jail, root }) => {
  {
    using begun = await jail.upload("/cake", false);
    await begun.file.write(new Uint8Array(10));
    await refused("not found", () => jail.open("/cake"));
  }
  assertEquals(await names(jail, "/"), ["hello", "sub"]);
  await upload(jail, "/cake", "cake");
  assertEquals(await Deno.readTextFile(`${root}/cake`), "cake");
  assertEquals(await names(jail, "/"), ["cake", "hello", "sub"]);
});

jailTest("an upload replaces a file only when that was asked for", async ({ jail, root }) => {
  await refused("exists", () => jail.upload("/hello", false));
  await refused("not a file", () => jail.upload("/sub", true));
  assertEquals(await Deno.readTextFile(`${root}/hello`), "hello");
  await upload(jail, "/hello", "bye", true);
  assertEquals(await Deno.readTextFile(`${root}/hello`), "bye");
});

jailTest(
  "an upload has the permissions of what it replaces, but is never setuid",
  async (place) => {
    const { jail, root } = place;
    // The umask takes nothing from 666, which it would from a new file.
    for (const [mode, kept] of [[0o600, 0o600], [0o666, 0o666], [0o444, 0o444], [0o6755, 0o755]]) {
      await Deno.chmod(`${root}/hello`, mode ?? 0);
      await upload(jail, "/hello", "bye", true);
      assertEquals(((await jail.stat("/hello")).mode ?? 0) & 0o7777, kept);
    }
  },
);

jailTest("of two uploads to one new name the first to be whole has it", async ({ jail, root }) => {
  using slow = await jail.upload("/cake", false);
  await upload(jail, "/cake", "first");
  await refused("exists", async () => await slow.commit());
  assertEquals(await Deno.readTextFile(`${root}/cake`), "first");
  assertEquals(await names(jail, "/"), ["cake", "hello", "sub"]);
});

jailTest("an upload goes along with its folder, and with that of its folder", async (place) => {
  const { jail, root } = place;
  await jail.mkdir("/sub/in");
  await jail.mkdir("/subs");
  await Deno.symlink("sub/in", `${root}/link`);
  const paths = ["/sub/in/cake", "/link/pie", "/sub/lost", "/subs/stays"];
  const uploads = await Promise.all(paths.map((path) => jail.upload(path, false)));
  // Whoever renames a link moves no folder.
  await jail.rename("/link", "/other");
  await jail.rename("/sub", "/new");
  await jail.rename("/new/in", "/in");
  const [cake, pie, lost, stays] = uploads;
  lost?.abort();
  for (const upload of [cake, pie, stays]) upload?.commit();
  const all = (folder: string): string[] =>
    [...Deno.readDirSync(root + folder)].map(({ name }) => name).sort();
  assertEquals(all("/in"), ["cake", "pie"]);
  assertEquals(all("/new"), ["deep"]);
  assertEquals(all("/subs"), ["stays"]);
});

jailTest("a file is continued at an offset, or at its end", async ({ jail, root }) => {
  const put = async (offset: number | "end", text: string): Promise<void> => {
    using file = await jail.openToContinue("/hello", offset, false);
    await file.write(new TextEncoder().encode(text));
  };
  await put(4, "ish");
  assertEquals(await Deno.readTextFile(`${root}/hello`), "hellish");
  await put("end", "!");
  // What stands behind stays, until whoever opened it cuts it off.
  await put(2, "y");
  assertEquals(await Deno.readTextFile(`${root}/hello`), "heylish!");
  await refused("bad name", () => jail.openToContinue("/hello", 99, false));
  await refused("bad name", () => jail.openToContinue("/fresh", 1, true));
  await refused("not found", () => jail.openToContinue("/fresh", "end", false));
  (await jail.openToContinue("/fresh", "end", true)).close();
  assertEquals((await jail.stat("/fresh")).size, 0);
});

jailTest("of two who append to a file neither writes over the other", async ({ jail, root }) => {
  using one = await jail.openToContinue("/hello", "end", true);
  using other = await jail.openToContinue("/hello", "end", true);
  const encoder = new TextEncoder();
  for (const [file, text] of [[one, "1"], [other, "22"], [one, "3"]] as const) {
    await file.write(encoder.encode(text));
  }
  assertEquals(await Deno.readTextFile(`${root}/hello`), "hello1223");
});

jailTest("names, permissions and times change", async ({ jail }) => {
  await jail.mkdir("/new");
  await jail.rename("/hello", "/new/bye");
  await jail.chmod("/new/bye", 0o4640);
  await jail.setModified("/new/bye", new Date(86_400_000));
  const { mode, mtime } = await jail.stat("/new/bye");
  assertEquals((mode ?? 0) & 0o7777, 0o640);
  assertEquals(mtime, new Date(86_400_000));
  await jail.remove("/new/bye");
  await jail.rmdir("/new");
  assertEquals(await names(jail, "/"), ["sub"]);
});
