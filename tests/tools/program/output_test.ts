import { assert, assertEquals } from "@std/assert";
import { BoundedOutput, LONGEST_FLUSH, LONGEST_QUEUE } from "../../../tools/program/output.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { type MemorySink, memorySink } from "../../support/sink.ts";

function outputTo(sink: MemorySink): BoundedOutput {
  return new BoundedOutput((bytes) => sink.write(bytes), (lost) => `[${lost} lost]\n`);
}

function text(sink: MemorySink): string {
  return new TextDecoder().decode(sink.written());
}

Deno.test("output: everything is written, in order, and what comes during a write with the next", async () => {
  const sink = memorySink({ held: true });
  const output = outputTo(sink);
  output.put("one\n");
  output.put("two é\n");
  output.put("three\n");
  const flushed = output.flush();
  sink.release();
  await Promise.resolve();
  await Promise.resolve();
  sink.release();
  await flushed;
  assertEquals(text(sink), "one\ntwo é\nthree\n");
  assertEquals(sink.writes.length, 2);
});

Deno.test("output: a writer that takes little at a time gets everything", async () => {
  const written: number[] = [];
  const output = new BoundedOutput((bytes) => {
    written.push(...bytes.subarray(0, 3));
    return Promise.resolve(Math.min(3, bytes.length));
  }, () => "");
  output.put("a line that is longer\n");
  await output.flush();
  assertEquals(new TextDecoder().decode(Uint8Array.from(written)), "a line that is longer\n");
});

Deno.test("output: while nobody reads the queue is bounded, and what is lost is counted to the byte", async () => {
  const sink = memorySink({ held: true });
  const output = outputTo(sink);
  const line = "x".repeat(1023) + "\n";
  output.put("first\n");
  let kept = 0;
  for (; !output.full; kept++) output.put(line, 7);
  assertEquals(kept, LONGEST_QUEUE / 1024);
  output.put(line, 7);
  output.put("short", 5);
  output.lose(30);
  sink.release();
  await Promise.resolve();
  await Promise.resolve();
  // There is room again: the next text comes after the notice.
  output.put("later\n");
  sink.release();
  await Promise.resolve();
  await Promise.resolve();
  sink.release();
  await output.flush();
  assertEquals(text(sink), `first\n${line.repeat(kept)}[42 lost]\nlater\n`);
});

Deno.test("output: the notice comes though nothing follows, and once", async () => {
  const sink = memorySink({ held: true });
  const output = outputTo(sink);
  output.put("first\n");
  while (!output.full) output.put("x".repeat(1 << 16));
  output.put("gone", 4);
  const flushed = output.flush();
  for (let i = 0; i < 3; i++) {
    sink.release();
    await Promise.resolve();
    await Promise.resolve();
  }
  await flushed;
  assert(text(sink).endsWith("x[4 lost]\n"));
  output.put("more\n");
  sink.release();
  await output.flush();
  assert(text(sink).endsWith("x[4 lost]\nmore\n"));
});

Deno.test("output: text longer than the queue is counted as lost at once", async () => {
  const sink = memorySink();
  const output = outputTo(sink);
  output.put("x".repeat(LONGEST_QUEUE + 1), 9);
  await output.flush();
  assertEquals(text(sink), "[9 lost]\n");
});

Deno.test("output: a closed end stops nothing, and is tried again", async () => {
  let closed = true;
  const written: string[] = [];
  const output = new BoundedOutput((bytes) => {
    if (closed) return Promise.reject(new Deno.errors.BrokenPipe());
    written.push(new TextDecoder().decode(bytes));
    return Promise.resolve(bytes.length);
  }, () => "");
  output.put("lost\n");
  await output.flush();
  closed = false;
  output.put("seen\n");
  await output.flush();
  assertEquals(written, ["seen\n"]);
});

Deno.test("output: a writer that throws at once stops nothing", async () => {
  const output = new BoundedOutput(() => {
    throw new Deno.errors.BadResource();
  }, () => "");
  output.put("lost\n");
  output.put("lost\n");
  await output.flush();
});

Deno.test("output: flush waits for a reader that takes nothing no longer than it says", async () => {
  using time = new FakeTime();
  const sink = memorySink({ held: true });
  const output = outputTo(sink);
  output.put("never read\n");
  let flushed = false;
  const flushing = output.flush().then(() => flushed = true);
  await time.tick(LONGEST_FLUSH - 1);
  assert(!flushed);
  await time.tick(1);
  await flushing;
  sink.release();
  await output.flush();
  assertEquals(text(sink), "never read\n");
});
