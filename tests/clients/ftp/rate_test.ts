import { assert, assertEquals } from "@std/assert";
import { fetchFile } from "../../../clients/ftp/file_transfer.ts";
import { RateLimit } from "../../../clients/ftp/rate.ts";
import { StandardOutput } from "../../../clients/ftp/target.ts";
import { sends, session } from "../../support/ftp_script.ts";

/** A limit with a clock that its waits move. */
function limited(
  rate: number,
): { limit: RateLimit; now: () => number; idle: (ms: number) => void } {
  let now = 5000;
  const limit = new RateLimit(rate, () => now, (milliseconds) => {
    now += milliseconds;
    return Promise.resolve();
  });
  return { limit, now: () => now - 5000, idle: (milliseconds) => void (now += milliseconds) };
}

Deno.test("RateLimit lets so many bytes through in a second", async () => {
  const { limit, now } = limited(1000);
  const taken: number[] = [];
  const sink = limit.sink((data) => void taken.push(data.length));
  for (const length of [500, 1500, 0, 1000]) await sink(new Uint8Array(length));
  assertEquals([taken, now()], [[500, 1500, 0, 1000], 3000]);
});

Deno.test("RateLimit saves nothing up while nothing moves", async () => {
  const { limit, now, idle } = limited(1000);
  const sink = limit.sink(() => {});
  await sink(new Uint8Array(1000));
  idle(10_000);
  await sink(new Uint8Array(1000));
  assertEquals(now(), 12_000);
});

Deno.test("RateLimit is shared by those who use it", async () => {
  const { limit, now } = limited(1000);
  const [one, two] = [limit.sink(() => {}), limit.sink(() => {})];
  await one(new Uint8Array(1000));
  await two(new Uint8Array(1000));
  assertEquals(now(), 2000);
});

Deno.test("RateLimit takes small pieces, so that a download flows, and can be ended", async () => {
  const { limit, now } = limited(80);
  const { client } = await session({ RETR: sends("a".repeat(100)) });
  const taken: number[] = [];
  const target = new StandardOutput((data) => {
    taken.push(data.length);
    return Promise.resolve();
  });
  const facts = { size: 100, modified: undefined };
  await fetchFile(client, "f", target, facts, { ascii: false, rate: limit });
  assertEquals([taken, now()], [Array(10).fill(10), 1250]);
  client.close();
});

Deno.test("RateLimit reads small pieces, so that an upload flows", async () => {
  const { limit, now } = limited(8000);
  let left = 4000;
  const source = limit.source((buffer) => {
    const length = Math.min(left, buffer.length);
    left -= length;
    return length || null;
  });
  const buffer = new Uint8Array(65536);
  for (let length = await source(buffer); length !== null; length = await source(buffer)) {
    assert(length <= 1000);
  }
  assertEquals(now(), 500);
});
