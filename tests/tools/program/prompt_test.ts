import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../tools/program/failure.ts";
import { flag } from "../../../tools/program/options.ts";
import { CommandTable } from "../../../tools/program/prompt.ts";

/** A dialogue whose commands tell what they got. */
class Shell {
  out = "";
  readonly console = {
    columns: 41,
    write: (text: string | Uint8Array): Promise<void> => {
      this.out += text;
      return Promise.resolve();
    },
  };
}

const TABLE = new CommandTable<Shell>([
  {
    names: ["get", "fetch"],
    usage: "REMOTE [LOCAL]",
    help: "Fetch a file.",
    words: [1, 2],
    options: { newer: flag("Only if newer.", { short: "n" }) },
    run: (shell, words) => {
      shell.out += words.map(({ text }) => `<${text}>`).join("");
    },
  },
  {
    names: ["glance"],
    usage: "",
    help: "Look at it, for longer than there is room in one line.",
    words: [0, 0],
    run: () => {},
  },
  {
    names: ["!"],
    usage: "[COMMAND]",
    help: "Run a command.",
    words: [0, 1],
    raw: true,
    run: (shell, [word]) => {
      shell.out += `[${word?.text ?? "none"}]`;
    },
  },
]);

async function run(line: string): Promise<string> {
  const shell = new Shell();
  const { command, words } = TABLE.parse(line);
  await command.run(shell, words);
  return shell.out;
}

Deno.test("a command is found by any of its names, and by the beginning of one", async () => {
  for (const line of ["get a b", "fetch a b", "GET a b", "ge 'a' b", "  f a b  "]) {
    assertEquals(await run(line), "<a><b>", line);
  }
  assertEquals(await run('get "two words"'), "<two words>");
});

Deno.test("a raw command takes its line as it is", async () => {
  assertEquals(await run("!echo  'a  b' "), "[echo  'a  b']");
  assertEquals(await run("! ls"), "[ls]");
  assertEquals(await run("!"), "[none]");
});

Deno.test("what is no command, or not one alone, is refused", () => {
  const cases: [line: string, message: string][] = [
    ["frob\x1b", "frob\\x1b: no such command (see help)"],
    ["g a", "g: which one: get, glance?"],
    ["get", "usage: get REMOTE [LOCAL]"],
    ["get a b c", "usage: get REMOTE [LOCAL]"],
    ["glance a", "usage: glance"],
    ["get 'a", "the quote ' is not closed"],
  ];
  for (const [line, message] of cases) {
    assertThrows(() => TABLE.parse(line), UsageError, message);
  }
});

Deno.test("help lists the commands, and tells of one with its options", async () => {
  assertEquals(
    await run("help"),
    `get, fetch REMOTE [LOCAL]  Fetch a file.
glance
    Look at it, for longer than there is room in one line.
! [COMMAND]                Run a command.
help, ? [COMMAND]
    List the commands, or say what one does.
`,
  );
  assertEquals(
    await run("? ge"),
    `get, fetch REMOTE [LOCAL]  Fetch a file.
  -n, --newer              Only if newer.
`,
  );
});
