import { assertEquals } from "@std/assert";
import { WorkQueue } from "../../../clients/ftp/work_queue.ts";

Deno.test("WorkQueue gives the first kind first, in order, until there is enough of the other", async () => {
  const queue = new WorkQueue<string>(2);
  const taken: (string | undefined)[] = [];
  const take = async (): Promise<void> => void taken.push(await queue.take());
  queue.add("then", "file 1");
  queue.add("first", "folder 1");
  queue.add("first", "folder 2");
  await take();
  queue.add("then", "file 2");
  await take();
  await take();
  await take();
  assertEquals(taken, ["folder 1", "file 1", "folder 2", "file 2"]);
});

Deno.test("WorkQueue ends when nobody has work that could bring more", async () => {
  const queue = new WorkQueue<string>(9);
  queue.add("first", "a");
  assertEquals(await queue.take(), "a");
  const [second, third] = [queue.take(), queue.take()];
  queue.add("first", "b");
  assertEquals(await second, "b");
  queue.done();
  queue.done();
  assertEquals(await third, undefined);
  assertEquals(await queue.take(), undefined);
});

Deno.test("WorkQueue drops what nobody has taken", async () => {
  const queue = new WorkQueue<string>(9);
  queue.add("first", "a");
  queue.add("first", "b");
  queue.add("then", "c");
  await queue.take();
  const waiting = queue.take();
  assertEquals(await waiting, "b");
  const last = [queue.take(), queue.take()];
  assertEquals(await last[0], "c");
  queue.add("first", "d");
  queue.clear();
  for (let i = 0; i < 3; i++) queue.done();
  assertEquals(await last[1], undefined);
});
