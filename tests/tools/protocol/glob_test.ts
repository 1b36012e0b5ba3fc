import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { globMatcher, isGlob } from "../../../tools/protocol/glob.ts";

Deno.test("globMatcher() knows the names that a pattern stands for", () => {
  const cases: [pattern: string, yes: string[], no: string[]][] = [
    ["*.txt", ["a.txt", "é.txt", "a.b.txt"], ["a.txt~", ".txt", ".a.txt", "txt", ""]],
    ["*", ["a", "a b", ""], [".", "..", ".a"]],
    [".*", [".", "..", ".a"], ["a", ""]],
    ["?", ["a", "é", "🎉", "?"], ["", "ab", "."]],
    ["a*b*c", ["abc", "aXbYc", "abbc", "abcbc"], ["ab", "abcd", "acb"]],
    ["[abc]", ["a", "c"], ["d", "", "abc", "[abc]"]],
    ["[a-cx]1", ["b1", "x1"], ["d1", "-1"]],
    ["[!a-c]1", ["d1", "-1"], ["a1", "b1"]],
    ["[]]", ["]"], ["[", "[]]"]],
    ["[a-]", ["a", "-"], ["b"]],
    ["[ab", ["[ab"], ["a", "b"]],
    ["[]", ["[]"], ["", "["]],
    ["[!]", ["!"], ["a", "[!]"]],
    ["a\\*b", ["a*b"], ["aXb", "a\\*b"]],
    ["\\[a]", ["[a]"], ["a"]],
    ["a\\", ["a\\"], ["a"]],
    ["plain", ["plain"], ["plai", "plains", "Plain"]],
    ["", [""], ["a"]],
  ];
  for (const [pattern, yes, no] of cases) {
    const matches = globMatcher(pattern);
    for (const name of yes) assert(matches(name), `${pattern} is to match ${name}`);
    for (const name of no) assert(!matches(name), `${pattern} is not to match ${name}`);
  }
});

Deno.test("isGlob() tells a pattern from a name", () => {
  for (const pattern of ["*", "a?", "[ab]", "a[!b]c", "[]]", "\\\\*"]) {
    assert(isGlob(pattern), pattern);
  }
  for (const name of ["", "a", "[ab", "[]", "a]", "\\*", "\\?", "\\[ab]"]) {
    assert(!isGlob(name), name);
  }
});

Deno.test("globMatcher() takes no more steps than pattern times name", () => {
  assert(!globMatcher("*a".repeat(100) + "b")("a".repeat(10_000)));
});

Deno.test("globMatcher() agrees with a regular expression", () => {
  const pattern = fc.array(fc.constantFrom("*", "?", "a", "b", "."), { maxLength: 8 });
  const name = fc.array(fc.constantFrom("a", "b", ".", "é"), { maxLength: 8 });
  fc.assert(fc.property(pattern, name, (pieces, chars) => {
    const [glob, text] = [pieces.join(""), chars.join("")];
    const source = pieces.map((piece) =>
      piece === "*" ? "[^]*" : piece === "?" ? "[^]" : `[${piece}]`
    );
    const expected = new RegExp(`^${source.join("")}$`, "u").test(text) &&
      (glob.startsWith(".") || !text.startsWith("."));
    assertEquals(globMatcher(glob)(text), expected, `${glob} ${text}`);
  }));
});
