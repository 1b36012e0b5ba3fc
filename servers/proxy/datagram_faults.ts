/** The faults of one direction of one flow of datagrams. */
import { befalls, type Fault, type FaultKind } from "../../tools/protocol/fault.ts";
import { randomAt } from "../../tools/protocol/random.ts";
import type { Direction } from "../../tools/protocol/synthetic_tcp.ts";

/** A datagram to be sent, after `delay` milliseconds. */
export interface Outgoing {
  data: Uint8Array;
  delay: number;
}

/** Decides for each datagram in turn what becomes of it. */
export class DatagramFaults {
  readonly #faults: Fault[];
  readonly #direction: Direction;
  readonly #salt: number;
  #number = 0;
  #held: Outgoing[] = [];

  /** `flow` is the number of the flow, so that each has chances of its own. */
  constructor(faults: Fault[], direction: Direction, flow: number) {
    this.#faults = faults;
    this.#direction = direction;
    this.#salt = 2 * flow + (direction === "up" ? 0 : 1);
  }

  /** What to send now that `data` has come; the datagrams are copies. */
  pass(data: Uint8Array): Outgoing[] {
    const number = ++this.#number;
    const values = new Map<FaultKind, number>(
      this.#faults.filter((fault) => befalls(fault, this.#direction, number, this.#salt))
        .map(({ kind, value }) => [kind, value]),
    );
    if (values.has("drop")) return [];
    const copy = data.slice();
    if (values.has("corrupt") && copy.length > 0) {
      const bit = Math.floor(randomAt(this.#salt, number) * copy.length * 8);
      copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    }
    const outgoing = { data: copy, delay: values.get("latency") ?? 0 };
    const all = values.has("duplicate") ? [outgoing, outgoing] : [outgoing];
    if (values.has("reorder") && this.#held.length === 0) {
      this.#held = all;
      return [];
    }
    const late = this.#held;
    this.#held = [];
    return [...all, ...late];
  }
}
