/** The chat server with more people, and more talk, than a lab has. */
import { assert, assertEquals } from "@std/assert";
import { start } from "../../servers/chat.ts";
import { defaultMaxConnections } from "../../tools/net/limits.ts";
import type { Server } from "../../tools/net/server.ts";
import { writeAll } from "../../tools/net/writer.ts";
import { Log } from "../../tools/program/log.ts";
import { netTest, processTestUnless } from "../support/permissions.ts";
import { bytes } from "../support/stream.ts";

const PEOPLE = 2000;
// No notice and no greeting of the server has one.
const MARK = "!".charCodeAt(0);
const LF = "\n".charCodeAt(0);

function chatServer(): Server {
  return start({
    hosts: ["127.0.0.1"],
    port: 0,
    raw: false,
    motd: [],
    history: 0,
    rate: 1_000_000_000,
    idleTimeout: 3_600_000,
    maxConnections: PEOPLE,
    maxPerAddress: PEOPLE,
    log: new Log({ name: "chatd", form: "text", quiet: true }),
  });
}

/** Somebody who reads all the time, and counts what comes. */
class Reader {
  readonly #conn: Deno.TcpConn;
  readonly #over: Promise<void>;
  bytes = 0;
  lines = 0;
  marks = 0;
  #wake = (): void => {};

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    this.#over = this.#read();
  }

  static async come({ addrs: [addr] }: Server): Promise<Reader> {
    return new Reader(await Deno.connect({ hostname: "127.0.0.1", port: addr?.port ?? 0 }));
  }

  async says(text: string): Promise<void> {
    await writeAll(this.#conn, bytes(text));
  }

  /** Waits until so many lines, and so many marks, have come. */
  async hears(what: { lines?: number; marks?: number }): Promise<void> {
    while (this.lines < (what.lines ?? 0) || this.marks < (what.marks ?? 0)) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async leaves(): Promise<void> {
    await this.#conn.closeWrite();
    await this.#over;
    this.#conn.close();
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(16_384);
    for (;;) {
      const length = await this.#conn.read(buffer);
      if (length === null) return;
      const data = buffer.subarray(0, length);
      this.bytes += length;
      this.lines += count(data, LF);
      this.marks += count(data, MARK);
      this.#wake();
    }
  }
}

function count(data: Uint8Array, byte: number): number {
  let found = 0;
  for (let at = data.indexOf(byte); at >= 0; at = data.indexOf(byte, at + 1)) found++;
  return found;
}

processTestUnless(
  defaultMaxConnections() < 2 * PEOPLE + 100 ? `needs ulimit -n ${3 * PEOPLE}` : undefined,
  "chat: 2,000 people come, all talk, and leave",
  async () => {
    const server = chatServer();
    const people: Reader[] = [];
    for (let i = 0; i < PEOPLE; i++) people.push(await Reader.come(server));
    await Promise.all(people.map((person) => person.hears({ lines: 1 })));
    await Promise.all(people.map((person) => person.says("hello, all!\n")));
    await Promise.all(people.map((person) => person.hears({ marks: PEOPLE - 1 })));
    for (const { marks, lines } of people) {
      assertEquals(marks, PEOPLE - 1);
      // Without a limit each one after the first would have been told to those before.
      assert(lines - marks < PEOPLE / 4, `${lines - marks} notices`);
    }
    await Promise.all(people.map((person) => person.leaves()));
    await server.shutdown();
  },
);

netTest("chat: however much one says at once, those who read get all of it", async () => {
  const server = chatServer();
  const talker = await Reader.come(server);
  const readers = [await Reader.come(server), await Reader.come(server)];
  for (const reader of readers) await reader.hears({ lines: 1 });
  await talker.says("start!\n");
  for (const reader of readers) await reader.hears({ marks: 1 });
  const before = readers.map(({ bytes }) => bytes);
  // Far more than the system holds between two programs, and than may wait for a listener.
  const lines = 1_000_000;
  const line = `${"x".repeat(61)}\n`;
  for (let i = 0; i < lines; i += 1000) await talker.says(line.repeat(1000));
  await talker.says("the end!\n");
  for (const [i, reader] of readers.entries()) {
    await reader.hears({ marks: 2 });
    const [text, around] = [lines * 61 + "the end!".length, "<guest1> \r\n".length];
    assertEquals(reader.bytes - (before[i] ?? 0), text + (lines + 1) * around);
  }
  for (const person of [talker, ...readers]) await person.leaves();
  await server.shutdown();
});
