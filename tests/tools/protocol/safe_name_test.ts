import { assertEquals } from "@std/assert";
import { safeName } from "../../../tools/protocol/safe_name.ts";

Deno.test("safeName refuses every name that could lead elsewhere", () => {
  const names = [
    "",
    ".",
    "..",
    "/",
    "/etc/passwd",
    "../../x",
    "a/b",
    "a\\b",
    "..\\x",
    "a\0b",
    "a\nb",
    "\x1b[2J",
    "\x7f",
    "\x9b2J",
  ];
  for (const name of names) assertEquals(safeName(name), false, JSON.stringify(name));
  for (
    const name of ["a", ".profile", "...", "..a", " ", "-rf", "a b", "\u00fc", "C:", "CON", "~"]
  ) {
    assertEquals(safeName(name), true, name);
  }
});

Deno.test("safeName refuses what Windows takes for something else", () => {
  for (
    const name of [
      "C:",
      "a:b",
      "a*",
      "a?",
      "nul",
      "NUL.txt",
      "com1",
      "lpt9.x",
      "a.",
      "a ",
      "<a>",
      '"',
      "a|b",
    ]
  ) {
    assertEquals(safeName(name, true), false, name);
  }
  for (const name of ["a", "console", "com", "nulla.txt", "a.b"]) {
    assertEquals(safeName(name, true), true, name);
  }
});
