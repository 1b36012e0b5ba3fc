import { assertEquals } from "@std/assert";
import { Deadline } from "../../../tools/net/deadline.ts";
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
