/** The faults of one direction of one flow of datagrams. */
import { applies, chooser, type Fault } from "../../tools/protocol/fault.ts";
import { seededRandom } from "../../tools/protocol/random.ts";
import type { Direction } from "../../tools/protocol/synthetic_tcp.ts";

/** A datagram to be sent, after `delay` milliseconds. */
export interface Outgoing {
  data: Uint8Array;
  delay: number;
}

/** Decides for each datagram in turn what becomes of it. */
export class DatagramFaults {
  readonly #faults: [fault: Fault, chosen: (number: number) => boolean][];
  readonly #random: () => number;
  #number = 0;
  #held: Outgoing[] = [];

  /** `flow` is the number of the flow, so that each has chances of its own. */
  constructor(faults: Fault[], direction: Direction, flow: number) {
    const own = faults.filter((fault) => applies(fault, direction));
    const salt = flow * 2 + (direction === "up" ? 0 : 1);
    this.#faults = own.map((fault) => [fault, chooser(fault.rule, salt)]);
    this.#random = seededRandom(salt);
  }

  /** What to send now that `data` has come; the datagrams are copies. */
  pass(data: Uint8Array): Outgoing[] {
    this.#number++;
    // Each is asked, also after a drop: what one fault does must not shift the chances of another.
    const chosen = new Map(
      this.#faults.filter(([, chosen]) => chosen(this.#number))
        .map(([{ kind, value }]) => [kind, value] as const),
    );
    if (chosen.has("drop")) return [];
    const copy = data.slice();
    if (chosen.has("corrupt") && copy.length > 0) {
      const at = Math.floor(this.#random() * copy.length);
      copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(this.#random() * 8));
    }
    const outgoing = { data: copy, delay: chosen.get("latency") ?? 0 };
    const all = chosen.has("duplicate") ? [outgoing, outgoing] : [outgoing];
    if (chosen.has("reorder") && this.#held.length === 0) {
      this.#held = all;
      return [];
    }
    const late = this.#held;
    this.#held = [];
    return [...all, ...late];
  }
}
