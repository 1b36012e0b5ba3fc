import { assert, assertEquals } from "@std/assert";
import { Recording, type RecordingOptions } from "../../../tools/net/recording.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { memorySink } from "../../support/sink.ts";
import { afterTurns } from "../../support/turns.ts";

const settled = (): Promise<void> => afterTurns(20, () => {});

function options(changes: Partial<RecordingOptions> = {}): RecordingOptions & { said: string[] } {
  const said: string[] = [];
  return {
    comfortable: 10,
    most: 100,
    onGap: () => said.push("gap"),
    onFailure: (error) => said.push(String(error)),
    said,
    ...changes,
  };
}

/** Blocks of 4 bytes side by side in one memory. */
function blocks(count: number): Uint8Array[] {
  const memory = Uint8Array.from({ length: 4 * count }, (_, i) => i);
  return Array.from({ length: count }, (_, i) => memory.subarray(4 * i, 4 * i + 4));
}

Deno.test("recording: what comes while a write is under way goes out with the next, in order", async () => {
  const sink = memorySink({ held: true });
  const recording = new Recording(sink, options());
  const [a, b, c, d] = blocks(4) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  const alone = Uint8Array.of(90, 91);
  for (const block of [a, b, alone, c, d]) recording.send(block);
  for (let i = 0; i < 4; i++) {
    sink.release();
    await settled();
  }
  assertEquals(sink.writes, [4, 4, 2, 8]);
  assertEquals(sink.written(), Uint8Array.of(...a, ...b, 90, 91, ...c, ...d));
});

Deno.test("recording: blocks side by side are one write, and partial writes are continued", async () => {
  const sink = memorySink({ held: true });
  const recording = new Recording(sink, options());
  blocks(5).forEach((block) => recording.send(block));
  for (const most of [3, 1, 7, 9]) {
    sink.release(most);
    await settled();
  }
  assertEquals(sink.writes, [4, 1, 16, 9]);
  assertEquals(sink.written(), Uint8Array.from({ length: 20 }, (_, i) => i));
});

Deno.test("recording: ready waits while more is queued than is comfortable", async () => {
  const sink = memorySink({ held: true });
  const recording = new Recording(sink, options());
  recording.send(new Uint8Array(10));
  assertEquals(recording.ready(), undefined);
  recording.send(new Uint8Array(1));
  let ready = false;
  const waiting = recording.ready()?.then(() => ready = true);
  sink.release();
  await settled();
  assert(!ready);
  sink.release();
  await waiting;
  assert(ready);
});

Deno.test("recording: whole blocks that do not fit are left out, which is said once", async () => {
  const sink = memorySink({ held: true });
  const settings = options({ most: 8 });
  const recording = new Recording(sink, settings);
  const [a, b, c, d, e] = blocks(5) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  for (const block of [a, b, c, d]) recording.send(block);
  assertEquals(settings.said, ["gap"]);
  sink.release();
  await settled();
  recording.send(e);
  sink.release();
  await settled();
  sink.release();
  await settled();
  assertEquals(sink.written(), Uint8Array.of(...a, ...b, ...e));
  assertEquals(settings.said, ["gap"]);
});

Deno.test("recording: a failure ends it, is told once, and lets nobody wait", async () => {
  const sink = memorySink({ held: true });
  const settings = options();
  const recording = new Recording(sink, settings);
  recording.send(new Uint8Array(11));
  recording.send(new Uint8Array(11));
  const ready = recording.ready();
  sink.fail(new Error("full"));
  await ready;
  await recording.over;
  assert(sink.closed);
  recording.send(new Uint8Array(11));
  assertEquals(recording.ready(), undefined);
  await recording.finish();
  assertEquals([settings.said, sink.writes], [["Error: full"], [11]]);
});

Deno.test("recording: finish writes what is queued and closes, or gives up after the grace period", async () => {
  const quick = memorySink();
  const recording = new Recording(quick, options());
  recording.send(new Uint8Array(4));
  recording.send(new Uint8Array(4));
  await recording.finish();
  await recording.over;
  assertEquals([quick.written().length, quick.closed], [8, true]);

  using time = new FakeTime();
  const stuck = memorySink({ held: true });
  const slow = new Recording(stuck, options({ grace: 1000 }));
  slow.send(new Uint8Array(4));
  const finished = slow.finish();
  await time.tick(999);
  assert(!stuck.closed);
  await time.tick(1);
  assert(stuck.closed);
  await finished;
});
