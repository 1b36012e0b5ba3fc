/** Files that downloads grow in. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { LocalFile, partName } from "../../../clients/ftp/target.ts";
import { Failure } from "../../../tools/program/failure.ts";
import { testWith } from "../../support/permissions.ts";
import { bytes } from "../../support/stream.ts";

const OLD = new Date("2001-02-03T04:05:06Z");
const NEW = new Date("2011-02-03T04:05:06Z");

function fileTest(name: string, fn: (folder: string) => Promise<void>): void {
  testWith(["read", "write"], name, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await fn(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** The beginning of a download that breaks off. */
async function broken(path: string, text: string, modified: Date | undefined): Promise<void> {
  const file = await LocalFile.open(path, { size: 10, modified }, false);
  await file.sink(bytes(text));
  assertEquals(file.keep(), text.length);
}

/** What a download has that goes on with `rest`, and where it began. */
async function resumed(
  path: string,
  rest: string,
  facts: { size?: number; modified?: Date } = {},
): Promise<[offset: number, text: string]> {
  const file = await LocalFile.open(path, { size: 10, modified: OLD, ...facts }, true);
  const { offset } = file;
  await file.sink(bytes(rest));
  file.finish();
  return [offset, await Deno.readTextFile(path)];
}

fileTest("a download appears when it is whole, with the server's time", async (folder) => {
  const path = `${folder}/file`;
  const file = await LocalFile.open(path, { size: 6, modified: OLD }, false);
  assertEquals(names(folder), [".file.part"]);
  await file.sink(bytes("abc"));
  await file.sink(bytes("def"));
  assertEquals(file.offset, 6);
  file.finish();
  assertEquals(names(folder), ["file"]);
  assertEquals(await Deno.readTextFile(path), "abcdef");
  assertEquals((await Deno.stat(path)).mtime, OLD);
});

fileTest(
  "a download leaves what is there alone until it is whole, and keeps its mode",
  async (folder) => {
    const path = `${folder}/file`;
    await Deno.writeTextFile(path, "old", { mode: 0o600 });
    const file = await LocalFile.open(path, { size: undefined, modified: undefined }, false);
    await file.sink(bytes("new"));
    assertEquals(await Deno.readTextFile(path), "old");
    file.finish();
    assertEquals(await Deno.readTextFile(path), "new");
    if (Deno.build.os !== "windows") {
      assertEquals(
        Number((await Deno.stat(path)).mode) & 0o777,
        0o600,
      );
    }
  },
);

fileTest("a broken download goes on", async (folder) => {
  const path = `${folder}/file`;
  await broken(path, "abcd", OLD);
  assertEquals(names(folder), [".file.part"]);
  assertEquals(await resumed(path, "efghij"), [4, "abcdefghij"]);
  assertEquals(names(folder), ["file"]);
});

fileTest("a broken download begins again when it is not told to go on", async (folder) => {
  const path = `${folder}/file`;
  await broken(path, "abcd", OLD);
  const file = await LocalFile.open(path, { size: 10, modified: OLD }, false);
  await file.sink(bytes("xy"));
  file.finish();
  assertEquals(await Deno.readTextFile(path), "xy");
});

fileTest("a broken download begins again when the server's file has changed", async (folder) => {
  const path = `${folder}/file`;
  await broken(path, "abcd", OLD);
  assertEquals(await resumed(path, "new", { modified: NEW }), [0, "new"]);
  await broken(path, "abcd", OLD);
  assertEquals(await resumed(path, "ne", { size: 2 }), [0, "ne"]);
});

fileTest(
  "a download that was killed goes on: its part has the time of its last byte",
  async (folder) => {
    const path = `${folder}/file`;
    await Deno.writeTextFile(partName(path), "abcd");
    assertEquals(await resumed(path, "efghij", { modified: OLD }), [4, "abcdefghij"]);
    await Deno.writeTextFile(partName(path), "abcd");
    const later = new Date(Date.now() + 3600_000);
    assertEquals(await resumed(path, "new", { modified: later }), [0, "new"]);
  },
);

fileTest("a file of whatever origin goes on where it ends", async (folder) => {
  const path = `${folder}/file`;
  await Deno.writeTextFile(path, "abcd");
  assertEquals(await resumed(path, "efghij", { modified: NEW }), [4, "abcdefghij"]);
  assertEquals(names(folder), ["file"]);
  await assertRejects(
    () => resumed(path, "", { size: 9 }),
    Failure,
    "has 10 bytes, more than the 9",
  );
});

fileTest("a download of nothing leaves nothing when it breaks off", async (folder) => {
  const path = `${folder}/file`;
  const file = await LocalFile.open(path, { size: 10, modified: OLD }, false);
  assertEquals(file.keep(), 0);
  assertEquals(names(folder), []);
});

fileTest("two downloads of one file do not mix", async (folder) => {
  const path = `${folder}/file`;
  const first = await LocalFile.open(path, { size: 10, modified: OLD }, false);
  await first.sink(bytes("abc"));
  const { exitCode } = await assertRejects(
    () => LocalFile.open(path, { size: 10, modified: OLD }, false),
    Failure,
    "another download of it is running",
  );
  assertEquals(exitCode, 4);
  first.finish();
  assertEquals(await Deno.readTextFile(path), "abc");
});

fileTest("a name of the longest length has a part too", async (folder) => {
  for (const name of ["n".repeat(255), "é".repeat(127)]) {
    const file = await LocalFile.open(`${folder}/${name}`, { size: 1, modified: OLD }, false);
    await file.sink(bytes("a"));
    file.finish();
    assertEquals(await Deno.readTextFile(`${folder}/${name}`), "a");
  }
});

fileTest("what stands in the way of a download is named", async (folder) => {
  const facts = { size: 1, modified: OLD };
  const cases: [path: string, message: string][] = [
    [folder, "is a folder"],
    [`${folder}/no/file`, "no such file or folder"],
    [`${folder}/blocked`, "is in the way"],
    [`${folder}/linked`, "is in the way"],
  ];
  await Deno.mkdir(partName(`${folder}/blocked`));
  await Deno.writeTextFile(`${folder}/precious`, "precious");
  await Deno.symlink(`${folder}/precious`, partName(`${folder}/linked`));
  for (const [path, message] of cases) {
    for (const resume of [false, true]) {
      const { exitCode } = await assertRejects(
        () => LocalFile.open(path, facts, resume),
        Failure,
        message,
      );
      assertEquals(exitCode, 4);
    }
  }
  assertEquals(await Deno.readTextFile(`${folder}/precious`), "precious");
});

fileTest("a device is written as it is", async () => {
  if (Deno.build.os === "windows") return;
  const file = await LocalFile.open("/dev/null", { size: 3, modified: OLD }, true);
  await file.sink(bytes("abc"));
  file.finish();
  assert((await Deno.stat("/dev/null")).isCharDevice);
});

fileTest("a full disk is a failure of the file", async () => {
  if (Deno.build.os !== "linux") return;
  const file = await LocalFile.open("/dev/full", { size: undefined, modified: undefined }, false);
  const sink = async (): Promise<void> => await file.sink(bytes("abc"));
  const { exitCode } = await assertRejects(sink, Failure, "/dev/full: no space left on the disk");
  assertEquals(exitCode, 4);
  file.keep();
});

fileTest("a folder that is gone at the end is a failure of the file", async (folder) => {
  await Deno.mkdir(`${folder}/sub`);
  const file = await LocalFile.open(`${folder}/sub/file`, { size: 1, modified: OLD }, false);
  await file.sink(bytes("a"));
  await Deno.remove(`${folder}/sub`, { recursive: true });
  const { exitCode } = assertThrows(() => file.finish(), Failure, "no such file or folder");
  assertEquals(exitCode, 4);
});
