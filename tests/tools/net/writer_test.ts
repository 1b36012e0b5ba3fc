import { assert, assertEquals, assertRejects } from "@std/assert";
import { writeAll, Writer } from "../../../tools/net/writer.ts";
import { bytes, readText, streamPair } from "../../support/stream.ts";
import { afterTurns } from "../../support/turns.ts";

Deno.test("writeAll: partial writes are continued until all is written", async () => {
  const [ours, theirs] = streamPair({ most: 3 });
  await writeAll(ours, bytes("0123456789"));
  await writeAll(ours, bytes(""));
  await ours.closeWrite();
  assertEquals(await readText(theirs), "0123456789");
});

/** A stream whose writes wait for `next`, which says what was asked for. */
function heldStream(): {
  write(data: Uint8Array): Promise<number>;
  writes: string[];
  next(): Promise<void>;
  fail(error: Error): Promise<void>;
} {
  const writes: string[] = [];
  let current = Promise.withResolvers<number>();
  let length = 0;
  const settled = async (settle: () => void): Promise<void> => {
    settle();
    await afterTurns(10, () => {});
  };
  return {
    writes,
    write(data): Promise<number> {
      writes.push(new TextDecoder().decode(data));
      length = data.length;
      current = Promise.withResolvers();
      return current.promise;
    },
    next: () => settled(() => current.resolve(length)),
    fail: (error) => settled(() => current.reject(error)),
  };
}

Deno.test("writer: one write is under way at a time; what comes meanwhile is joined, in order", async () => {
  const stream = heldStream();
  const writer = new Writer(stream);
  for (const word of ["a", "b", "c", "", "d"]) writer.send(bytes(word));
  assertEquals(stream.writes, ["a"]);
  assertEquals(writer.queued, 4);
  await stream.next();
  assertEquals(stream.writes, ["a", "bcd"]);
  assertEquals(writer.queued, 3);
  await stream.next();
  assertEquals(writer.queued, 0);
  writer.send(bytes("e"));
  await stream.next();
  await writer.flush();
  assertEquals(stream.writes, ["a", "bcd", "e"]);
});

Deno.test("writer: partial writes keep the order", async () => {
  const [ours, theirs] = streamPair({ most: 2 });
  const writer = new Writer(ours);
  for (const word of ["first ", "second ", "third"]) writer.send(bytes(word));
  await writer.flush();
  await ours.closeWrite();
  assertEquals(await readText(theirs), "first second third");
});

Deno.test("writer: what is queued falls as a large write gets on", async () => {
  let taken = Promise.withResolvers<number>();
  const writer = new Writer({
    write(): Promise<number> {
      taken = Promise.withResolvers();
      return taken.promise;
    },
  });
  writer.send(bytes("0123456789"));
  const queued: number[] = [];
  for (const length of [4, 5, 1]) {
    await afterTurns(10, () => taken.resolve(length));
    await afterTurns(10, () => queued.push(writer.queued));
  }
  assertEquals(queued, [6, 1, 0]);
});

Deno.test("writer: flush waits for everything sent before it", async () => {
  const stream = heldStream();
  const writer = new Writer(stream);
  let flushed = false;
  writer.send(bytes("a"));
  writer.send(bytes("b"));
  const done = writer.flush().then(() => flushed = true);
  await stream.next();
  assert(!flushed);
  await stream.next();
  await done;
});

Deno.test("writer: after a failure nothing is written, nothing is queued, and flush says why", async () => {
  const stream = heldStream();
  const writer = new Writer(stream);
  writer.send(bytes("a"));
  writer.send(bytes("b"));
  await stream.fail(new Deno.errors.BrokenPipe("gone"));
  assertEquals(writer.queued, 0);
  await assertRejects(() => writer.flush(), Deno.errors.BrokenPipe, "gone");
  writer.send(bytes("c"));
  assertEquals(writer.queued, 0);
  assertEquals(stream.writes, ["a"]);
});

Deno.test("writer: what is sent as the queue runs empty is not left behind", async () => {
  for (let turns = 0; turns < 12; turns++) {
    let text = "";
    const writer = new Writer({
      write(data): Promise<number> {
        if (text === "") void afterTurns(turns, () => writer.send(bytes("b")));
        text += new TextDecoder().decode(data);
        return Promise.resolve(data.length);
      },
    });
    writer.send(bytes("a"));
    await afterTurns(30, () => {});
    assertEquals(text, "ab", `${turns} turns`);
  }
});
