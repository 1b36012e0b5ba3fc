import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { UsageError } from "../../../tools/program/failure.ts";
import {
  count,
  duration,
  flag,
  list,
  listenPort,
  parseOptions,
  port,
  size,
  text,
  value,
  valueOr,
} from "../../../tools/program/options.ts";

const TABLE = {
  verbose: flag("Talk.", { short: "v" }),
  udp: flag("UDP.", { short: "u" }),
  ipv4: flag("IPv4.", { short: "4" }),
  output: value("FILE", "A file.", text, { short: "o" }),
  header: list("LINE", "A header.", text, { short: "H" }),
  "max-redirs": valueOr("N", "Redirections.", count, "10"),
  timeout: valueOr("TIME", "Time.", duration, "5s"),
  x: value("LETTER", "One letter.", text),
};

const DEFAULTS = {
  verbose: false,
  udp: false,
  ipv4: false,
  output: undefined,
  header: [] as string[],
  maxRedirs: 10,
  timeout: 5000,
  x: undefined,
};

Deno.test("options: what a command line means", () => {
  const table: [args: string, options: object, words?: string[]][] = [
    ["", {}],
    ["-v", { verbose: true }],
    ["--verbose", { verbose: true }],
    ["-v -v", { verbose: true }],
    ["-vu4", { verbose: true, udp: true, ipv4: true }],
    ["-ofile", { output: "file" }],
    ["-o file", { output: "file" }],
    ["-vofile", { verbose: true, output: "file" }],
    ["-vo file word", { verbose: true, output: "file" }, ["word"]],
    ["-o=x", { output: "=x" }], // As getopt: what follows the letter is the value.
    ["--output=x", { output: "x" }],
    ["--output x", { output: "x" }],
    ["--output=a=b", { output: "a=b" }],
    ["--output a --output b", { output: "b" }], // The last one counts.
    ["-o -v", { output: "-v" }], // A value may begin with '-'.
    ["--output --verbose", { output: "--verbose" }],
    ["-o -", { output: "-" }],
    ["-o --", { output: "--" }],
    ["-o 007", { output: "007" }],
    ["--output=true", { output: "true" }],
    ["--x=y", { x: "y" }],
    ["-H a:1 -H b:2", { header: ["a:1", "b:2"] }],
    ["-H 1", { header: ["1"] }],
    ["--max-redirs 3", { maxRedirs: 3 }],
    ["--timeout 250ms", { timeout: 250 }],
    ["word", {}, ["word"]],
    ["007 1e3 0x10", {}, ["007", "1e3", "0x10"]], // File names, not numbers.
    ["- word", {}, ["-", "word"]],
    ["a -v b", { verbose: true }, ["a", "b"]],
    ["-v -- -u --x a", { verbose: true }, ["-u", "--x", "a"]],
    ["a -- --", {}, ["a", "--"]],
  ];
  for (const [line, options, words = []] of table) {
    const args = line.split(" ").filter((arg) => arg !== "");
    assertEquals(
      parseOptions(TABLE, args),
      { options: { ...DEFAULTS, ...options }, words },
      line,
    );
  }
});

Deno.test("options: an empty word is a word", () => {
  assertEquals(parseOptions(TABLE, ["", "-v"]).words, [""]);
});

Deno.test("options: what is wrong with a command line, in one line", () => {
  const table: [args: string[], message: string][] = [
    [["--colour"], "unknown option --colour (see --help)"],
    [["--verbos"], "unknown option --verbos; is it --verbose? (see --help)"],
    [["--verbosee"], "unknown option --verbosee; is it --verbose? (see --help)"],
    [["--vebose"], "unknown option --vebose; is it --verbose? (see --help)"],
    [["--vorbose=1"], "unknown option --vorbose; is it --verbose? (see --help)"],
    [["--out=x"], "unknown option --out; is it --output? (see --help)"],
    [["-q"], "unknown option -q (see --help)"],
    [["-vq"], "unknown option -q (see --help)"],
    [["--" + "\x1b[2J"], "unknown option --\\x1b[2J (see --help)"],
    [["--__proto__"], "unknown option --__proto__ (see --help)"],
    [["--constructor=1"], "unknown option --constructor (see --help)"],
    [["--toString"], "unknown option --toString (see --help)"],
    [["--verbose=yes"], "--verbose takes no value"],
    [["--no-verbose"], "unknown option --no-verbose (see --help)"],
    [["-o"], "-o needs a value: -o FILE"],
    [["-vo"], "-o needs a value: -o FILE"],
    [["--output"], "--output needs a value: --output FILE"],
    [["--output="], "--output : the value is empty"],
    [["--output", ""], "--output : the value is empty"],
    [["--max-redirs", "x"], "--max-redirs x: give a whole number, 1 or more"],
    [["--timeout", "\x1b"], "--timeout \\x1b: give a duration such as 250ms, 5s or 2m"],
    [["-H", ""], "--header : the value is empty"],
  ];
  for (const [args, message] of table) {
    const error = assertThrows(
      () => parseOptions(TABLE, args),
      UsageError,
      undefined,
      args.join(" "),
    );
    assertEquals(error.message, message);
    assertEquals(error.exitCode, 2);
  }
});

Deno.test("options: any command line is understood or refused in one line", () => {
  const word = fc.oneof(
    fc.constantFrom("--", "-", "-v", "-o", "--output", "--output=", "-H", "--x"),
    fc.string({ unit: "binary" }),
    fc.string().map((text) => `-${text}`),
    fc.string().map((text) => `--${text}`),
  );
  fc.assert(fc.property(fc.array(word), (args) => {
    try {
      parseOptions(TABLE, args);
    } catch (error) {
      assert(error instanceof UsageError, String(error));
      assert(!error.message.includes("\n"), error.message);
    }
  }));
});

Deno.test("options: the kinds of values", () => {
  const good: [(word: string) => unknown, string, unknown][] = [
    [port, "65535", 65535],
    [listenPort, "0", 0],
    [size, "64K", 65536],
    [count, "1", 1],
    [duration, "2m", 120_000],
    [text, " ", " "],
  ];
  for (const [read, word, result] of good) assertEquals(read(word), result);
  const bad: [(word: string) => unknown, string][] = [
    [port, "0"],
    [port, "99999"],
    [size, "-1"],
    [count, "0"],
    [text, ""],
  ];
  for (const [read, word] of bad) assertThrows(() => read(word), RangeError);
});

Deno.test("options: a bad default is found like a bad value", () => {
  const table = { size: valueOr("SIZE", "A size.", size, "large") };
  assertThrows(() => parseOptions(table, []), UsageError, "give a size");
});

Deno.test("options: an empty value is a value, wherever it stands", () => {
  const table = { data: list("DATA", "Data.", String, { short: "d" }), all: flag("All.") };
  for (const args of [["-d", "", "word"], ["--data", "", "word"], ["--data=", "word"]]) {
    const { options, words } = parseOptions(table, args);
    assertEquals([options.data, options.all, words], [[""], false, ["word"]]);
  }
});
