/** The chat server against ncat --chat, with 50 and with 500 people: lines delivered by the second. */
import { closeQuietly } from "../net/errors.ts";
import { writeAll } from "../net/writer.ts";
import type { Benchmark, Contender, Measure } from "./benchmark.ts";
import { type CommandLine, freePort, ours, startServer } from "./processes.ts";

// Each round takes about a second with the slower server.
const SIZES = [
  { people: 50, poured: 400_000, rounds: 20, lines: 2000 },
  { people: 500, poured: 40_000, rounds: 1, lines: 200 },
];

// Lines of 64 bytes; a mark is in the lines that are waited for, and in nothing that a server says.
const MARK = "!".charCodeAt(0);
const PLAIN = bytes(`${"x".repeat(62)}\r\n`);
const MARKED = bytes(`${"x".repeat(61)}!\r\n`);
/** So many lines leave in one write when one person pours. */
const BATCH = 1000;

/** The command line of a chat server that listens on `port`. */
type Server = (port: string) => CommandLine;

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Somebody who is connected and reads all the time. */
class Person {
  readonly conn: Deno.TcpConn;
  marks = 0;
  /** Look for a mark at the end only: to look through all takes as long as to read it. */
  atEnd = false;
  /** Whether the server has said something: then the person is in. */
  greeted = false;
  #over = false;
  #wake = (): void => {};

  constructor(conn: Deno.TcpConn) {
    this.conn = conn;
    conn.setNoDelay();
    this.#read().catch(() => {}).finally(() => {
      this.#over = true;
      this.#wake();
    });
  }

  /** Waits until so many marks have come. Throws when the connection ends before. */
  async hears(marks: number): Promise<void> {
    while (!this.greeted || this.marks < marks) {
      if (this.#over) throw new Error("the server has closed a connection");
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(65_536);
    for (;;) {
      const length = await this.conn.read(buffer);
      if (length === null) return;
      this.greeted = true;
      const data = buffer.subarray(0, length);
      if (this.atEnd) this.marks += data.at(-3) === MARK ? 1 : 0;
      else for (const byte of data) if (byte === MARK) this.marks++;
      this.#wake();
    }
  }
}

/**
 * A server of its own, a talker there, and people who listen, who have heard the
 * talker once. `stack` ends all. (ncat may end when somebody leaves, so it cannot
 * be used again, or asked whether it listens by a connection that is closed.)
 */
async function gather(
  stack: AsyncDisposableStack,
  server: Server,
  count: number,
): Promise<[talker: Person, others: Person[]]> {
  const port = freePort();
  const people: Person[] = [];
  const come = async (): Promise<void> => {
    people.push(new Person(await Deno.connect({ hostname: "127.0.0.1", port })));
  };
  await startServer(stack, server(`${port}`), () => come().then(() => true, () => false));
  stack.defer(() => people.forEach(({ conn }) => closeQuietly(conn)));
  while (people.length <= count) await come();
  await Promise.all(people.map((person) => person.hears(0)));
  const [talker, ...others] = people;
  if (!talker) throw new Error("nobody is there");
  await writeAll(talker.conn, MARKED);
  await Promise.all(others.map((person) => person.hears(1)));
  return [talker, others];
}

/** How many million lines a second are delivered while `work` delivers `lines`. */
async function rate(lines: number, work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return lines / 1000 / (performance.now() - start);
}

/** One person says lines as fast as the server takes them. */
async function pour(talker: Person, others: Person[], lines: number): Promise<number> {
  const batch = new Uint8Array(BATCH * PLAIN.length);
  for (let i = 0; i < BATCH; i++) batch.set(PLAIN, i * PLAIN.length);
  for (const person of others) person.atEnd = true;
  return await rate(lines * others.length, async () => {
    for (let said = 0; said < lines; said += BATCH) await writeAll(talker.conn, batch);
    await writeAll(talker.conn, MARKED);
    await Promise.all(others.map((person) => person.hears(1)));
  });
}

/** Everybody says a line, and the next one after hearing those of all others. */
async function allTalk(talker: Person, others: Person[], rounds: number): Promise<number> {
  const people = [talker, ...others];
  const each = people.length - 1;
  return await rate(rounds * people.length * each, async () => {
    for (let round = 1; round <= rounds; round++) {
      await Promise.all(people.map(({ conn }) => writeAll(conn, MARKED)));
      await Promise.all(people.map((person) => person.hears(round * each)));
    }
  });
}

/** One person says a line, and the next one when all have it. */
async function lineByLine(talker: Person, others: Person[], lines: number): Promise<number> {
  return await rate(lines * others.length, async () => {
    for (let line = 1; line <= lines; line++) {
      await writeAll(talker.conn, MARKED);
      await Promise.all(others.map((person) => person.hears(line)));
    }
  });
}

const KINDS = [
  { kind: "one pours", by: "poured", measure: pour },
  { kind: "all talk in turn", by: "rounds", measure: allTalk },
  { kind: "one line at a time", by: "lines", measure: lineByLine },
] as const;

const columnOf = (people: number, kind: string): string => `${people}: ${kind}`;

/** How each figure is taken of `server`. */
function measures(server: Server): Record<string, Measure> {
  return Object.fromEntries(SIZES.flatMap((size) =>
    KINDS.map(({ kind, by, measure }) => [
      columnOf(size.people, kind),
      async (): Promise<number> => {
        await using stack = new AsyncDisposableStack();
        const [talker, others] = await gather(stack, server, size.people);
        const once = (): Promise<number> => {
          // Nothing is under way: each figure is taken when all have heard all.
          for (const person of [talker, ...others]) person.marks = 0;
          return measure(talker, others, size[by]);
        };
        // The first time a program that is compiled as it runs gets warm.
        await once();
        return await once();
      },
    ])
  ));
}

/** The benchmark `chatd`. */
export const benchmark: Benchmark = {
  summary: "lines of 64 bytes to 50 and to 500 people over loopback, all of them in one program",
  columns: SIZES.flatMap(({ people }) =>
    KINDS.map(({ kind }) => ({
      name: columnOf(people, kind),
      unit: "M/s",
      better: "more" as const,
    }))
  ),

  contenders(): Promise<Contender[]> {
    // Nobody is slowed down: this measures the server, not its manners.
    const options = ["--host", "127.0.0.1", "--rate", "1000000000", "--quiet"];
    const chatd: Server = (port) => ours("chatd", ...options, "--port", port);
    const ncat: Server = (port) => ["ncat", "--chat", "-m", "1000", "-l", "127.0.0.1", port];
    return Promise.resolve([
      { name: "chatd", start: () => Promise.resolve(measures(chatd)) },
      { name: "ncat --chat", needs: "ncat", start: () => Promise.resolve(measures(ncat)) },
    ]);
  },
};
