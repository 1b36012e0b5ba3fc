import { assert, assertEquals } from "@std/assert";
import { MOST_DELAYED, MOST_PIECES } from "../../../servers/proxy/stream_faults.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import type { Direction } from "../../../tools/protocol/synthetic_tcp.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { bytes, type TestStream } from "../../support/stream.ts";
import { type Relayed, relayed, type RelayedOptions, witness } from "./relayed.ts";

const HOUR = 3_600_000;

/** What arrives at one end, and when. */
interface Arrivals {
  /** In milliseconds since the test began: a text, or the end. */
  list: [time: number, text: string | null][];
  over: Promise<void>;
}

function arrivals(stream: TestStream): Arrivals {
  const list: Arrivals["list"] = [];
  const read = async (): Promise<void> => {
    const buffer = new Uint8Array(1 << 20);
    for (;;) {
      const length = await stream.read(buffer);
      if (length === null) return void list.push([Date.now(), null]);
      list.push([Date.now(), new TextDecoder().decode(buffer.subarray(0, length))]);
    }
  };
  // The test closes what it reads from to end it.
  const closed = (error: unknown): void => assert(error instanceof Deno.errors.Interrupted);
  return { list, over: read().catch(closed) };
}

interface Faulty extends Relayed {
  sender: TestStream;
  receiver: TestStream;
  /** What arrives at the receiver. */
  came: Arrivals["list"];
  say(text: string): Promise<void>;
  /** Breaks off what is still open, and waits for it. */
  finish(): Promise<void>;
}

/** Relays with `faults` in one direction. */
function faulty(direction: Direction, faults: string[], options: RelayedOptions = {}): Faulty {
  const ends = relayed({ ...options, faults: faults.map((fault) => `${direction}:${fault}`) });
  const [sender, receiver] = direction === "up"
    ? [ends.client, ends.server]
    : [ends.server, ends.client];
  const { list, over } = arrivals(receiver);
  return {
    ...ends,
    sender,
    receiver,
    came: list,
    say: (text) => writeAll(sender, bytes(text)),
    async finish(): Promise<void> {
      receiver.reset();
      await ends.over;
      await over;
    },
  };
}

/** Registers a test for each direction. */
function inBothDirections(
  name: string,
  test: (direction: Direction, time: FakeTime) => Promise<void>,
): void {
  for (const direction of ["up", "down"] as const) {
    Deno.test(`stream faults, ${direction}: ${name}`, async () => {
      using time = new FakeTime(0);
      await test(direction, time);
    });
  }
}

inBothDirections(
  "latency makes data and the end later, one as the other",
  async (direction, time) => {
    const { sender, receiver, came, say, held, over } = faulty(direction, ["latency=250ms"]);
    await say("one");
    await time.tick(100);
    assert(held());
    await say("two");
    await sender.closeWrite();
    // The other direction is as fast as ever.
    const back = arrivals(sender);
    await writeAll(receiver, bytes("back"));
    await time.tick(0);
    assertEquals(back.list, [[100, "back"]]);
    await time.tick(1000);
    assertEquals(came, [[250, "one"], [350, "two"], [350, null]]);
    assert(!held());
    await receiver.closeWrite();
    await over;
    await back.over;
  },
);

inBothDirections("jitter makes each piece later by its own, in order", async (direction, time) => {
  const times = async (number: number): Promise<number[]> => {
    const { came, say, finish } = faulty(direction, ["jitter=1s"], { number });
    const start = Date.now();
    for (let i = 0; i < 20; i++) {
      await say(`${i} `);
      await time.tick(100);
    }
    await time.tick(1000);
    assertEquals(
      came.map(([, text]) => text).join(""),
      Array.from(Array(20).keys()).join(" ") + " ",
    );
    await finish();
    // Those that come together are read together.
    const late = came.filter(([, text]) => text !== null).map(([time]) => time - start);
    late.forEach((time, i) => assert(time >= 100 * i && time <= 1900 + 1000, `${i}: ${time}`));
    return late;
  };
  const first = await times(1);
  assert(first.some((time, i) => time > 100 * i), `${first}`);
  assertEquals(await times(1), first);
  assert(`${await times(2)}` !== `${first}`);
});

inBothDirections("rate lets so much pass in a second", async (direction, time) => {
  const { came, say, finish, relay } = faulty(direction, ["rate=1000"]);
  await say("x".repeat(5000));
  for (let second = 1; second <= 4; second++) {
    await time.tick(1000);
    const length = came.map(([, text]) => text).join("").length;
    // In steps of a twentieth, the first of them at once.
    assert(Math.abs(length - 1000 * second) <= 50, `${length} in ${second} seconds`);
    // It is not read before it can pass.
    assert(relay.passed[direction] <= length + 50);
  }
  await time.tick(1000);
  assertEquals(came.map(([, text]) => text).join(""), "x".repeat(5000));
  // Nothing is saved up while nothing comes.
  await time.tick(60_000);
  const before = came.length;
  await say("y".repeat(500));
  await time.tick(100);
  assertEquals(came.slice(before).map(([, text]) => text).join("").length, 150);
  await finish();
});

inBothDirections("slice lets pieces pass one by one", async (direction, time) => {
  const { sender, receiver, came, say, over } = faulty(direction, ["slice=3"]);
  await say("0123456789");
  await sender.closeWrite();
  await time.tick(10);
  assertEquals(came, [[1, "012"], [2, "345"], [3, "678"], [4, "9"], [5, null]]);
  await receiver.closeWrite();
  await over;
});

inBothDirections("limit lets so much pass, and then the end", async (direction, time) => {
  for (const parts of [["hello"], ["hello", "!"], ["hello!"], ["hel", "lo, world"]]) {
    const { sender, receiver, came, say, over, broken } = faulty(direction, ["limit=5"]);
    for (const part of parts) {
      await say(part);
      await time.tick(0);
    }
    assertEquals(came.map(([, text]) => text ?? "-").join(""), "hello-");
    // The sender is not told, and the other direction goes on.
    await say("more");
    const back = arrivals(sender);
    await writeAll(receiver, bytes("is that all?"));
    await receiver.closeWrite();
    await back.over;
    assertEquals(back.list.map(([, text]) => text), ["is that all?", null]);
    await sender.closeWrite();
    await over;
    assert(!broken());
  }
});

inBothDirections("less than a limit, or a reset, ends as ever", async (direction, time) => {
  for (const fault of ["limit=6", "reset=6"]) {
    const { sender, receiver, came, say, over, broken } = faulty(direction, [fault]);
    await say("hello");
    await sender.closeWrite();
    await time.tick(0);
    assertEquals(came.map(([, text]) => text), ["hello", null]);
    await receiver.closeWrite();
    await over;
    assert(!broken());
  }
});

inBothDirections(
  "reset lets so much pass, and breaks with the rest unread",
  async (direction, time) => {
    for (const [reset, readTo] of [[0, 1], [5, 5], [12, 12]] as const) {
      const watcher = witness();
      const { came, say, over, broken, relay } = faulty(direction, [`reset=${reset}`], {
        watchers: [watcher],
      });
      await say("hello, world");
      await over;
      await time.tick(0);
      assertEquals(
        came.map(([, text]) => text ?? "-").join(""),
        "hello, world".slice(0, reset) + "-",
      );
      assertEquals(relay.passed[direction], readTo);
      assert(broken());
      assertEquals(watcher.told[0], `reset ${direction}`);
    }
  },
);

inBothDirections(
  "hang lets so much pass, and then neither data nor the end",
  async (direction, time) => {
    for (const hang of [0, 5, 8]) {
      const { sender, receiver, came, say, finish, broken } = faulty(direction, [`hang=${hang}`]);
      await say("hello");
      await say(" to");
      await sender.closeWrite();
      await time.tick(HOUR);
      assertEquals(came.map(([, text]) => text).join(""), "hello to".slice(0, hang));
      // The other direction goes on.
      const back = arrivals(sender);
      await writeAll(receiver, bytes("are you there?"));
      await time.tick(0);
      assertEquals(back.list.map(([, text]) => text), ["are you there?"]);
      assert(!broken());
      receiver.close();
      await back.over;
      await finish();
    }
  },
);

inBothDirections("faults join: late, slow, in pieces, up to a limit", async (direction, time) => {
  const { came, say, finish } = faulty(direction, [
    "latency=1s",
    "rate=100",
    "slice=2",
    "limit=10",
  ]);
  await say("0123456789ABC");
  await time.tick(5000);
  await finish();
  assertEquals(came, [
    [1000, "01"],
    [1020, "23"],
    [1040, "4"],
    [1050, "56"],
    [1070, "78"],
    [1090, "9"],
    [1100, null],
  ]);
});

inBothDirections(
  "a long line that is slow holds what it would hold, and no more",
  async (direction, time) => {
    const { came, say, finish, relay } = faulty(direction, ["latency=1s", "rate=1000"]);
    await say("x".repeat(10_000));
    await time.tick(1000);
    // 1000 bytes a second, a second long.
    assert(Math.abs(relay.passed[direction] - 1000) <= 100, `${relay.passed[direction]}`);
    await time.tick(5000);
    const length = came.map(([, text]) => text).join("").length;
    assert(Math.abs(length - 5000) <= 100, `${length}`);
    await finish();
  },
);

inBothDirections("what waits is bounded, in bytes and in pieces", async (direction, time) => {
  const large = faulty(direction, ["latency=1h"]);
  await large.say("x".repeat(2 * MOST_DELAYED));
  await time.tick(0);
  const passed = large.relay.passed[direction];
  assert(passed > MOST_DELAYED && passed <= MOST_DELAYED + (1 << 20), `${passed}`);
  await large.finish();
  const small = faulty(direction, ["latency=1h"], { most: 1 });
  await small.say("x".repeat(MOST_PIECES + 100));
  await time.tick(0);
  assertEquals(small.relay.passed[direction], MOST_PIECES + 1);
  await small.finish();
});

inBothDirections("a rule picks connections by their number", async (direction, time) => {
  for (const [number, late] of [[1, 0], [2, 1000], [3, 0], [7, 1000]] as const) {
    const { came, say, finish } = faulty(direction, ["latency=1s@2,7"], { number });
    const start = Date.now();
    await say("hello");
    await time.tick(2000);
    assertEquals(came, [[start + late, "hello"]]);
    await finish();
  }
});

inBothDirections(
  "a chance picks the same connections each time, both ways alike",
  async (direction, time) => {
    const picked = async (side: Direction): Promise<number[]> => {
      const numbers: number[] = [];
      for (let number = 1; number <= 20; number++) {
        const { came, say, finish } = faulty(side, ["hang=0@30%,seed=3"], { number });
        await say("hello");
        await time.tick(0);
        if (came.length === 0) numbers.push(number);
        await finish();
      }
      return numbers;
    };
    const numbers = await picked(direction);
    assert(numbers.length > 1 && numbers.length < 12, `${numbers}`);
    assertEquals(await picked("up"), numbers);
    assertEquals(await picked("down"), numbers);
  },
);

inBothDirections("of two faults of a kind the last counts", async (direction, time) => {
  const { came, say, finish } = faulty(direction, ["latency=1s", "latency=2s@1"]);
  await say("hello");
  await time.tick(3000);
  assertEquals(came, [[2000, "hello"]]);
  await finish();
});

inBothDirections(
  "a connection that breaks does not wait for what is held back",
  async (direction, time) => {
    for (const fault of ["latency=1h", "rate=1", "jitter=1h"]) {
      const { receiver, say, over, held } = faulty(direction, [fault]);
      await say("hello");
      await time.tick(0);
      assert(held(), fault);
      receiver.reset();
      // No time passes.
      await over;
    }
  },
);

inBothDirections(
  "a receiver that takes nothing more still has its last words",
  async (direction, time) => {
    const { sender, receiver, say, over } = faulty(direction, ["latency=1s"]);
    await say("hello");
    await writeAll(receiver, bytes("too late"));
    receiver.close();
    await time.tick(1000);
    const { list, over: ended } = arrivals(sender);
    await say("more");
    await time.tick(2000);
    await ended;
    assertEquals(list.map(([, text]) => text), ["too late", null]);
    await sender.closeWrite();
    await over;
  },
);
