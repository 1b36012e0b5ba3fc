import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { randomAt } from "../../../tools/protocol/random.ts";

Deno.test("randomAt: mulberry32, as its author's C program prints it", () => {
  const table: [seed: number, numbers: number[]][] = [
    [0, [1144304738, 1416247, 958946056, 627933444]],
    [7, [50271532, 266108690, 4195786334, 3002305430]],
    [2 ** 32 - 1, [3850105811, 813802916, 3073704848, 4054706436]],
  ];
  for (const [seed, numbers] of table) {
    assertEquals([0, 1, 2, 3].map((index) => randomAt(seed, index) * 2 ** 32), numbers);
  }
});

Deno.test("randomAt: from 0 up to 1, for any seed and place", () => {
  fc.assert(fc.property(fc.maxSafeInteger(), fc.nat(), (seed, index) => {
    const number = randomAt(seed, index);
    assert(number >= 0 && number < 1);
    assertEquals(randomAt(seed, index), number);
  }));
});

Deno.test("randomAt: a chance of one in ten comes about one time in ten", () => {
  const hits = Array.from({ length: 10_000 }, (_, i) => randomAt(1, i)).filter((x) => x < 0.1);
  assert(Math.abs(hits.length - 1000) < 100, `${hits.length}`);
});
