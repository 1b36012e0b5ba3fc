import { assert, assertEquals } from "@std/assert";
import { DatagramFaults, type Outgoing } from "../../../servers/proxy/datagram_faults.ts";
import { parseFault } from "../../../tools/protocol/fault.ts";
import type { Direction } from "../../../tools/protocol/synthetic_tcp.ts";
import { bytes } from "../../support/stream.ts";

/** What becomes of `count` datagrams, `1`, `2` and so on. */
function pass(
  faults: string[],
  count: number,
  { direction = "up", flow = 1 }: { direction?: Direction; flow?: number } = {},
): Outgoing[][] {
  const all = new DatagramFaults(faults.map(parseFault), direction, flow);
  return Array.from({ length: count }, (_, i) => all.pass(bytes(`${i + 1}`)));
}

function shown(outgoing: Outgoing[][]): string {
  const one = ({ data, delay }: Outgoing): string =>
    new TextDecoder().decode(data) + (delay > 0 ? `+${delay}` : "");
  return outgoing.map((list) => list.map(one).join(",")).join(" ");
}

Deno.test("datagram faults: each kind does what it says", () => {
  const table: [faults: string[], passed: string][] = [
    [[], "1 2 3 4 5"],
    [["drop@2,4"], "1  3  5"],
    [["drop"], "    "],
    [["duplicate@3"], "1 2 3,3 4 5"],
    [["reorder@2"], "1  3,2 4 5"],
    // One at a time waits: the next goes before it.
    [["reorder@2,3"], "1  3,2 4 5"],
    [["reorder@5"], "1 2 3 4 "],
    [["latency=250ms@4"], "1 2 3 4+250 5"],
    [["drop@2", "duplicate@2"], "1  3 4 5"],
    [["duplicate@2", "latency=1s@2"], "1 2+1000,2+1000 3 4 5"],
    [["reorder@2", "duplicate@2"], "1  3,2,2 4 5"],
    [["reorder@2", "drop@3"], "1   4,2 5"],
    [["up:drop@2"], "1  3 4 5"],
    [["down:drop@2"], "1 2 3 4 5"],
  ];
  for (const [faults, passed] of table) assertEquals(shown(pass(faults, 5)), passed);
});

Deno.test("datagram faults: corrupt flips one bit, of any byte, and of a copy", () => {
  const faults = new DatagramFaults([parseFault("corrupt")], "up", 1);
  const data = new Uint8Array(40);
  const bits = new Set<number>();
  for (let i = 0; i < 200; i++) {
    const [out] = faults.pass(data);
    assert(out);
    const flipped = [...out.data.keys()].filter((at) => out.data[at] !== 0);
    assertEquals([flipped.length, out.data.length], [1, 40]);
    const byte = out.data[flipped[0] ?? 0] ?? 0;
    assertEquals(byte & (byte - 1), 0);
    bits.add((flipped[0] ?? 0) * 8 + Math.log2(byte));
  }
  assert(bits.size > 100, `${bits.size}`);
  assertEquals(data, new Uint8Array(40));
  assertEquals(shown([faults.pass(new Uint8Array(0))]), "");
});

Deno.test("datagram faults: what is sent later is a copy", () => {
  const data = bytes("1");
  const [out] = new DatagramFaults([parseFault("latency=1s")], "up", 1).pass(data);
  data[0] = 0;
  assertEquals(shown([out ? [out] : []]), "1+1000");
});

Deno.test("datagram faults: a chance is the same again, and another for each flow, direction and kind", () => {
  const dropped = (faults: string[], options?: { direction?: Direction; flow?: number }): string =>
    pass(faults, 200, options).map((list) => list.length).join("");
  const drops = dropped(["drop=30%,seed=5"]);
  assertEquals(dropped(["drop=30%,seed=5"]), drops);
  const count = drops.split("0").length - 1;
  assert(count > 40 && count < 80, `${count}`);
  assert(dropped(["drop=30%,seed=6"]) !== drops);
  assert(dropped(["drop=30%,seed=5"], { direction: "down" }) !== drops);
  assert(dropped(["drop=30%,seed=5"], { flow: 2 }) !== drops);
  // What is not dropped is doubled as often as if nothing was dropped.
  const both = dropped(["drop=30%,seed=5", "duplicate=30%,seed=5"]);
  const alone = dropped(["duplicate=30%,seed=5"]);
  assertEquals(both, [...alone].map((n, i) => drops[i] === "0" ? "0" : n).join(""));
  assert(both.includes("2"));
});
