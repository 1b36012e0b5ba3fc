import { assertEquals, assertRejects } from "@std/assert";
import { converse, type Screen } from "../../../clients/chat/session.ts";
import { Failure } from "../../../tools/program/failure.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { readText, streamPair } from "../../support/stream.ts";
import { afterTurns } from "../../support/turns.ts";

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

const ADA = { nick: "ada", timeout: 10_000 };

Deno.test("chat: nothing is said before the server agrees to the name", async () => {
  const [client, server] = streamPair();
  const screen = new TestScreen(said("hello"));
  const talk = converse(client, screen, ADA);
  const buffer = new Uint8Array(100);
  const heard = async (): Promise<string> =>
    new TextDecoder().decode(buffer.subarray(0, await server.read(buffer) ?? 0));
  assertEquals(await heard(), "/nick ada\r\n");
  await server.write(encode("* you are guest1\r\n<bob> * no: a joke\r\n* you are now ada\r\n"));
  assertEquals(await heard(), "hello\r\n");
  await server.closeWrite();
  assertEquals(await talk, false);
  assertEquals(screen.shown, ["* you are guest1", "<bob> * no: a joke", "* you are now ada"]);
});

Deno.test("chat: a name that is refused, or never answered, ends it before anything is said", async () => {
  for (const answer of ["* no: ada is here already\r\n", "<bob> hello\r\n"]) {
    using time = new FakeTime();
    const [client, server] = streamPair();
    const screen = new TestScreen(said("hello"));
    await server.write(encode(answer));
    const failed = assertRejects(() => converse(client, screen, ADA), Failure);
    await time.tick(ADA.timeout);
    const { message, exitCode } = await failed;
    assertEquals(
      [message, exitCode],
      {
        "*": ["--nick ada: ada is here already", 1],
        "<": ["--nick ada: no answer (does the room have names?)", 3],
      }[answer.charAt(0)],
    );
    await client.closeWrite();
    assertEquals(await readText(server), "/nick ada\r\n");
    assertEquals([screen.shown, screen.closed], [[answer.trimEnd()], true]);
  }
});

Deno.test("chat: a server that leaves before it answers about the name has left", async () => {
  const [client, server] = streamPair();
  const talk = converse(client, new TestScreen(said("hello")), ADA);
  await server.closeWrite();
  assertEquals(await talk, true);
  // It may still read, but nobody has agreed to the name.
  await afterTurns(10, () => client.closeWrite());
  assertEquals(await readText(server), "/nick ada\r\n");
});
