/** Mirrors of a local folder to a server in memory. */
import { assertEquals, assertRejects } from "@std/assert";
import { LEAST_PART } from "../../../clients/ftp/mirror_up.ts";
import { Failure } from "../../../tools/program/failure.ts";
import { makeLocalTree, type Mirrored, mirrored } from "../../support/ftp_mirror.ts";
import { perform, type Script, sends } from "../../support/ftp_script.ts";
import { FtpTree, OLD } from "../../support/ftp_tree.ts";
import { testWith } from "../../support/permissions.ts";

/** Sends the local folder into the folder `remote`. */
type Send = (options?: Parameters<typeof mirrored>[2]) => Promise<Mirrored>;

/** A test with a local folder, a server, and a mirror from the one to the other. */
function mirrorTest(
  name: string,
  fn: (local: string, tree: FtpTree, send: Send) => Promise<void>,
): void {
  testWith(["read", "write"], `mirror() to a server ${name}`, async () => {
    const local = await Deno.makeTempDir();
    const tree = new FtpTree();
    const send: Send = (options) => mirrored(() => tree.connect(), local, { up: true, ...options });
    try {
      await fn(local, tree, send);
    } finally {
      await Deno.remove(local, { recursive: true });
    }
  });
}

const FILES = { "a": "one", "d/b c": "two", "d/e/empty": "" };

mirrorTest(
  "sends files, folders and times, and nothing the second time",
  async (local, tree, send) => {
    makeLocalTree(local, FILES, OLD);
    Deno.mkdirSync(`${local}/none`);
    const remote = "/new/folder";
    const { filesDone, bytesDone, folders, problems, exitCode } = await send({ remote });
    assertEquals([filesDone, bytesDone, folders, problems, exitCode], [3, 6, 4, [], 0]);
    assertEquals(tree.contents, {
      "new/folder/a": "one",
      "new/folder/d/b c": "two",
      "new/folder/d/e/empty": "",
    });
    assertEquals(tree.folders.has("new/folder/none"), true);
    assertEquals([...tree.files.values()].map(({ modified }) => modified), [OLD, OLD, OLD]);

    tree.commands.length = 0;
    const again = await send({ remote });
    assertEquals([again.files, again.same, again.exitCode], [0, 3, 0]);
    assertEquals(tree.asked("STOR", "MFMT", "MKD", "MDTM", "SIZE"), []);
  },
);

mirrorTest("sends what is newer or has another size", async (local, tree, send) => {
  makeLocalTree(local, { "same": "1", "size": "22", "older": "3" }, OLD);
  makeLocalTree(local, { "newer": "4" }, new Date(OLD.getTime() + 1000));
  for (const name of ["same", "size", "newer"]) tree.put(name, "x");
  tree.put("older", "x", new Date(OLD.getTime() + 1000));
  assertEquals((await send()).filesDone, 2);
  assertEquals(tree.contents, { "same": "x", "size": "22", "newer": "4", "older": "x" });
});

mirrorTest("removes what is gone only when told to", async (local, tree, send) => {
  makeLocalTree(local, { "a": "one" }, OLD);
  for (const path of ["a", "gone", "old/x/y", "old/z", "keep.bak"]) tree.put(path, "one");
  assertEquals((await send()).removed, 0);
  assertEquals(tree.files.size, 5);
  const { plan } = await send({ delete: true, dryRun: true, exclude: ["*.bak"] });
  assertEquals([plan.sort(), tree.files.size], [["delete gone", "delete old/"], 5]);
  assertEquals((await send({ delete: true, exclude: ["*.bak"] })).removed, 2);
  assertEquals(Object.keys(tree.contents), ["a", "keep.bak"]);
  assertEquals([...tree.folders], [""]);
});

mirrorTest("removes a link of the server, and not what it leads to", async (local, tree, send) => {
  makeLocalTree(local, { "a": "one" }, OLD);
  for (const path of ["a", "old/f", "old/deep/g"]) tree.put(path, "one");
  tree.put("old/link/precious", "!");
  // MLSD takes the link for a folder, as pyftpdlib does; LIST shows it.
  const row = (kind: string, name: string): string => `${kind} 1 ftp ftp 0 Nov 23 2020 ${name}\r\n`;
  const removed: string[] = [];
  tree.scripts.push({
    LIST: async (path, server) => {
      const inner = path === "-a old" ? row("lrwxrwxrwx", "link -> /") : row("drwxr-xr-x", "old");
      return await perform(sends(inner), path, server);
    },
    DELE: (path) => {
      removed.push(path);
      tree.files.delete(path);
      tree.folders.delete(path);
      return "250 ok";
    },
  });
  const { problems } = await send({ delete: true });
  assertEquals(removed, ["old/deep/g", "old/link", "old/f"]);
  assertEquals(problems, []);
  assertEquals(Object.keys(tree.contents), ["a", "old/link/precious"]);
});

mirrorTest("removes nothing by a name that leads elsewhere", async (local, tree, send) => {
  makeLocalTree(local, { "a": "one" }, OLD);
  tree.put("a", "one");
  tree.put("old/f", "one");
  tree.extra.set("old", ["type=file; ../a"]);
  const { problems, exitCode } = await send({ delete: true });
  assertEquals(problems, ["old: ../a: this name could lead elsewhere"]);
  assertEquals([exitCode, tree.contents["a"]], [1, "one"]);
});

mirrorTest("sends no links, and no parts of downloads", async (local, tree, send) => {
  makeLocalTree(local, { "a": "one", ".b.9-1600000000.part": "x" }, OLD);
  Deno.symlinkSync("/etc", `${local}/link`);
  const { problems, skipped } = await send();
  assertEquals([problems, skipped], [["link: is a link: left alone"], 1]);
  assertEquals(tree.contents, { "a": "one" });
});

mirrorTest("sends a folder only if there is one", async (local, tree, send) => {
  await assertRejects(() => send({ local: `${local}/nosuch` }), Failure, "no such file or folder");
  tree.scripts.push({ MKD: "550 not here" });
  await assertRejects(() => send({ remote: "x" }), Failure, "550 no such folder");
});

const LARGE = new Uint8Array(LEAST_PART).map((_, i) => i * 31 >> 3);
const PART = `.large.${LARGE.length}-${OLD.getTime() / 1000}.part`;

mirrorTest(
  "sends a large file under a hidden name, and goes on with it",
  async (local, tree, send) => {
    makeLocalTree(local, { "large": LARGE, "small": LARGE.subarray(1) }, OLD);
    tree.put(PART, LARGE.subarray(0, 1000));
    tree.put(".large.5-5.part", "of another version");
    tree.put("large", "old");
    const { problems, bytes, bytesDone } = await send();
    assertEquals([problems, bytes, bytesDone], [
      [],
      2 * LARGE.length - 1001,
      2 * LARGE.length - 1001,
    ]);
    assertEquals(tree.asked("APPE", "STOR", "RNFR", "RNTO", "DELE").sort(), [
      `APPE ${PART}`,
      "DELE .large.5-5.part",
      `RNFR ${PART}`,
      "RNTO large",
      "STOR small",
    ]);
    assertEquals(tree.files.get("large"), { data: LARGE, modified: OLD });
    assertEquals(tree.files.size, 2);
  },
);

mirrorTest(
  "asks how much of a file has arrived, when the session was lost",
  async (local, tree, send) => {
    makeLocalTree(local, { "large": LARGE }, OLD);
    tree.scripts.push({
      STOR: async (path, server) => {
        await server.say("150 go on");
        const data = await server.data();
        const buffer = new Uint8Array(1000);
        await data.read(buffer);
        tree.put(path, buffer);
        data.reset();
        server.control.close();
      },
    });
    // It may have been lost for having been idle: that is no failure to wait after.
    const { problems, waits } = await send();
    assertEquals([problems, waits], [[], []]);
    assertEquals(tree.commands[1]?.filter((line) => !/^(?:EPSV|TYPE)/.test(line)), [
      `SIZE ${PART}`,
      `APPE ${PART}`,
      `SIZE ${PART}`,
      `RNFR ${PART}`,
      "RNTO large",
      "MFMT 20201123004012 large",
      "QUIT",
    ]);
    assertEquals(tree.files.get("large")?.data, LARGE);
  },
);

mirrorTest("sends all of a file whose part has grown meanwhile", async (local, tree, send) => {
  makeLocalTree(local, { "large": LARGE }, OLD);
  tree.put(PART, LARGE.subarray(0, 1000));
  tree.refuses = (command) => {
    // The session of an earlier run has more to write.
    if (/^APPE/.test(command)) tree.put(PART, LARGE.subarray(0, 2000));
    return undefined;
  };
  const { problems, bytes, bytesDone } = await send();
  assertEquals([problems, bytesDone], [[], bytes]);
  assertEquals(tree.asked("APPE", "STOR"), [`APPE ${PART}`, `STOR ${PART}`]);
  assertEquals(tree.files.get("large")?.data, LARGE);
});

mirrorTest("does without hidden names where these are forbidden", async (local, tree, send) => {
  makeLocalTree(local, { "x": LARGE, "y": LARGE }, OLD);
  tree.refuses = (command) => /^STOR \./.test(command) ? "553 no hidden files" : undefined;
  const { problems, bytes, bytesDone } = await send();
  assertEquals([problems, bytesDone], [[], bytes]);
  assertEquals(Object.keys(tree.contents).sort(), ["x", "y"]);
  assertEquals(tree.asked("STOR").length, 3);
});

mirrorTest("does without renaming where that is forbidden", async (local, tree, send) => {
  makeLocalTree(local, { "x": LARGE, "y": LARGE }, OLD);
  tree.refuses = (command) => /^RNFR/.test(command) ? "502 no" : undefined;
  const { problems, bytes, bytesDone } = await send();
  assertEquals([problems, bytesDone], [[], bytes]);
  assertEquals(Object.keys(tree.contents).sort(), ["x", "y"]);
  assertEquals(tree.asked("STOR").length, 3);
});

mirrorTest("removes a file that cannot be renamed over", async (local, tree, send) => {
  makeLocalTree(local, { "large": LARGE }, OLD);
  tree.put("large", "old");
  tree.refuses = (command) =>
    command === "RNTO large" && tree.files.has("large") ? "553 exists" : undefined;
  assertEquals((await send()).problems, []);
  assertEquals(tree.asked("DELE"), ["DELE large"]);
  assertEquals(tree.files.get("large")?.data, LARGE);
});

mirrorTest("keeps the part when there is no room", async (local, tree, send) => {
  makeLocalTree(local, { "large": LARGE }, OLD);
  tree.refuses = (command) => /^STOR/.test(command) ? "552 quota" : undefined;
  const { problems, exitCode } = await send();
  assertEquals([problems, exitCode], [["large: 552 quota"], 1]);
  assertEquals(tree.asked("STOR", "DELE"), [`STOR ${PART}`]);
});

mirrorTest("asks for no more times that the server does not set", async (local, tree, send) => {
  makeLocalTree(local, { "a": "", "b": "" }, OLD);
  tree.refuses = (command) => /^(?:MFMT|MDTM|SITE)/.test(command) ? "502 no" : undefined;
  assertEquals((await send()).exitCode, 0);
  assertEquals(tree.asked("MFMT", "MDTM", "SITE").length, 3);
  assertEquals((await send()).files, 0);
});

mirrorTest("learns the zone of listings from one file", async (local, tree, send) => {
  const time = (later: number): Date => new Date(Date.UTC(2024, 0, 10, 12) + later * 60_000);
  const names = ["a", "b", "c"];
  for (const [i, name] of names.entries()) makeLocalTree(local, { [name]: "x" }, time(i));
  for (const [i, name] of names.entries()) tree.put(name, "x", time(i));
  const now = new Date();
  // Three hours behind, as LIST shows it: each file seems older than it is.
  const behind = (date: Date): string => {
    const [, day, month, , clock = ""] = new Date(date.getTime() - 3 * 3600_000).toUTCString()
      .split(" ");
    return `${month} ${day} ${clock.slice(0, 5)}`;
  };
  for (const file of tree.files.values()) {
    file.modified = new Date(now.getTime() - now.getTime() % 60_000 - 3600_000);
  }
  for (const name of names) {
    const { modified = now } = tree.files.get(name) ?? {};
    Deno.utimeSync(`${local}/${name}`, modified, modified);
  }
  const listing = (): string =>
    [...tree.files].map(([name, { data, modified }]) =>
      `-rw-r--r-- 1 ftp ftp ${data.length} ${behind(modified)} ${name}\r\n`
    ).join("");
  const script = (): Script => ({
    FEAT: "500 what",
    LIST: async (path, server) => {
      return await perform(sends(listing()), path, server);
    },
  });
  tree.scripts.push(script());
  assertEquals((await send()).files, 0);
  assertEquals(tree.asked("MDTM"), ["MDTM a"]);

  // One that is newer is sent once its exact time was asked for.
  const later = new Date(now.getTime() + 1000);
  Deno.utimeSync(`${local}/b`, later, later);
  tree.commands.length = 0;
  tree.scripts.push(script());
  assertEquals((await send()).filesDone, 1);
  assertEquals(tree.asked("MDTM", "STOR"), ["MDTM a", "MDTM b", "STOR b"]);
});
