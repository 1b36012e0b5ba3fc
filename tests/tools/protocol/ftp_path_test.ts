import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { parseQuotedPath, quotePath } from "../../../tools/protocol/ftp_path.ts";

Deno.test("quoted paths are written and read", () => {
  const cases: [path: string, text: string][] = [
    ["/", '"/"'],
    ["/pub/a b", '"/pub/a b"'],
    ['/a "q" b', '"/a ""q"" b"'],
    ['"', '""""'],
    ["", '""'],
  ];
  for (const [path, text] of cases) {
    assertEquals(quotePath(path), text);
    assertEquals(parseQuotedPath(text), path);
    assertEquals(parseQuotedPath(`${text} is the current directory`), path);
    assertEquals(parseQuotedPath(`rubbish before ${text}.`), path);
  }
});

Deno.test("parseQuotedPath copes with what servers write instead", () => {
  const cases: [text: string, path: string][] = [
    // Not doubled (pure-ftpd).
    ['"a "folder"" : The directory was successfully created', 'a "folder"'],
    ['"a"b" created', 'a"b'],
    // Not closed.
    ['"/home/guest', "/home/guest"],
    ['"', ""],
    // Not quoted.
    ["/home/guest is the current directory", "/home/guest"],
    ["current directory is /home/guest", "/home/guest"],
    ["DISK:[GUEST] is the default", "DISK:[GUEST]"],
    ["", ""],
  ];
  for (const [text, path] of cases) assertEquals(parseQuotedPath(text), path, text);
});

Deno.test("quoted paths survive, whatever they hold", () => {
  const path = fc.string({ unit: fc.constantFrom("/", "a", '"', " ", ".", "\u00fc") });
  fc.assert(fc.property(path, (path) => {
    assertEquals(parseQuotedPath(`${quotePath(path)} is the current directory`), path);
  }));
});
