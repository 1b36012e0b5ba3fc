import { assert, assertEquals } from "@std/assert";
import { Printer, type PrintForm } from "../../../servers/proxy/printer.ts";
import { type MemorySink, memorySink } from "../../support/sink.ts";
import { bytes } from "../../support/stream.ts";

const NOON = new Date(2026, 10, 25, 12, 3, 4, 56);
const HEAD = "12:03:04.056";
const ALICE = "10.0.1.11:40000";

function printerTo(sink: MemorySink, form: PrintForm = "text"): Printer {
  return new Printer(form, (data) => sink.write(data), () => NOON);
}

function text(sink: MemorySink): string {
  return new TextDecoder().decode(sink.written());
}

/** What is printed by `act`. */
async function printed(act: (printer: Printer) => void, form?: PrintForm): Promise<string> {
  const sink = memorySink();
  const printer = printerTo(sink, form);
  act(printer);
  await printer.flush();
  return text(sink);
}

Deno.test("printer: time, number, direction, peer, and the message, a line for each of its lines", async () => {
  const shown = await printed((printer) => {
    const first = printer.connection(1, ALICE);
    const second = printer.connection(2, "[2001:db8::11]:40001");
    first.data("up", bytes("GET / HTTP/1.1\r\nHost: www\r\n\r\n"));
    second.data("up", bytes("no line end"));
    first.data("down", bytes("HTTP/1.1 200 OK\r\n"));
    first.end("up");
    first.reset("down");
  });
  assertEquals(
    shown,
    `${HEAD} #1 > ${ALICE} GET / HTTP/1.1\\r\\n
${HEAD} #1 > ${ALICE} Host: www\\r\\n
${HEAD} #1 > ${ALICE} \\r\\n
${HEAD} #2 > [2001:db8::11]:40001 no line end
${HEAD} #1 < ${ALICE} HTTP/1.1 200 OK\\r\\n
`,
  );
});

Deno.test("printer: nothing that passes can steer the terminal", async () => {
  const message = Uint8Array.of(
    ...bytes("\x1b[2J\x07\u009b\u202e café \\n"),
    0x9b,
    0xff,
    ...bytes("\r"),
  );
  const shown = await printed((printer) => printer.show(7, "down", ALICE, message));
  assertEquals(
    shown,
    `${HEAD} #7 < ${ALICE} \\x1b[2J\\x07\\u{9b}\\u{202e} café \\\\n\\x9b\\xff\\r\n`,
  );
});

Deno.test("printer: a line without an end is cut at 1,024 bytes, but not within a character", async () => {
  const shown = await printed((printer) => {
    printer.show(1, "up", ALICE, bytes("x".repeat(1023) + "é and more"));
    printer.show(2, "up", ALICE, new Uint8Array(1500).fill(0x80));
  });
  const lines = shown.trimEnd().split("\n").map((line) =>
    line.slice(`${HEAD} #1 > ${ALICE} `.length)
  );
  assertEquals(lines.slice(0, 2), ["x".repeat(1023), "é and more"]);
  assertEquals(lines.slice(2).map((line) => line.length / "\\x80".length), [1021, 479]);
});

Deno.test("printer: an empty datagram is shown too", async () => {
  assertEquals(
    await printed((printer) => printer.show(1, "up", ALICE, new Uint8Array(0))),
    `${HEAD} #1 > ${ALICE} \n`,
  );
  assertEquals(
    await printed((printer) => printer.show(1, "up", ALICE, new Uint8Array(0)), "hex"),
    `${HEAD} #1 > ${ALICE} 0 bytes\n`,
  );
});

Deno.test("printer: hexadecimal, with offsets that count each direction from its beginning", async () => {
  const shown = await printed((printer) => {
    const one = printer.connection(1, ALICE);
    one.data("up", bytes("GET / HTTP/1.1\r\n\r\n"));
    one.data("down", bytes("ok"));
    one.data("up", bytes("\x1b[2J"));
  }, "hex");
  assertEquals(
    shown,
    `${HEAD} #1 > ${ALICE} 18 bytes
  00000000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |GET / HTTP/1.1..|
  00000010  0d 0a                                             |..|
${HEAD} #1 < ${ALICE} 2 bytes
  00000000  6f 6b                                             |ok|
${HEAD} #1 > ${ALICE} 4 bytes
  00000012  1b 5b 32 4a                                       |.[2J|
`,
  );
  const long = await printed((printer) => {
    printer.show(1, "up", ALICE, new Uint8Array(20_000));
  }, "hex");
  assertEquals(long.match(/\d+ bytes/g), ["16384 bytes", "3616 bytes"]);
  assert(long.includes("\n  00004000  00"));
});

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await Promise.resolve();
}

for (const form of ["text", "hex"] as const) {
  Deno.test(`printer: while nobody reads, nothing waits, and what is not shown is counted, ${form}`, async () => {
    const sink = memorySink({ held: true });
    const printer = printerTo(sink, form);
    const tap = printer.connection(1, ALICE);
    const size = 4000;
    // Many times what the queue holds.
    for (let i = 0; i < 2000; i++) tap.data("up", new Uint8Array(size).fill(0x78));
    // One write is held, and nothing more was asked for.
    assertEquals(sink.writes.length, 1);
    // Somebody reads again: the gap is told before what comes next.
    sink.release();
    await turns(2);
    sink.release();
    await turns(2);
    tap.data("up", bytes("the end"));
    let over = false;
    const flushed = printer.flush().then(() => over = true);
    while (!over) {
      sink.release();
      await turns(1);
    }
    await flushed;
    const shown = text(sink);
    const [, lost = "", rest = ""] = /\n\[(\d+) bytes not shown\]\n(.*)$/s.exec(shown) ?? [];
    const seen = form === "text"
      ? (shown.match(/x+$/gm) ?? []).join("").length
      : [...shown.slice(0, -rest.length).matchAll(/ (\d+) bytes\n/g)]
        .reduce((sum, [, length]) => sum + Number(length), 0);
    assertEquals(seen + Number(lost), 2000 * size);
    assert(rest.includes(form === "text" ? "the end" : "|the end|"));
  });
}

Deno.test("printer: a reader that has gone away is noticed, and nothing else is taken for it", async () => {
  const errors = [new Deno.errors.BadResource(), new Deno.errors.BrokenPipe()];
  const printer = new Printer("text", () => Promise.reject(errors.shift()), () => NOON);
  let closed = false;
  printer.closed.then(() => closed = true);
  printer.show(1, "up", ALICE, bytes("one"));
  await printer.flush();
  assertEquals(closed, false);
  printer.show(1, "up", ALICE, bytes("two"));
  await printer.closed;
});
