import { assertEquals, assertRejects } from "@std/assert";
import { COMMANDS } from "../../../clients/ftp/commands.ts";
import { completions } from "../../../tools/program/completion.ts";
import type { Name } from "../../../tools/program/names.ts";

const FOLDERS: Record<string, string[]> = {
  "": ["pub/", "pull", "two words", "two wings/", ".hidden", 'a"b', "esc\x1bape", "x*y"],
  "pub/": ["rfc/", "cake.iso"],
};

async function complete(line: string): Promise<string[]> {
  const asked: string[] = [];
  const names = (side: string) => async (folder: string): Promise<Name[]> => {
    asked.push(`${side} ${folder}`.trim());
    return await (FOLDERS[folder] ?? []).map((name) => ({
      name: name.replace(/\/$/, ""),
      isFolder: name.endsWith("/"),
    }));
  };
  const { start, words } = await completions(line, COMMANDS, {
    remote: names("remote"),
    local: names("local"),
  });
  return [...asked, ...words.map((word) => line.slice(0, start) + word)];
}

Deno.test("completions() finishes commands, and the names on the side that they are about", async () => {
  const cases: [line: string, found: string[]][] = [
    ["reg", ["reget "]],
    ["REG", ["reget "]],
    ["mde", ["mdelete "]],
    ["ls", ["ls "]],
    ["nosuch", []],
    ["nosuch x", []],
    ["p x", []],
    ["get pul", ["remote", "get pull "]],
    ["get pu", ["remote", "get pub/", "get pull"]],
    ["get pub/", ["remote pub/", "get pub/cake.iso", "get pub/rfc/"]],
    ["get pub/c", ["remote pub/", "get pub/cake.iso "]],
    ["get x pul", ["local", "get x pull "]],
    ["put pul", ["local", "put pull "]],
    ["put x pul", ["remote", "put x pull "]],
    ["ls -l pul", ["remote", "ls -l pull "]],
    ["mget a b pul", ["remote", "mget a b pull "]],
    ["lcd two\\ wi", ["local", "lcd two\\ wings/"]],
    ["get two", ["remote", "get two\\ wings/", "get two\\ words"]],
    ['get "two w', ["remote", 'get "two wings/', 'get "two words"']],
    ["get 'two wo", ["remote", "get 'two words' "]],
    [
      'get "two words" ',
      ["local", 'a\\"b', "pub/", "pull", "two\\ wings/", "two\\ words", "x\\*y"]
        .map((word, i) => i === 0 ? word : `get "two words" ${word}`),
    ],
    ["get a", ["remote", 'get a\\"b ']],
    ["get x", ["remote", "get x\\*y "]],
    ["get .", ["remote", "get .hidden "]],
    ["get esc", ["remote"]],
    ["help reg", ["help reget "]],
    ["pwd ", []],
    ["open s", []],
  ];
  for (const [line, found] of cases) assertEquals(await complete(line), found, line);
});

Deno.test("completions() of many names is what they have in common", async () => {
  const names = Array.from({ length: 200 }, (_, i) => ({ name: `file ${i}`, isFolder: false }));
  const many = (): Promise<Name[]> => Promise.resolve(names);
  const found = await completions("get f", COMMANDS, { remote: many, local: many });
  assertEquals(found, { start: 4, words: ["file\\ "] });
});

Deno.test("completions() fails as the folders do", async () => {
  const gone = (): Promise<Name[]> => Promise.reject(new Error("gone"));
  await assertRejects(
    () => completions("get x", COMMANDS, { remote: gone, local: gone }),
    Error,
    "gone",
  );
});
