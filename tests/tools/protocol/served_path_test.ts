import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { resolvePath, splitPath } from "../../../tools/protocol/served_path.ts";

const MEANT: [path: string, folder: string, resolved: string][] = [
  ["", "/", "/"],
  ["", "/pub", "/pub"],
  ["a", "/", "/a"],
  ["a/b", "/pub", "/pub/a/b"],
  ["/a", "/pub", "/a"],
  [".", "/pub", "/pub"],
  ["..", "/pub", "/"],
  ["..", "/", "/"],
  ["../../../etc/passwd", "/pub", "/etc/passwd"],
  ["/../etc", "/pub", "/etc"],
  ["a//b/./c/", "/", "/a/b/c"],
  [" a ", "/", "/ a "],
  ["...", "/", "/..."],
  ["a\\..\\b", "/", "/a\\..\\b"],
  ["~", "/", "/~"],
  ["a\tb", "/", "/a\tb"],
];

Deno.test("resolvePath: what a path means, and that none leads above the top", () => {
  for (const [path, folder, resolved] of MEANT) assertEquals(resolvePath(path, folder), resolved);
});

Deno.test("resolvePath: names that cannot be are refused", () => {
  for (
    const path of ["a\0b", "a\nb", "a\rb", "a\vb", "\x1b[2J", "\x9b", "\x7f", "x".repeat(5000)]
  ) {
    assertThrows(() => resolvePath(path), RangeError);
  }
});

Deno.test("resolvePath: any text gives a clean path or a RangeError", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.string(), (path, folder) => {
    let resolved: string;
    try {
      resolved = resolvePath(path, folder);
    } catch (error) {
      return assert(error instanceof RangeError);
    }
    assert(resolved.startsWith("/"));
    assert(!resolved.split("/").slice(1, -1).some((part) => ["", ".", ".."].includes(part)));
    assertEquals(resolvePath(resolved), resolved);
  }));
});

Deno.test("splitPath: folder and name", () => {
  assertEquals(splitPath("/a/b"), { folder: "/a", name: "b" });
  assertEquals(splitPath("/a"), { folder: "/", name: "a" });
  assertEquals(splitPath("/"), { folder: "/", name: "" });
});
