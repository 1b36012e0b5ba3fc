import { assertEquals, assertRejects } from "@std/assert";
import { converse, type Screen } from "../../../clients/chat/session.ts";
import { readText, streamPair } from "../../support/stream.ts";

/** A screen whose lines to send are given, and which remembers what it showed. */
class TestScreen implements Screen {
  readonly shown: string[] = [];
  closed = false;
  readonly #lines: AsyncIterable<string>;

  constructor(lines: AsyncIterable<string>) {
    this.#lines = lines;
  }

  show(lines: string[]): Promise<void> {
    this.shown.push(...lines);
    return Promise.resolve();
  }

  lines(): AsyncIterable<string> {
    return this.#lines;
  }

  close(): void {
    this.closed = true;
  }
}

async function* said(...lines: string[]): AsyncGenerator<string> {
  yield* lines;
}

/** Somebody who has more to say, but not now. */
async function* silent(): AsyncGenerator<string> {
  await new Promise(() => {});
  yield "";
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

Deno.test("chat: lines go out with CRLF, then our half ends, and what comes later is shown", async () => {
  const [client, server] = streamPair({ most: 3 });
  const screen = new TestScreen(said("héllo", "/who"));
  const talk = converse(client, screen);
  assertEquals(await readText(server), "héllo\r\n/who\r\n");
  for (const byte of encode("<ada> ça va?\r\n* late\nno end")) {
    await server.write(Uint8Array.of(byte));
  }
  await server.closeWrite();
  assertEquals(await talk, false);
  assertEquals(screen.shown, ["<ada> ça va?", "* late", "no end"]);
  assertEquals(screen.closed, true);
});

Deno.test("chat: a server that leaves ends the conversation, whatever is still to be typed", async () => {
  const [client, server] = streamPair();
  const screen = new TestScreen(silent());
  await server.write(encode("* good-bye\r\n"));
  await server.closeWrite();
  assertEquals(await converse(client, screen), true);
  assertEquals([screen.shown, screen.closed], [["* good-bye"], true]);
});

Deno.test("chat: a server that closes after /quit does what it was asked to", async () => {
  for (
    const [last, closedFirst] of [["/quit", false], ["/QUIT ", false], ["/quit?", true]] as const
  ) {
    const [client, server] = streamPair();
    const talk = converse(
      client,
      new TestScreen((async function* (): AsyncGenerator<string> {
        yield* said("hello", last);
        yield* silent();
      })()),
    );
    const expected = `hello\r\n${last}\r\n`;
    const buffer = new Uint8Array(100);
    for (let heard = ""; heard !== expected;) {
      heard += new TextDecoder().decode(buffer.subarray(0, await server.read(buffer) ?? 0));
    }
    await server.closeWrite();
    assertEquals(await talk, closedFirst, last);
  }
});

Deno.test("chat: a broken connection is no end like others", async () => {
  const [client, server] = streamPair();
  const screen = new TestScreen(silent());
  const talk = converse(client, screen);
  server.reset();
  await assertRejects(() => talk, Deno.errors.ConnectionReset);
  assertEquals(screen.closed, true);
});

Deno.test("chat: what a server says cannot steer the terminal, and a line without end fills no memory", async () => {
  const [client, server] = streamPair();
  const screen = new TestScreen(said());
  await server.write(encode("\x1b[2J\u202e\x07\ta\r\n"));
  await server.write(encode("x".repeat(1 << 20)));
  await server.write(encode("\r\nlast\r\n"));
  await server.closeWrite();
  await converse(client, screen);
  assertEquals(screen.shown, [
    "\\x1b[2J\\u{202e}\\x07\ta",
    "x".repeat(8192),
    "last",
  ]);
});
