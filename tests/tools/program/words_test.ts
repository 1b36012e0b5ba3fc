import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { quoteWord, splitWords } from "../../../tools/program/words.ts";

Deno.test("splitWords() knows quotes and backslashes", () => {
  const cases: [line: string, words: string[], open?: string][] = [
    ["", []],
    ["  ", []],
    ["get  a\tb ", ["get", "a", "b"]],
    ['get "two words" a', ["get", "two words", "a"]],
    ["get 'two words'", ["get", "two words"]],
    ["get two\\ words", ["get", "two words"]],
    ["a\"b c\"d'e f'", ["ab cde f"]],
    ['"" x', ["", "x"]],
    ["'a\\b'", ["a\\b"]],
    ['"a\\"b"', ['a"b']],
    ["it\\'s", ["it's"]],
    ["a\\", ["a\\"]],
    ['"open', ["open"], '"'],
    ["'open", ["open"], "'"],
    ['x "', ["x", ""], '"'],
  ];
  for (const [line, words, open = ""] of cases) {
    const found = splitWords(line);
    assertEquals([found.words.map(({ text }) => text), found.open], [words, open], line);
  }
});

Deno.test("splitWords() keeps what was quoted out of patterns, and tells where words begin", () => {
  const { words } = splitWords(`mget *.txt "*.txt" a\\*b '[x]'?`);
  assertEquals(words.map(({ pattern }) => pattern), [
    "mget",
    "*.txt",
    "\\*.txt",
    "a\\*b",
    "\\[x\\]?",
  ]);
  assertEquals(words.map(({ start }) => start), [0, 5, 11, 19, 24]);
});

Deno.test("quoteWord() is undone by splitWords()", () => {
  fc.assert(fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (text) => {
    const expected = [{ text, start: 0 }];
    for (const quote of ["", '"', ...text.includes("'") ? [] : ["'"]]) {
      const { words } = splitWords(quoteWord(text, quote));
      assertEquals(words.map(({ text, start }) => ({ text, start })), expected);
    }
  }));
});
