import { assert, assertEquals } from "@std/assert";
import {
  BufferPool,
  bufferPools,
  FIRST_BUFFER,
  LARGE_BUFFER,
  MOST_LARGE,
  ReadBuffer,
  SECOND_BUFFER,
} from "../../../servers/proxy/buffers.ts";

Deno.test("buffers: a pool gives what came back before it makes a new one, and no more than it may", () => {
  const pool = new BufferPool(10, 2);
  const [one, two] = [pool.lend(), pool.lend()];
  assert(one && two && one !== two);
  assertEquals([one.length, pool.lend(), pool.lent], [10, undefined, 2]);
  pool.giveBack(one);
  assertEquals(pool.lend(), one);
  pool.giveBack(one);
  pool.giveBack(two);
  assertEquals(pool.lent, 0);
});

Deno.test("buffers: a pool keeps 8 MiB for later, and leaves the rest", () => {
  const pool = new BufferPool(1 << 20, Infinity);
  const lend = (): Uint8Array[] => Array.from({ length: 9 }, () => pool.lend() ?? new Uint8Array());
  const before = lend();
  before.forEach((buffer) => pool.giveBack(buffer));
  const kept = lend().filter((buffer) => before.includes(buffer));
  assertEquals(kept.length, 8);
});

Deno.test("buffers: a direction grows while reads fill it, and waits with the second buffer from then on", () => {
  const pools = bufferPools();
  const buffer = new ReadBuffer(pools, 0);
  const read = (length: number): number => {
    buffer.adapt(length);
    return buffer.bytes.length;
  };
  assertEquals(buffer.bytes.length, FIRST_BUFFER);
  assertEquals(read(FIRST_BUFFER - 1), FIRST_BUFFER);
  assertEquals(read(FIRST_BUFFER), SECOND_BUFFER);
  assertEquals(read(1), SECOND_BUFFER);
  assertEquals(read(SECOND_BUFFER), LARGE_BUFFER);
  assertEquals(read(LARGE_BUFFER), LARGE_BUFFER);
  assertEquals(read(LARGE_BUFFER - 1), SECOND_BUFFER);
  assertEquals(pools.map(({ lent }) => lent), [0, 1, 0]);
  buffer.release();
  assertEquals(pools.map(({ lent }) => lent), [0, 0, 0]);
});

Deno.test("buffers: when all large ones are in use, a busy direction goes on with its second", () => {
  const pools = bufferPools(1);
  const [one, other] = [new ReadBuffer(pools, 1), new ReadBuffer(pools, 1)];
  one.adapt(SECOND_BUFFER);
  other.adapt(SECOND_BUFFER);
  assertEquals([one.bytes.length, other.bytes.length], [LARGE_BUFFER, SECOND_BUFFER]);
  one.release();
  other.adapt(SECOND_BUFFER);
  assertEquals(other.bytes.length, LARGE_BUFFER);
});

Deno.test("buffers: all connections together have 256 large ones", () => {
  const large = bufferPools()[2];
  for (let i = 0; i < MOST_LARGE; i++) assert(large?.lend());
  assertEquals([MOST_LARGE, large?.lend()], [256, undefined]);
});
