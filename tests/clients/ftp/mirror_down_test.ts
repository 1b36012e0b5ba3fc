/** Mirrors from a server in memory into a local folder. */
import { assertEquals, assertRejects } from "@std/assert";
import { FtpError } from "../../../clients/ftp/client.ts";
import { DEEPEST } from "../../../clients/ftp/mirror.ts";
import { RateLimit } from "../../../clients/ftp/rate.ts";
import { localTree, makeLocalTree, mirrored } from "../../support/ftp_mirror.ts";
import { FtpTree, OLD } from "../../support/ftp_tree.ts";
import { testWith } from "../../support/permissions.ts";

/** A test with a folder of its own, in which there is a folder for the mirror. */
function mirrorTest(name: string, fn: (local: string, folder: string) => Promise<void>): void {
  testWith(["read", "write"], `mirror() from a server ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await fn(`${folder}/mirror`, folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

const FILES = { "a": "one", "d/b c": "two", "d/e/empty": "", "-x/f": "three" };

mirrorTest("brings files, folders and times, and nothing the second time", async (local) => {
  const tree = new FtpTree(FILES);
  tree.folders.add("d/none");
  const result = await mirrored(() => tree.connect(), `${local}/new`);
  assertEquals(localTree(`${local}/new`), {
    "-x/": "",
    "-x/f": "three",
    "a": "one",
    "d/": "",
    "d/b c": "two",
    "d/e/": "",
    "d/e/empty": "",
    "d/none/": "",
  });
  assertEquals((await Deno.stat(`${local}/new/d/b c`)).mtime, OLD);
  assertEquals((await Deno.stat(`${local}/new/d/e/empty`)).mtime, OLD);
  const { files, filesDone, bytes, bytesDone, folders, same, exitCode } = result;
  assertEquals([files, filesDone, bytes, bytesDone, folders, same], [4, 4, 11, 11, 5, 0]);
  assertEquals([result.problems, exitCode], [[], 0]);

  tree.commands.length = 0;
  const again = await mirrored(() => tree.connect(), `${local}/new`);
  assertEquals([again.files, again.same, again.exitCode], [0, 4, 0]);
  assertEquals(tree.asked("RETR", "SIZE", "MDTM"), []);
});

mirrorTest("asks for a file by two commands, and for a folder by as many", async (local) => {
  const tree = new FtpTree({ "d/a": "1", "d/b": "2" });
  await mirrored(() => tree.connect(), local, { remote: "/d" });
  assertEquals(tree.commands, [[
    "PWD",
    "CWD /d",
    "CWD /",
    "EPSV",
    "MLSD /d",
    "TYPE I",
    "EPSV",
    "RETR /d/a",
    "EPSV",
    "RETR /d/b",
    // Before it is known whether there is one more.
    "EPSV",
    "QUIT",
  ]]);
});

mirrorTest("brings what is newer or has another size, and replaces it whole", async (local) => {
  makeLocalTree(local, { "same": "1", "size": "22", "newer": "3", "older": "4" }, OLD);
  const tree = new FtpTree({ "same": "x", "size": "x" });
  tree.put("newer", "x", new Date(OLD.getTime() + 1000));
  tree.put("older", "x", new Date(OLD.getTime() - 1000));
  const { filesDone } = await mirrored(() => tree.connect(), local);
  assertEquals(filesDone, 2);
  assertEquals(localTree(local), { "newer": "x", "older": "4", "same": "1", "size": "x" });
});

mirrorTest("removes what is gone only when told to, and follows no link", async (local, folder) => {
  makeLocalTree(folder, { "outside/precious": "!" }, OLD);
  makeLocalTree(local, { "a": "one", "gone": "", "old/x/y": "", "keep.bak": "" }, OLD);
  Deno.symlinkSync("../outside", `${local}/link`);
  Deno.symlinkSync("../../outside", `${local}/old/link`);
  const tree = new FtpTree({ "a": "one" });
  const before = localTree(local);
  assertEquals((await mirrored(() => tree.connect(), local)).removed, 0);
  assertEquals(localTree(local), before);

  const options = { delete: true, exclude: ["*.bak"] };
  const dry = await mirrored(() => tree.connect(), local, { ...options, dryRun: true });
  assertEquals(dry.plan.sort(), ["delete gone", "delete link", "delete old/"]);
  assertEquals(localTree(local), before);
  assertEquals((await mirrored(() => tree.connect(), local, options)).removed, 3);
  assertEquals(localTree(local), { "a": "one", "keep.bak": "" });
  assertEquals(localTree(folder)["outside/precious"], "!");
});

mirrorTest("writes through no link", async (local, folder) => {
  makeLocalTree(folder, { "outside/a": "precious" }, OLD);
  Deno.mkdirSync(local);
  Deno.symlinkSync("../outside", `${local}/d`);
  Deno.symlinkSync("../outside/a", `${local}/a`);
  const tree = new FtpTree({ "d/a": "new", "a": "new" });
  const { problems, skipped, failed } = await mirrored(() => tree.connect(), local);
  assertEquals([skipped, failed], [2, 0]);
  assertEquals(
    problems,
    ["d", "a"].map((name) => `${name}: a link of this name is in the way: left alone`),
  );
  assertEquals(localTree(folder)["outside/a"], "precious");
  await mirrored(() => tree.connect(), local, { delete: true });
  assertEquals(localTree(local), { "a": "new", "d/": "", "d/a": "new" });
  assertEquals(localTree(folder)["outside/a"], "precious");
});

mirrorTest(
  "takes no name that leads elsewhere, and removes nothing by one",
  async (local, folder) => {
    makeLocalTree(folder, { "precious": "!" }, OLD);
    makeLocalTree(local, { "b": "!" }, OLD);
    const tree = new FtpTree({ "a": "one" });
    const names = ["../precious", "/etc/passwd", "..", "d/../../precious", "a\\b", "esc\x1b[2J"];
    tree.extra.set("", [
      ...names.map((name) => `type=file;size=1;modify=20300101000000; ${name}`),
      "type=dir; ../up",
      "type=OS.unix=slink:/etc; link",
    ]);
    const { problems, skipped } = await mirrored(() => tree.connect(), local);
    // `..` stands for the folder above, and is no entry.
    assertEquals(skipped, names.length + 1);
    assertEquals(problems.at(-1), "link: is a link: left alone");
    assertEquals(problems.at(-3), "esc\\x1b[2J: its name could lead elsewhere: left alone");
    assertEquals(localTree(folder), {
      "mirror/": "",
      "mirror/a": "one",
      "mirror/b": "!",
      "precious": "!",
    });
    assertEquals(tree.asked("RETR"), ["RETR a"]);
  },
);

mirrorTest("goes round no loop", async (local) => {
  const tree = new FtpTree({ "d/a": "one" });
  // A link to the folder above, which the server takes for the folder itself.
  tree.extra.set("d", ["type=dir;unique=d; again"]);
  const { problems, folders } = await mirrored(() => tree.connect(), local);
  assertEquals([problems, folders], [["d/again: leads back to a folder above it: left alone"], 2]);

  const path = Array.from({ length: DEEPEST + 1 }, () => "x").join("/");
  const deep = new FtpTree({ [`${path}/f`]: "" });
  const result = await mirrored(() => deep.connect(), `${local}/deep`);
  assertEquals(result.folders, DEEPEST + 1);
  assertEquals(result.problems, [`${path}: is more than ${DEEPEST} folders deep: left alone`]);
});

mirrorTest("includes and excludes by patterns", async (local) => {
  const tree = new FtpTree({ "a.txt": "", "b.jpg": "", "tmp/c.txt": "", "d/e.txt": "", "d/f": "" });
  await mirrored(() => tree.connect(), local, { include: ["*.txt"], exclude: ["tmp/"] });
  assertEquals(localTree(local), { "a.txt": "", "d/": "", "d/e.txt": "" });
});

mirrorTest("tells what it would do", async (local) => {
  const tree = new FtpTree({ ...FILES, "esc\x1b": "" });
  const { plan, files, filesDone } = await mirrored(() => tree.connect(), local, { dryRun: true });
  assertEquals(plan.sort(), [
    "get -x/f",
    "get a",
    "get d/b c",
    "get d/e/empty",
    "make -x/",
    "make d/",
    "make d/e/",
  ]);
  assertEquals([files, filesDone], [4, 0]);
  await assertRejects(() => Deno.stat(local), Deno.errors.NotFound);
});

mirrorTest("fails when there is no such folder, and makes none", async (local) => {
  const tree = new FtpTree();
  await assertRejects(
    () => mirrored(() => tree.connect(), local, { remote: "nosuch" }),
    FtpError,
    "550",
  );
  await assertRejects(() => Deno.stat(local), Deno.errors.NotFound);
});

mirrorTest("works with several sessions side by side", async (local) => {
  const tree = new FtpTree();
  for (let i = 0; i < 40; i++) tree.put(`d${i % 8}/f${i}`, `${i}`);
  const totals: number[] = [];
  const { filesDone } = await mirrored(() => tree.connect(), local, {
    sessions: 4,
    onProgress: ({ bytesDone }) => totals.push(bytesDone),
  });
  assertEquals(filesDone, 40);
  assertEquals(tree.commands.map((commands) => commands.at(-1)), Array(4).fill("QUIT"));
  assertEquals(tree.asked("RETR").length, 40);
  assertEquals([totals.at(-1), totals.every((bytes, i) => bytes >= (totals[i - 1] ?? 0))], [
    70,
    true,
  ]);
});

mirrorTest("keeps a rate, all sessions together", async (local) => {
  const tree = new FtpTree();
  for (let i = 0; i < 10; i++) tree.put(`f${i}`, "x".repeat(100));
  let longest = 0;
  const rate = new RateLimit(100, () => 0, (milliseconds) => {
    longest = Math.max(longest, milliseconds);
    return Promise.resolve();
  });
  await mirrored(() => tree.connect(), local, { sessions: 3, rate });
  assertEquals(longest, 10_000);
});
