import { assert, assertEquals, assertRejects } from "@std/assert";
import { limitSilence } from "../../../tools/net/silence.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { bytes, streamPair } from "../../support/stream.ts";

const LIMIT = 1000;
const late = Deno.errors.TimedOut;

/** A limited stream in memory, its peer, and whether it was closed. */
function limitedPair(): ReturnType<typeof streamPair> & { closed: () => boolean } {
  const [own, peer] = streamPair();
  let closed = false;
  const close = own.close;
  own.close = () => {
    closed = true;
    close();
  };
  const limited = { ...limitSilence(own, LIMIT), reset: own.reset };
  return Object.assign([limited, peer] as ReturnType<typeof streamPair>, { closed: () => closed });
}

Deno.test("silence: a read that waits too long ends in a time-out, and so does everything after", async () => {
  using time = new FakeTime();
  const pair = limitedPair();
  const [stream] = pair;
  const reading = assertRejects(() => stream.read(new Uint8Array(1)), late, "no answer in time");
  await time.tick(LIMIT - 1);
  assert(!pair.closed());
  await time.tick(1);
  await reading;
  assert(pair.closed());
  await assertRejects(() => stream.read(new Uint8Array(1)), late);
  await assertRejects(() => stream.write(bytes("x")), late);
});

Deno.test("silence: a write that waits too long ends in a time-out", async () => {
  using time = new FakeTime();
  for (const act of ["write", "closeWrite"] as const) {
    const stuck = Promise.withResolvers<never>();
    const [own] = streamPair();
    own.write = own.closeWrite = () => stuck.promise;
    own.close = () => stuck.reject(new Deno.errors.Interrupted());
    const waiting = assertRejects(() => limitSilence(own, LIMIT)[act](bytes("x")), late);
    await time.tick(LIMIT);
    await waiting;
  }
});

Deno.test("silence: a byte in either direction starts the time again", async () => {
  using time = new FakeTime();
  const pair = limitedPair();
  const [stream, peer] = pair;
  const reading = stream.read(new Uint8Array(10));
  for (let i = 0; i < 5; i++) {
    await time.tick(LIMIT - 1);
    await stream.write(bytes("still here"));
  }
  await time.tick(LIMIT - 1);
  await peer.write(bytes("me too"));
  assertEquals(await reading, 6);
  assert(!pair.closed());
});

Deno.test("silence: time in which nobody waits does not count", async () => {
  using time = new FakeTime();
  const pair = limitedPair();
  const [stream, peer] = pair;
  for (let i = 0; i < 3; i++) {
    const reading = stream.read(new Uint8Array(10));
    await time.tick(LIMIT - 1);
    await peer.write(bytes("word"));
    assertEquals(await reading, 4);
    await time.tick(10 * LIMIT);
  }
  assert(!pair.closed());
});

Deno.test("silence: what else goes wrong keeps its name", async () => {
  using time = new FakeTime();
  const [stream, peer] = limitedPair();
  const reading = assertRejects(() => stream.read(new Uint8Array(1)), Deno.errors.ConnectionReset);
  await time.tick(LIMIT / 2);
  peer.reset();
  await reading;
  const [closing] = limitedPair();
  const pending = assertRejects(() => closing.read(new Uint8Array(1)), Deno.errors.Interrupted);
  await time.tick(LIMIT / 2);
  closing.close();
  await pending;
  await time.tick(10 * LIMIT);
});

Deno.test("silence: a stream that is ready starts no timer", async () => {
  const [stream, peer] = limitedPair();
  const start = globalThis.setTimeout;
  let timers = 0;
  globalThis.setTimeout = ((...args: Parameters<typeof start>) => {
    timers++;
    return start(...args);
  }) as typeof start;
  try {
    const buffer = new Uint8Array(10);
    for (let i = 0; i < 100; i++) {
      await peer.write(bytes("word"));
      assertEquals(await stream.read(buffer), 4);
      await stream.write(buffer);
    }
    await stream.closeWrite();
    assertEquals(timers, 0);
    const waiting = stream.read(buffer);
    for (let i = 0; i < 5; i++) await undefined;
    assertEquals(timers, 1);
    await peer.write(bytes("word"));
    await waiting;
  } finally {
    globalThis.setTimeout = start;
  }
});
