import { assertEquals } from "@std/assert";
import { folderOf, nameOf } from "../../../clients/tftp/local_path.ts";

Deno.test("folderOf() and nameOf() are the two parts of a path", () => {
  const cases: [folder: string, name: string][] = [
    ["", "cake"],
    ["", ""],
    ["/", "cake"],
    ["../", "cake"],
    ["a/b/", "cake"],
    ["a/", ""],
    ["a\n/", "b\nc"],
    ...Deno.build.os === "windows"
      ? [["C:\\a\\", "b"] as [string, string]]
      : [["", "a\\b"] as [string, string]],
  ];
  for (const [folder, name] of cases) {
    assertEquals([folderOf(folder + name), nameOf(folder + name)], [folder, name]);
  }
});
