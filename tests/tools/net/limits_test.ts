import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { ConnectionCount, perAddress } from "../../../tools/net/limits.ts";
import { missingProgram, processTestUnless } from "../../support/permissions.ts";
import { ROOT, runCommand } from "../../support/process.ts";

Deno.test("limits: slots in all and for each address, and back", () => {
  const count = new ConnectionCount({ maxConnections: 3, maxPerAddress: 2 });
  const enter = (...addresses: string[]): boolean[] =>
    addresses.map((address) => count.enter(address));
  assertEquals(enter("a", "a", "a", "b", "b", "c"), [true, true, false, true, false, false]);
  count.leave("a");
  assertEquals(enter("b", "b"), [true, false]);
  for (const address of ["a", "b", "b"]) count.leave(address);
  assertEquals(enter("c", "c", "c", "a", "a"), [true, true, false, true, false]);
});

Deno.test("limits: in whatever order clients come and go, slots are counted right", () => {
  const caps = fc.record({ maxConnections: fc.nat(8), maxPerAddress: fc.nat(6) });
  const steps = fc.array(fc.tuple(fc.boolean(), fc.constantFrom("a", "b")), { minLength: 50 });
  fc.assert(fc.property(caps, steps, (caps, steps) => {
    const count = new ConnectionCount(caps);
    const open: string[] = [];
    for (const [enters, address] of steps) {
      const own = open.filter((other) => other === address).length;
      if (enters) {
        const free = open.length < caps.maxConnections && own < caps.maxPerAddress;
        assertEquals(count.enter(address), free);
        if (free) open.push(address);
      } else if (own > 0) {
        count.leave(address);
        open.splice(open.indexOf(address), 1);
      }
    }
  }));
});

Deno.test("limits: a cap of none refuses all", () => {
  assertEquals(new ConnectionCount({ maxConnections: 0, maxPerAddress: 9 }).enter("a"), false);
  assertEquals(new ConnectionCount({ maxConnections: 9, maxPerAddress: 0 }).enter("a"), false);
});

Deno.test("limits: one address may have half of all, and one at least", () => {
  assertEquals([1, 2, 3, 10_000].map(perAddress), [1, 1, 2, 5000]);
});

/** What `defaultMaxConnections` is in a process with so many descriptors. */
async function capWith(descriptors: number, permissions: string, each = 1): Promise<number> {
  const run = `"${Deno.execPath()}" run --quiet --no-prompt ${permissions} -`;
  const { stdout } = await runCommand("sh", ["-c", `ulimit -n ${descriptors} && ${run}`], {
    stdin: `import { defaultMaxConnections } from "${ROOT}tools/net/limits.ts";
      console.log(defaultMaxConnections(${each}));`,
    cwd: ROOT,
  });
  return Number(stdout);
}

processTestUnless(
  missingProgram("sh"),
  "limits: the default cap is 10,000, and three quarters of the descriptors at most",
  async () => {
    assertEquals(await capWith(400, "-A"), 300);
    assertEquals(await capWith(16_000, "-A"), 10_000);
    // A connection that is relayed takes two.
    assertEquals(await capWith(400, "-A", 2), 150);
    // Where the limit may not be seen, nobody is asked for it.
    assertEquals(await capWith(400, ""), 10_000);
    assertEquals(await capWith(400, "--allow-read"), 10_000);
  },
);
