/** The loops of the FTP server that move bytes. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Pace, receive, send, type Source } from "../../../servers/ftp/copy.ts";
import { sendLines } from "../../../servers/ftp/listing.ts";
import type { ServedEntry } from "../../../tools/files/jail.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { streamOf } from "../../support/stream.ts";

const KIB = 1024;

Deno.test("ftpd: a transfer keeps to its rate, in small pieces when that is low", async () => {
  using time = new FakeTime();
  const pace = new Pace(8 * KIB);
  assertEquals(pace.piece, KIB);
  let waited = false;
  const wait = pace.moved(4 * KIB)?.then(() => waited = true);
  await time.tick(499);
  assert(!waited);
  await time.tick(1);
  await wait;
  assertEquals(pace.moved(1), undefined);
  assertEquals(pace.bytes, 4 * KIB + 1);
  assertEquals(new Pace(Infinity).piece, 1024 * KIB);
});

Deno.test("ftpd: no transfer waits so long that it does not notice soon that it is given up", async () => {
  using time = new FakeTime();
  let given = false;
  const move = (buffer: Uint8Array): Promise<number> =>
    given ? Promise.reject(new Deno.errors.BadResource()) : Promise.resolve(buffer.length);
  const data = new Uint8Array(10 * KIB);
  const name = "x".repeat(200);
  async function* names(): AsyncGenerator<ServedEntry> {
    for (;;) yield { name, info: {} as Deno.FileInfo };
  }
  const pace = (): Pace => new Pace(200);
  const transfers = [
    send({ write: move }, source(data, Infinity), data.length, pace()),
    receive({ read: move }, { writeSync: ({ length }) => length }, pace()),
    sendLines({ write: move }, names(), ({ name }) => name, pace()),
  ];
  let over = 0;
  const ends = transfers.map((transfer) =>
    assertRejects(() => transfer, Deno.errors.BadResource).then(() => over++)
  );
  await time.tick(1000);
  given = true;
  assertEquals(over, 0);
  await time.tick(200);
  assertEquals(over, transfers.length);
  await Promise.all(ends);
});

Deno.test("ftpd: a fast transfer lets the others have a turn", async () => {
  const pace = new Pace(Infinity);
  assertEquals(pace.moved(4 * KIB * KIB - 1), undefined);
  const turn = pace.moved(1);
  assert(turn);
  await turn;
  assertEquals(pace.moved(1), undefined);
});

/** A file in memory that gives `step` bytes at a time. */
function source(data: Uint8Array, step: number): Source {
  let at = 0;
  const readSync = (buffer: Uint8Array): number | null => {
    const length = Math.min(step, buffer.length, data.length - at);
    buffer.set(data.subarray(at, at + length));
    at += length;
    return length || null;
  };
  return { readSync, read: (buffer) => Promise.resolve(readSync(buffer)) };
}

Deno.test("ftpd: what is sent is the file, however it is read and however it is taken", async () => {
  for (const size of [0, 1, 1000, 300_000, 600_001]) {
    const data = Uint8Array.from({ length: size }, (_, i) => i % 251);
    for (const [step, most] of [[Infinity, Infinity], [70_000, 9999]] as const) {
      const sent: number[] = [];
      const stream = {
        write(part: Uint8Array): Promise<number> {
          const length = Math.min(part.length, most);
          for (const byte of part.subarray(0, length)) sent.push(byte);
          return Promise.resolve(length);
        },
      };
      // A file may have grown, or shrunk, since its size was seen.
      for (const expected of [size, 0, size + 10]) {
        sent.length = 0;
        await send(stream, source(data, step), expected, new Pace(Infinity));
        assertEquals(sent.length, size);
        assert(sent.every((byte, i) => byte === data[i]));
      }
    }
  }
});

Deno.test("ftpd: what is received is what came, however it is written", async () => {
  const data = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);
  const written: number[] = [];
  const sink = {
    writeSync(part: Uint8Array): number {
      const length = Math.min(part.length, 9999);
      for (const byte of part.subarray(0, length)) written.push(byte);
      return length;
    },
  };
  const pace = new Pace(Infinity);
  await receive(streamOf(data.slice(0, 100_000), data.slice(100_000)), sink, pace);
  assertEquals(written.length, data.length);
  assert(written.every((byte, i) => byte === data[i]));
  assertEquals(pace.bytes, data.length);
});

Deno.test("ftpd: the first thing that fails ends a transfer, when what was under way is over", async () => {
  const data = new Uint8Array(2 * KIB * KIB);
  const broken = (message: string): Promise<never> => Promise.reject(new Error(message));
  const file = (): Source => source(data, Infinity);
  const badDisk = (): Source => ({ ...file(), read: () => broken("disk") });
  const taken: number[] = [];
  const stream = {
    write(part: Uint8Array): Promise<number> {
      taken.push(part.length);
      return Promise.resolve(part.length);
    },
  };
  const badStream = { write: () => broken("stream") };
  const pace = (): Pace => new Pace(Infinity);
  await assertRejects(() => send(stream, badDisk(), data.length, pace()), Error, "disk");
  assertEquals(taken, [KIB * KIB]);
  await assertRejects(() => send(badStream, file(), data.length, pace()), Error, "stream");
  await assertRejects(() => send(badStream, badDisk(), data.length, pace()), Error, "stream");
});

Deno.test("ftpd: many transfers at once have smaller buffers", async () => {
  const largest = async (transfers: number): Promise<number[]> => {
    const lengths: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const stream = {
      async write(part: Uint8Array): Promise<number> {
        lengths.push(part.length);
        if (lengths.length === transfers) resolve();
        await promise; // All of them are under way.
        return part.length;
      },
    };
    const data = new Uint8Array(KIB * KIB);
    await Promise.all(
      Array.from(
        { length: transfers },
        () => send(stream, source(data, Infinity), data.length, new Pace(Infinity)),
      ),
    );
    return lengths.slice(0, transfers);
  };
  const lengths = await largest(66);
  assertEquals(lengths.filter((length) => length === KIB * KIB).length, 64);
  assertEquals(lengths.slice(64), [128 * KIB, 128 * KIB]);
  assertEquals(await largest(1), [KIB * KIB]);
});
