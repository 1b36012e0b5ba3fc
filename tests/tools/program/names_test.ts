import { assertEquals } from "@std/assert";
import { localNames, sorted } from "../../../tools/program/names.ts";
import { testWith } from "../../support/permissions.ts";

Deno.test("sorted() is as people count", () => {
  const names = ["file10", "file2", "B", "a", "é", "e", ".x"];
  assertEquals(sorted(names.map((name) => ({ name }))).map(({ name }) => name), [
    ".x",
    "a",
    "B",
    "e",
    "é",
    "file2",
    "file10",
  ]);
});

testWith(["read", "write"], "localNames() are the files and folders of a folder", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/sub`);
    await Deno.writeTextFile(`${folder}/cake`, "");
    assertEquals(sorted(await localNames(folder)), [
      { name: "cake", isFolder: false },
      { name: "sub", isFolder: true },
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
