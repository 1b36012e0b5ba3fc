import { assertEquals } from "@std/assert";
import { PassThrough, Writable } from "node:stream";
import { TerminalScreen } from "../../../clients/chat/terminal.ts";
import { TerminalRows } from "../../support/terminal.ts";

const COLUMNS = 20;

/** A terminal of 20 columns, and somebody who types. */
class Tester {
  readonly #input = new PassThrough();
  readonly #rows = new TerminalRows(COLUMNS);
  readonly screen: TerminalScreen;
  interrupts = 0;

  constructor(colours = false) {
    const rows = this.#rows;
    const output = new Writable({
      decodeStrings: false,
      write(chunk, _encoding, done): void {
        rows.write(String(chunk));
        done();
      },
    });
    this.screen = new TerminalScreen({
      input: this.#input,
      output: Object.assign(output, { columns: COLUMNS }),
      colours,
      onInterrupt: () => this.interrupts++,
    });
  }

  /** Presses keys, one after the other. */
  async type(...keys: string[]): Promise<void> {
    for (const key of keys) {
      const taken = new Promise((resolve) => this.#input.once("data", resolve));
      this.#input.write(key);
      await taken;
    }
  }

  async show(...lines: string[]): Promise<void> {
    await this.screen.show(lines);
  }

  /** What stands there; `|` is the cursor. */
  get rows(): string[] {
    return this.#rows.text;
  }

  /** The lines that were typed, once no more can be. */
  async typed(): Promise<string[]> {
    return await Array.fromAsync(this.screen.lines());
  }
}

const HOME = "\x01";
const END_OF_INPUT = "\x04";
const INTERRUPT = "\x03";
const UP = "\x1b[A";

Deno.test("terminal: lines come in above the one being typed, which stays as it is", async () => {
  const tester = new Tester();
  await tester.type("hel");
  await tester.show("<bob> one", "<bob> two");
  assertEquals(tester.rows, ["<bob> one", "<bob> two", "> hel|"]);
  await tester.type("lo", "\r");
  assertEquals(tester.rows, ["<bob> one", "<bob> two", "> hello", "> |"]);
  await tester.show("* bob left");
  assertEquals(tester.rows, ["<bob> one", "<bob> two", "> hello", "* bob left", "> |"]);
  tester.screen.close();
  assertEquals(await tester.typed(), ["hello"]);
});

Deno.test("terminal: so they do when the typed line takes several rows, wherever the cursor is", async () => {
  const tester = new Tester();
  await tester.type("a line of more than two rows of twenty.");
  await tester.show("one");
  assertEquals(tester.rows, ["one", "> a line of more tha", "n two rows of twenty", ".|"]);
  await tester.type(HOME);
  await tester.show("two, which is longer than a row");
  const above = ["one", "two, which is longer", " than a row"];
  assertEquals(tester.rows, [...above, "> |a line of more tha", "n two rows of twenty", "."]);
  await tester.type("X");
  await tester.show("three");
  above.push("three");
  assertEquals(tester.rows, [...above, "> X|a line of more th", "an two rows of twent", "y."]);
  // What comes after the end does not overwrite what was not sent.
  tester.screen.close();
  await tester.show("four");
  assertEquals(tester.rows, [
    ...above,
    "> Xa line of more th",
    "an two rows of twent",
    "y.",
    "four",
    "|",
  ]);
  assertEquals(await tester.typed(), []);
});

Deno.test("terminal: history, completion, Ctrl-C and Ctrl-D", async () => {
  const tester = new Tester();
  await tester.show("* ada joined");
  await tester.type("first", "\r", "second", "\r", UP, UP, "\r");
  await tester.type("/m", "s", "\t", "a", "\t", "hi", "\r", INTERRUPT);
  assertEquals(tester.interrupts, 1);
  await tester.type(END_OF_INPUT);
  assertEquals(await tester.typed(), ["first", "second", "first", "/msg ada hi"]);
  assertEquals(tester.rows.slice(-2), ["> /msg ada hi", "|"]);
  // What still comes is shown.
  await tester.show("* good-bye");
  assertEquals(tester.rows.slice(-2), ["* good-bye", "|"]);
});

Deno.test("terminal: names have colours when there are to be any", async () => {
  for (const colours of [true, false]) {
    let text = "";
    const screen = new TerminalScreen({
      input: new PassThrough(),
      output: new Writable({
        decodeStrings: false,
        write: (chunk, _encoding, done): void => {
          text += chunk;
          done();
        },
      }),
      colours,
      onInterrupt: () => {},
    });
    await screen.show(["<ada> hello"]);
    screen.close();
    assertEquals(text.includes("<ada> hello\n"), !colours);
    assertEquals(text.includes("m<ada>\x1b[0m hello\n"), colours);
  }
});
