import { assertEquals } from "@std/assert";
import { Deadline, isOverSoon, Patience } from "../../../tools/net/deadline.ts";
import { FakeTime } from "../../support/fake_time.ts";

Deno.test("deadline: expires once, when the time is over and not before", async () => {
  using time = new FakeTime();
  let expiries = 0;
  using deadline = new Deadline(1000, () => expiries++);
  await time.tick(999);
  assertEquals([expiries, deadline.expired], [0, false]);
  await time.tick(1);
  assertEquals([expiries, deadline.expired], [1, true]);
  deadline.extend();
  await time.tick(5000);
  assertEquals([expiries, deadline.expired], [1, true]);
});

Deno.test("deadline: extend gives the full time again, as often as it is called", async () => {
  using time = new FakeTime();
  let expiries = 0;
  using deadline = new Deadline(1000, () => expiries++);
  for (const pause of [999, 1, 500, 999, 0, 999]) {
    await time.tick(pause);
    deadline.extend();
  }
  await time.tick(999);
  assertEquals(expiries, 0);
  await time.tick(1);
  assertEquals(expiries, 1);
});

Deno.test("deadline: once disposed of it never expires, whatever is called", async () => {
  using time = new FakeTime();
  let expiries = 0;
  {
    using deadline = new Deadline(1000, () => expiries++);
    await time.tick(999);
    deadline.extend();
    deadline[Symbol.dispose]();
    deadline.extend();
  }
  await time.tick(5000);
  assertEquals(expiries, 0);
});

Deno.test("deadline: a thousand extensions start no timer of their own", async () => {
  using time = new FakeTime();
  const start = globalThis.setTimeout;
  let timers = 0;
  globalThis.setTimeout = ((...args: Parameters<typeof start>) => {
    timers++;
    return start(...args);
  }) as typeof start;
  try {
    using deadline = new Deadline(1000, () => {});
    for (let i = 0; i < 1000; i++) deadline.extend();
    assertEquals(timers, 1);
    await time.tick(999);
    deadline.extend();
    await time.tick(999);
    assertEquals([timers, deadline.expired], [2, false]);
  } finally {
    globalThis.setTimeout = start;
  }
});

Deno.test("patience: a wait that does not end in time expires, once; one that ends does not", async () => {
  using time = new FakeTime();
  const expired: string[] = [];
  using patience = new Patience();
  patience.begin(1000, () => expired.push("first"));
  await time.tick(999);
  patience.end();
  await time.tick(5000);
  assertEquals(expired, []);
  patience.begin(1000, () => expired.push("second"));
  await time.tick(999);
  assertEquals(expired, []);
  await time.tick(1);
  assertEquals(expired, ["second"]);
  await time.tick(5000);
  assertEquals(expired, ["second"]);
});

Deno.test("patience: a wait takes the place of one before, be it longer or shorter", async () => {
  using time = new FakeTime();
  const expired: string[] = [];
  using patience = new Patience();
  patience.begin(1000, () => expired.push("one second"));
  patience.begin(5000, () => expired.push("five"));
  await time.tick(4999);
  assertEquals(expired, []);
  patience.begin(10, () => expired.push("shorter"));
  await time.tick(9);
  assertEquals(expired, []);
  await time.tick(1);
  assertEquals(expired, ["shorter"]);
  // When it expires another wait may begin.
  patience.begin(10, () => patience.begin(20, () => expired.push("last")));
  await time.tick(29);
  assertEquals(expired, ["shorter"]);
  await time.tick(1);
  assertEquals(expired, ["shorter", "last"]);
});

Deno.test("patience: once disposed of nothing expires", async () => {
  using time = new FakeTime();
  let expiries = 0;
  {
    using patience = new Patience();
    patience.begin(10, () => expiries++);
  }
  await time.tick(5000);
  assertEquals(expiries, 0);
});

Deno.test("isOverSoon: says whether work was ready, and does not mind that it fails", async () => {
  assertEquals(await isOverSoon(Promise.resolve()), true);
  assertEquals(await isOverSoon(Promise.reject(new Error("failed"))), true);
  const { promise, resolve } = Promise.withResolvers<void>();
  assertEquals(await isOverSoon(promise), false);
  resolve();
});
