import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  befalls,
  type Fault,
  FAULT_KINDS,
  type FaultKind,
  type FaultRule,
  parseFault,
} from "../../../tools/protocol/fault.ts";
import type { Direction } from "../../../tools/protocol/synthetic_tcp.ts";

const ALL: FaultRule = { kind: "all" };

function numbers(...list: number[]): FaultRule {
  return { kind: "numbers", numbers: new Set(list) };
}

Deno.test("fault: every form is read", () => {
  const table: [
    text: string,
    kind: FaultKind,
    direction: Direction | undefined,
    number,
    FaultRule,
  ][] = [
    ["latency=250ms", "latency", undefined, 250, ALL],
    ["up:latency=2@3,7", "latency", "up", 2000, numbers(3, 7)],
    ["jitter=1s", "jitter", undefined, 1000, ALL],
    ["down:rate=64K", "rate", "down", 65536, ALL],
    ["slice=1", "slice", undefined, 1, ALL],
    ["limit=0", "limit", undefined, 0, ALL],
    ["reset=1M@1", "reset", undefined, 1 << 20, numbers(1)],
    ["hang=0", "hang", undefined, 0, ALL],
    ["drop", "drop", undefined, 0, ALL],
    ["drop@3", "drop", undefined, 0, numbers(3)],
    ["drop=3", "drop", undefined, 0, numbers(3)],
    ["down:drop=@3,7", "drop", "down", 0, numbers(3, 7)],
    ["drop=1%,seed=7", "drop", undefined, 0, { kind: "chance", chance: 0.01, seed: 7 }],
    ["duplicate@0.5%", "duplicate", undefined, 0, { kind: "chance", chance: 0.005, seed: 1 }],
    ["reorder@100%", "reorder", undefined, 0, { kind: "chance", chance: 1, seed: 1 }],
    ["up:corrupt@0%", "corrupt", "up", 0, { kind: "chance", chance: 0, seed: 1 }],
  ];
  for (const [text, kind, direction, value, rule] of table) {
    assertEquals(parseFault(text), { kind, direction, value, rule }, text);
  }
  const read = new Set(table.map(([, kind]) => kind));
  assertEquals([...read].toSorted(), Object.keys(FAULT_KINDS).toSorted());
});

Deno.test("fault: what is none is refused in one line that says what to give", () => {
  const form = "give [up:|down:]KIND[=VALUE][@RULE]; kinds: latency jitter";
  const rule = "a rule is a list of numbers (3,7) or a chance (1%,seed=7)";
  const table: [text: string, message: string][] = [
    ["", form],
    ["lateness=1s", form],
    ["left:drop", form],
    ["drop 3", form],
    ["constructor=1", form],
    ["latency", "give a duration"],
    ["latency=", "give a duration"],
    ["latency=0", "give a duration"],
    ["latency=fast", "give a duration"],
    ["rate=64Q", "give a size"],
    ["rate=0", "rate takes at least 1 byte"],
    ["slice=0", "slice takes at least 1 byte"],
    ["reset", "give a size"],
    ["drop=", rule],
    ["drop@", rule],
    ["drop@x", rule],
    ["drop@1,,2", rule],
    ["drop@-1", rule],
    ["drop@0", "give a whole number, 1 or more"],
    ["drop@101%", rule],
    ["drop@seed=7", rule],
    ["drop@1%,seed=x", rule],
    ["drop=1@3", "drop takes a rule alone, such as drop@3,7"],
    ["latency=1s@", rule],
  ];
  for (const [text, message] of table) {
    const error = assertThrows(() => parseFault(text), RangeError);
    assert(error.message.startsWith(message), `${text}: ${error.message}`);
    assert(!error.message.includes("\n"));
  }
});

Deno.test("fault: any text is a fault or refused", () => {
  fc.assert(fc.property(fc.string(), (text) => {
    try {
      parseFault(text);
    } catch (error) {
      assert(error instanceof RangeError);
    }
  }));
});

/** Which of the first `count` are befallen. */
function befallen(fault: Fault, direction: Direction, count: number, salt?: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1)
    .filter((number) => befalls(fault, direction, number, salt));
}

Deno.test("fault: a rule picks all, or those of its list, in its direction", () => {
  assertEquals(befallen(parseFault("drop"), "up", 3), [1, 2, 3]);
  assertEquals(befallen(parseFault("up:drop"), "up", 3), [1, 2, 3]);
  assertEquals(befallen(parseFault("down:drop"), "up", 3), []);
  assertEquals(befallen(parseFault("down:drop@2,9"), "down", 10), [2, 9]);
});

Deno.test("fault: a chance picks its share, the same again for the same seed", () => {
  const fault = parseFault("drop=20%,seed=7");
  const picked = befallen(fault, "up", 5000);
  assert(Math.abs(picked.length - 1000) < 100, `${picked.length}`);
  assertEquals(befallen(parseFault("drop=20%,seed=7"), "up", 5000), picked);
  assertEquals(befallen(parseFault("drop=0%"), "up", 5000), []);
  assertEquals(befallen(parseFault("drop=100%"), "up", 5000).length, 5000);
});

Deno.test("fault: chances of another seed, salt or kind are others", () => {
  const picked = befallen(parseFault("drop=20%,seed=7"), "up", 5000);
  const others = [
    befallen(parseFault("drop=20%,seed=8"), "up", 5000),
    befallen(parseFault("drop=20%,seed=7"), "up", 5000, 1),
    befallen(parseFault("corrupt=20%,seed=7"), "up", 5000),
  ];
  for (const other of others) {
    // Of those that were picked, the other picks its share as of all: 200 of 1000.
    const both = other.filter((number) => picked.includes(number)).length;
    assert(Math.abs(both - 200) < 60, `${both}`);
  }
});
