import { assertEquals } from "@std/assert";
import { Bucket } from "../../../servers/chat/bucket.ts";

Deno.test("a bucket allows a burst, then so many a second, and a burst again after a pause", () => {
  const bucket = new Bucket(10, 3);
  const taken = (now: number): number => {
    const wait = bucket.wait(now);
    bucket.take(now);
    return wait;
  };
  assertEquals([0, 0, 0, 0, 0].map(taken), [0, 0, 0, 100, 200]);
  assertEquals([200, 300].map(taken), [100, 100]);
  assertEquals(bucket.wait(449), 51);
  assertEquals(bucket.wait(500), 0);
  // A pause of any length gives one burst.
  assertEquals([9000, 9000, 9000, 9000].map(taken), [0, 0, 0, 100]);
});
