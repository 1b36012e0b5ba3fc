import { assertEquals } from "@std/assert";
import { History, historyPath, MOST_LINES } from "../../../tools/program/history.ts";
import { testWith } from "../../support/permissions.ts";

function fileTest(name: string, fn: (path: string) => void | Promise<void>): void {
  testWith(["read", "write"], name, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await fn(`${folder}/state/labsock/ftp_history`);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

fileTest("History remembers from one session to the next, for its owner alone", async (path) => {
  const first = History.open(path);
  for (const line of ["ls", "cd pub", "cd pub", " ", "get \x1b[2J", "ls"]) first.add(line);
  assertEquals(first.lines, ["ls", "cd pub", "ls"]);
  assertEquals(History.open(path).lines, ["ls", "cd pub", "ls"]);
  if (Deno.build.os === "windows") return;
  assertEquals(Number((await Deno.stat(path)).mode) & 0o777, 0o600);
  assertEquals(Number((await Deno.stat(path.replace(/[^/]*$/, ""))).mode) & 0o777, 0o700);
});

fileTest("History of sessions that run together has the commands of both", (path) => {
  const [one, two] = [History.open(path), History.open(path)];
  one.add("one");
  two.add("two");
  one.add("three");
  assertEquals(History.open(path).lines, ["one", "two", "three"]);
});

fileTest("History forgets the oldest, also in its file", async (path) => {
  const first = History.open(path);
  for (let i = 1; i <= 2 * MOST_LINES + 1; i++) first.add(`command ${i}`);
  const { lines } = History.open(path);
  assertEquals(lines.length, MOST_LINES);
  assertEquals(lines.at(-1), `command ${2 * MOST_LINES + 1}`);
  assertEquals((await Deno.readTextFile(path)).split("\n").length, MOST_LINES + 1);
});

fileTest("History without a file it can use lasts as long as the session", async (path) => {
  await Deno.mkdir(path, { recursive: true });
  for (const unusable of [path, undefined]) {
    const history = History.open(unusable);
    history.add("ls");
    assertEquals(history.lines, ["ls"]);
  }
  assertEquals((await Deno.stat(path)).isDirectory, true);
});

testWith(["env"], "historyPath() follows the XDG Base Directory Specification", () => {
  const before = ["HOME", "XDG_STATE_HOME"].map((name) => [name, Deno.env.get(name)] as const);
  const path = (home: string, state: string): string | undefined => {
    Deno.env.set("HOME", home);
    Deno.env.set("XDG_STATE_HOME", state);
    return historyPath("ftp");
  };
  try {
    assertEquals(path("/home/ada", ""), "/home/ada/.local/state/labsock/ftp_history");
    assertEquals(path("/home/ada", "/state"), "/state/labsock/ftp_history");
    assertEquals(path("/home/ada", "state"), "/home/ada/.local/state/labsock/ftp_history");
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
});
