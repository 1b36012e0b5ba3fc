import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { FanOut, type Listener, MOST_QUEUED } from "../../../servers/chat/fan_out.ts";
import { TestOutlet, turn } from "../../support/chat.ts";
import { FakeTime } from "../../support/fake_time.ts";

interface TestListener extends Listener {
  out: TestOutlet;
  /** How often it was found too slow. */
  slow: number;
}

function listener(): TestListener {
  return {
    out: new TestOutlet(),
    slow: 0,
    tooSlow(): void {
      this.slow++;
    },
  };
}

/** A fan-out of strings that notes what it joins, and its listeners. */
function room(size: number): { fanOut: FanOut<string>; people: TestListener[]; joins: string[] } {
  const joins: string[] = [];
  const fanOut = new FanOut<string>((lines) => {
    const text = lines.join("");
    if (text !== "") joins.push(text);
    return new TextEncoder().encode(text);
  });
  const people = Array.from({ length: size }, listener);
  people.forEach((person) => fanOut.add(person));
  return { fanOut, people, joins };
}

Deno.test("fan-out: the lines of a turn are joined once, and each listener gets them in one write", async () => {
  const { fanOut, people, joins } = room(4);
  for (const line of ["a", "b", "c"]) fanOut.toAll(line, people[0]);
  assertEquals(people[1]?.out.writes, []);
  await turn();
  assertEquals(people.map(({ out }) => out.writes), [[], ["abc"], ["abc"], ["abc"]]);
  assertEquals(joins, ["abc"]);
  fanOut.toAll("d");
  await turn();
  assertEquals(people.map(({ out }) => out.writes), [["d"], ["abc", "d"], ["abc", "d"], [
    "abc",
    "d",
  ]]);
});

Deno.test("fan-out: what each one hears is what it would without joining, in the same order", async () => {
  const who = fc.integer({ min: 0, max: 3 });
  const step = fc.oneof(
    fc.record({ do: fc.constant("all" as const), who }),
    fc.record({ do: fc.constant("one" as const), who }),
    fc.record({ do: fc.constant("add" as const), who }),
    fc.record({ do: fc.constant("remove" as const), who }),
    fc.record({ do: fc.constant("turn" as const), who }),
  );
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
    const { fanOut, people } = room(4);
    const here = new Set(people);
    const heard = new Map(people.map((person) => [person, ""]));
    const told = (person: TestListener, line: string): void =>
      void heard.set(person, heard.get(person) + line);
    for (const [i, { do: what, who }] of steps.entries()) {
      const person = people[who] ?? listener();
      const line = `${i} `;
      if (what === "all") {
        fanOut.toAll(line, person);
        here.forEach((other) => other === person || told(other, line));
      } else if (what === "one") {
        fanOut.toOne(person, line);
        if (here.has(person)) told(person, line);
      } else if (what === "add") {
        if (here.has(person)) continue;
        fanOut.add(person);
        here.add(person);
      } else if (what === "remove") {
        fanOut.remove(person, [line]);
        if (here.delete(person)) told(person, line);
      } else {
        await turn();
      }
    }
    await turn();
    for (const person of people) assertEquals(person.out.writes.join(""), heard.get(person));
  }));
});

Deno.test("fan-out: a listener is let go when more than the limit waits for it, and not before", async () => {
  const { fanOut, people: [slow, quick] } = room(2);
  assert(slow && quick);
  slow.out.held = true;
  // However much comes in one turn, nobody had time to read it.
  for (let i = 0; i < 3; i++) fanOut.toAll("x".repeat(MOST_QUEUED));
  await turn();
  assertEquals([slow.slow, slow.out.writes.length], [0, 1]);
  slow.out.queued = MOST_QUEUED;
  fanOut.toAll("y");
  await turn();
  assertEquals([slow.slow, slow.out.writes.length], [0, 2]);
  fanOut.toAll("z");
  await turn();
  assertEquals([slow.slow, slow.out.writes.length], [1, 2]);
  assertEquals([quick.slow, quick.out.writes.length], [0, 3]);
});

/** Whether `promise` has resolved. */
async function done(promise: Promise<void>, time: FakeTime): Promise<boolean> {
  let resolved = false;
  promise.then(() => resolved = true);
  await time.tick(0);
  return resolved;
}

Deno.test("fan-out: a talker waits until all can take more", async () => {
  using time = new FakeTime();
  const { fanOut, people: [one, other] } = room(2);
  assert(one && other);
  const behind = "x".repeat(MOST_QUEUED / 2);
  assert(await done(fanOut.relief(), time));
  one.out.held = other.out.held = true;
  fanOut.toAll(behind);
  await time.tick(0);
  const relief = fanOut.relief();
  assert(!await done(relief, time));
  one.out.release();
  assert(!await done(relief, time));
  other.out.release();
  assert(await done(relief, time));
  assert(await done(fanOut.relief(), time));
});

Deno.test("fan-out: somebody who stops reading is waited for once, and again when it has caught up", async () => {
  using time = new FakeTime();
  const { fanOut, people: [stuck, quick] } = room(2);
  assert(stuck && quick);
  const behind = "x".repeat(MOST_QUEUED / 2);
  for (let round = 0; round < 2; round++) {
    stuck.out.held = true;
    fanOut.toAll(behind);
    await time.tick(0);
    const relief = fanOut.relief();
    await time.tick(249);
    assert(!await done(relief, time));
    await time.tick(1);
    assert(await done(relief, time));
    fanOut.toAll("more");
    await time.tick(0);
    assert(await done(fanOut.relief(), time));
    stuck.out.release();
    await time.tick(0);
  }
});

Deno.test("fan-out: nobody waits for a listener that was removed", async () => {
  using time = new FakeTime();
  const { fanOut, people: [slow] } = room(2);
  assert(slow);
  slow.out.held = true;
  fanOut.toAll("x".repeat(MOST_QUEUED / 2));
  await time.tick(0);
  const relief = fanOut.relief();
  assert(!await done(relief, time));
  fanOut.remove(slow, []);
  assert(await done(relief, time));
});
