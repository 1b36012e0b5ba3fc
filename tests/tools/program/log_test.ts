import { assert, assertEquals } from "@std/assert";
import { Log, type LogOptions } from "../../../tools/program/log.ts";
import { afterTurns } from "../../support/turns.ts";
import { UNSAFE } from "../../../tools/protocol/text.ts";

/** A log and what it wrote. */
function record(
  options: Partial<LogOptions> = {},
): { log: Log; written: () => string } {
  const decoder = new TextDecoder();
  let text = "";
  const log = new Log({
    name: "testd",
    form: "text",
    quiet: false,
    now: () => new Date(0),
    write: (bytes) => {
      text += decoder.decode(bytes);
      return Promise.resolve(bytes.length);
    },
    ...options,
  });
  return { log, written: () => text };
}

const HOSTILE = "\x1b[2J\r\nforged: line\x9b\u202e\u2028";

Deno.test("log: one line for an event, in text", async () => {
  const { log, written } = record();
  log.event("answered", { peer: "192.0.2.1", port: 7, late: false });
  log.event("named", { name: "two words", quote: 'a"b', none: undefined });
  log.event("own form", { peer: "192.0.2.1" }, "192.0.2.1 - - [date]");
  log.say("listening on tcp 127.0.0.1:13");
  await log.flush();
  assertEquals(written().split("\n"), [
    "1970-01-01T00:00:00.000Z testd: answered peer=192.0.2.1 port=7 late=false",
    '1970-01-01T00:00:00.000Z testd: named name="two words" quote="a\\"b"',
    "192.0.2.1 - - [date]",
    "testd: listening on tcp 127.0.0.1:13",
    "",
  ]);
});

Deno.test("log: one object for an event, in JSON; the text form is not used", async () => {
  const { log, written } = record({ form: "json" });
  log.event("answered", { peer: "192.0.2.1", port: 7, none: undefined }, "text");
  await log.flush();
  assertEquals(JSON.parse(written()), {
    time: "1970-01-01T00:00:00.000Z",
    server: "testd",
    event: "answered",
    peer: "192.0.2.1",
    port: 7,
  });
});

for (const form of ["text", "json"] as const) {
  Deno.test(`log: what a peer sent is escaped and forges no line (${form})`, async () => {
    const { log, written } = record({ form });
    log.event("command", { line: HOSTILE });
    log.event("own form", { line: HOSTILE }, HOSTILE);
    log.say(HOSTILE);
    await log.flush();
    const lines = written().split("\n");
    assertEquals(lines.length, 4);
    assertEquals(lines.join("").match(UNSAFE), null);
    if (form === "json") assertEquals(JSON.parse(lines[0] ?? "").line, HOSTILE);
  });
}

Deno.test("log: quiet leaves only what say() says", async () => {
  const { log, written } = record({ quiet: true });
  log.event("answered", {});
  log.say("listening");
  await log.flush();
  assertEquals(written(), "testd: listening\n");
});

Deno.test("log: a writer that takes little at a time gets everything", async () => {
  let text = "";
  const { log } = record({
    write: (bytes) => {
      text += new TextDecoder().decode(bytes.subarray(0, 3));
      return Promise.resolve(Math.min(3, bytes.length));
    },
  });
  log.say("first");
  log.say("second");
  await log.flush();
  assertEquals(text, "testd: first\ntestd: second\n");
});

Deno.test("log: while nobody reads, the queue is bounded and lost lines are counted", async () => {
  let text = "";
  const gate = Promise.withResolvers<void>();
  const { log } = record({
    write: async (bytes) => {
      await gate.promise;
      text += new TextDecoder().decode(bytes);
      return bytes.length;
    },
  });
  const line = "x".repeat(1000);
  for (let i = 0; i < 5000; i++) log.say(line);
  gate.resolve();
  await log.flush();
  const lines = text.trimEnd().split("\n");
  const [, lost] = /^testd: (\d+) log lines were lost/.exec(lines.at(-1) ?? "") ?? [];
  assertEquals(lines.length - 1 + Number(lost), 5000);
  assert(text.length < 1.2 * 2 ** 20 + line.length, `${text.length}`);

  log.say("again"); // There is room again, and nothing more was lost.
  await log.flush();
  assert(text.endsWith("nobody was reading\ntestd: again\n"));
});

Deno.test("log: a line that comes as the queue runs empty is not left behind", async () => {
  for (let turns = 0; turns < 8; turns++) {
    let text = "";
    const { log } = record({
      write: (bytes) => {
        if (text === "") void afterTurns(turns, () => log.say("late"));
        text += new TextDecoder().decode(bytes);
        return Promise.resolve(bytes.length);
      },
    });
    log.say("early");
    await afterTurns(20, () => {});
    await log.flush();
    assertEquals(text, "testd: early\ntestd: late\n", `${turns} turns`);
  }
});

Deno.test("log: a closed standard error stops nothing", async () => {
  const { log } = record({
    write: () => Promise.reject(new Deno.errors.BrokenPipe()),
  });
  log.say("one");
  await log.flush();
  log.say("two");
  await log.flush();
});
