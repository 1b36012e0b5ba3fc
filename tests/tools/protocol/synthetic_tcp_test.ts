import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { concat } from "../../../tools/protocol/bytes.ts";
import {
  ACK,
  FIN,
  LONGEST_SEGMENT,
  PSH,
  RST,
  type Segment,
  SYN,
} from "../../../tools/protocol/ip_packet.ts";
import { type Direction, SyntheticTcp } from "../../../tools/protocol/synthetic_tcp.ts";

const NAMES: [number, string][] = [[SYN, "S"], [FIN, "F"], [RST, "R"], [PSH, "P"], [ACK, "A"]];

/** Segments in short: `up PA 1,1 +5` is sequence and acknowledgment, both from the SYNs on, and bytes. */
function record(act: (tcp: SyntheticTcp) => void, initial = 0): string[] {
  const lines: string[] = [];
  const from = (number: number): number => (number - initial) >>> 0;
  const put = (direction: Direction, segment: Segment): void => {
    const flags = NAMES.filter(([bit]) => segment.flags & bit).map(([, name]) => name).join("");
    const acknowledgment = segment.flags & ACK ? from(segment.acknowledgment) : "-";
    const { length } = segment.payload;
    lines.push(
      `${direction} ${flags} ${from(segment.sequence)},${acknowledgment}${
        length ? ` +${length}` : ""
      }`,
    );
  };
  act(new SyntheticTcp({ up: initial, down: initial }, put));
  assertEquals(lines.splice(0, 3), ["up S 0,-", "down SA 0,1", "up A 1,1"]);
  return lines;
}

const five = new Uint8Array(5);

Deno.test("SyntheticTcp: a dialogue, and its half-closes in both orders", () => {
  for (const initial of [0, 1_000_000, 2 ** 32 - 1, 2 ** 32 - 8]) {
    const lines = record((tcp) => {
      tcp.data("up", five);
      tcp.data("down", five);
      tcp.end("up");
      tcp.data("down", five);
      assert(!tcp.over);
      tcp.end("down");
      assert(tcp.over);
    }, initial);
    assertEquals(lines, [
      "up PA 1,1 +5",
      "down PA 1,6 +5",
      "up FA 6,6",
      "down A 6,7",
      "down PA 6,7 +5",
      "down FA 11,7",
      "up A 7,12",
    ]);
  }
  const lines = record((tcp) => {
    tcp.end("down");
    tcp.data("up", five);
    tcp.end("up");
  });
  assertEquals(lines, ["down FA 1,1", "up A 1,2", "up PA 1,2 +5", "up FA 6,2", "down A 2,7"]);
});

Deno.test("SyntheticTcp: after its end, a half says no more; after a reset, nobody does", () => {
  const lines = record((tcp) => {
    tcp.end("up");
    tcp.data("up", five);
    tcp.end("up");
    tcp.reset("down");
    assert(tcp.over);
    tcp.data("down", five);
    tcp.end("down");
    tcp.reset("up");
  });
  assertEquals(lines, ["up FA 1,1", "down A 1,2", "down RA 1,2"]);
});

Deno.test("SyntheticTcp: data is cut to the longest segments, pushed by the last, and nothing is nothing", () => {
  const lines = record((tcp) => {
    tcp.data("up", new Uint8Array(0));
    tcp.data("up", new Uint8Array(LONGEST_SEGMENT));
    tcp.data("up", new Uint8Array(LONGEST_SEGMENT + 1));
  });
  const n = LONGEST_SEGMENT;
  assertEquals(lines, [
    `up PA 1,1 +${n}`,
    `down A 1,${n + 1}`,
    `up A ${n + 1},1 +${n}`,
    `up PA ${2 * n + 1},1 +1`, // Fits into the window.
  ]);
});

/** A receiver of both halves that takes nothing amiss: what an analyser would complain of fails. */
class Analyser {
  readonly received: Record<Direction, Uint8Array[]> = { up: [], down: [] };
  readonly ended: Record<Direction, boolean> = { up: false, down: false };
  readonly #next: Partial<Record<Direction, number>> = {};
  readonly #acknowledged: Partial<Record<Direction, number>> = {};
  #reset = false;

  take(direction: Direction, { sequence, acknowledgment, flags, window, payload }: Segment): void {
    const other = direction === "up" ? "down" : "up";
    assert(!this.#reset, "a segment after a reset");
    if (flags & SYN) {
      assertEquals(this.#next[direction], undefined, "a second SYN");
      this.#next[direction] = sequence;
    }
    assertEquals(sequence, this.#next[direction], "a gap or a repetition");
    const length = payload.length + (flags & (SYN | FIN) ? 1 : 0);
    assert(length === 0 || !this.ended[direction], "data after the end");
    this.#next[direction] = (sequence + length) % 2 ** 32;
    if (flags !== SYN) {
      assert(flags & ACK);
      assertEquals(acknowledgment, this.#next[other], "not all is acknowledged, or too much");
      const plain = flags === ACK && payload.length === 0;
      assert(!plain || this.#acknowledged[other] !== acknowledgment, "a second acknowledgment");
      this.#acknowledged[other] = acknowledgment;
    }
    const flight = (this.#next[direction] - (this.#acknowledged[direction] ?? sequence)) >>> 0;
    assert(flight < window, "a full window");
    this.received[direction].push(payload.slice());
    if (flags & FIN) this.ended[direction] = true;
    if (flags & RST) this.#reset = true;
  }
}

Deno.test("SyntheticTcp: whatever happens, an analyser finds nothing amiss, from the start or from later on", () => {
  const direction = fc.constantFrom<Direction>("up", "down");
  const size = fc.oneof(fc.nat(20), fc.nat(200_000));
  const event = fc.oneof(
    { weight: 20, arbitrary: fc.tuple(fc.constant("data" as const), direction, size) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("end" as const), direction, fc.constant(0)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant("introduce" as const), direction, fc.nat(9)) },
  );
  const initial = fc.oneof(fc.integer({ min: 2 ** 32 - 400_000, max: 2 ** 32 - 1 }), fc.nat());
  fc.assert(
    fc.property(initial, initial, fc.array(event, { maxLength: 40 }), (up, down, events) => {
      const readers: { analyser: Analyser; expected: Record<Direction, Uint8Array[]> }[] = [];
      const join = (): Analyser => {
        const analyser = new Analyser();
        readers.push({ analyser, expected: { up: [], down: [] } });
        return analyser;
      };
      const first = join();
      const ended = { up: false, down: false };
      const others: Analyser[] = [];
      const tcp = new SyntheticTcp({ up, down }, (...segment) => {
        for (const analyser of [first, ...others]) analyser.take(...segment);
      });
      for (const [kind, way, size] of events) {
        if (kind === "end") {
          tcp.end(way);
          ended[way] = true;
        } else if (kind === "introduce") {
          const late = join();
          tcp.introduce((...segment) => late.take(...segment));
          others.push(late);
        } else {
          const bytes = new Uint8Array(size).fill(size % 251);
          tcp.data(way, bytes);
          if (!ended[way]) readers.forEach(({ expected }) => expected[way].push(bytes));
        }
      }
      for (const { analyser, expected } of readers) {
        assertEquals(analyser.ended, ended);
        for (const way of ["up", "down"] as const) {
          const [got, sent] = [concat(analyser.received[way]), concat(expected[way])];
          assert(got.length === sent.length && got.every((byte, i) => byte === sent[i]));
        }
      }
    }),
    { numRuns: 200 },
  );
});

Deno.test("SyntheticTcp: to a newcomer the connection begins now, with what has ended", () => {
  const told: string[] = [];
  const lines = record((tcp) => {
    tcp.data("up", five);
    tcp.end("down");
    tcp.data("up", five);
    tcp.introduce((direction, { sequence, acknowledgment, flags }) =>
      told.push(`${direction} ${flags} ${sequence},${acknowledgment}`)
    );
  });
  assertEquals(lines.slice(-1), ["down A 2,11"]);
  assertEquals(told, [
    `up ${SYN} 10,0`,
    `down ${SYN | ACK} 0,11`,
    `up ${ACK} 11,1`,
    `down ${FIN | ACK} 1,11`,
    `up ${ACK} 11,2`,
  ]);
});
