/** The faults of one direction of one connection: late, slow, in pieces, or not at all. */
import type { ByteStream } from "../../tools/net/stream.ts";
import { writeAll } from "../../tools/net/writer.ts";
import { applies, chooser, type Fault, type FaultKind } from "../../tools/protocol/fault.ts";
import { seededRandom } from "../../tools/protocol/random.ts";
import type { Direction } from "../../tools/protocol/synthetic_tcp.ts";

/** A fault that ends the connection has come. */
export class Cut extends Error {
  override name = "Cut";

  constructor(readonly kind: "limit" | "reset") {
    super(kind);
  }
}

// What may wait for its time in one direction; beyond it the sender waits.
const MOST_DELAYED = 4 << 20;
// A rate is kept in steps: this many a second.
const STEPS = 20;

type Values = Partial<Record<FaultKind, number>>;

/** What befalls the connections of a proxy: chooses for each in turn. */
export class StreamFaultPlan {
  readonly #chances: [fault: Fault, chosen: (number: number) => boolean][];

  constructor(faults: Fault[]) {
    this.#chances = faults.map((fault) => [fault, chooser(fault.rule)]);
  }

  /** The faults of connection `number`, which sends to `server` and `client`. To be asked once for each, in order. */
  choose(number: number): (direction: Direction, to: ByteStream) => StreamFaults | undefined {
    const chosen = this.#chances.filter(([, chosen]) => chosen(number)).map(([fault]) => fault);
    return (direction, to) => {
      const own = chosen.filter((fault) => applies(fault, direction));
      if (own.length === 0) return undefined;
      const values: Values = Object.fromEntries(own.map(({ kind, value }) => [kind, value]));
      const seed = own.map(({ rule }) => rule.kind === "chance" ? rule.seed : 0).at(-1) ?? 0;
      return new StreamFaults(values, to, seededRandom(seed + number));
    };
  }
}

interface Piece {
  due: number;
  data: Uint8Array;
}

/** Sends what it is given on to a connection, with faults. */
export class StreamFaults {
  readonly #values: Values;
  readonly #to: Pick<ByteStream, "write">;
  readonly #random: () => number;
  #passed = 0;
  #queue: Piece[] = [];
  #queued = 0;
  #lastDue = 0;
  #draining: Promise<void> | undefined;
  #failure: { error: unknown } | undefined;
  #wake = (): void => {};

  constructor(values: Values, to: Pick<ByteStream, "write">, random: () => number) {
    this.#values = values;
    this.#to = to;
    this.#random = random;
  }

  /**
   * The part of `buffer` to read into. Closing while something is unread is what
   * resets a connection, so before a reset no more is read than shows that it is due.
   */
  room(buffer: Uint8Array): Uint8Array {
    const { reset } = this.#values;
    return reset === undefined ? buffer : buffer.subarray(0, reset - this.#passed + 1);
  }

  /** Takes `data` and copies it. Waits while much is on its way. Throws Cut, and what the connection failed with. */
  async send(data: Uint8Array): Promise<void> {
    const { limit = Infinity, reset = Infinity, hang = Infinity } = this.#values;
    const end = Math.min(limit, reset, hang);
    const rest = data.subarray(0, Math.max(0, end - this.#passed));
    this.#passed += data.length;
    if (rest.length > 0) this.#put(rest.slice());
    if (this.#passed > end && end !== hang) {
      // Whoever sent more is cut off; up to there everything arrives.
      await this.#settled(0);
      throw new Cut(end === reset ? "reset" : "limit");
    }
    await this.#settled(MOST_DELAYED);
  }

  /** The sender has ended; false when the other side must not hear of it. */
  async finish(): Promise<boolean> {
    await this.#settled(0);
    return this.#passed <= (this.#values.hang ?? Infinity);
  }

  #put(data: Uint8Array): void {
    const { latency = 0, jitter = 0, rate = Infinity, slice = Infinity } = this.#values;
    const due = Date.now() + latency + this.#random() * jitter;
    this.#lastDue = Math.max(this.#lastDue, due);
    const size = Math.min(slice, Math.max(1, Math.floor(rate / STEPS)));
    for (let at = 0; at < data.length; at += size) {
      this.#queue.push({ due: this.#lastDue, data: data.subarray(at, at + size) });
    }
    this.#queued += data.length;
    this.#draining ??= this.#drain();
  }

  async #drain(): Promise<void> {
    const { rate = Infinity } = this.#values;
    let free = 0;
    try {
      for (let piece = this.#queue.shift(); piece; piece = this.#queue.shift()) {
        await until(Math.max(piece.due, free));
        await writeAll(this.#to, piece.data);
        free = Math.max(Date.now(), free) + piece.data.length / rate * 1000;
        this.#queued -= piece.data.length;
        this.#wake();
      }
    } catch (error) {
      this.#failure = { error };
    } finally {
      this.#draining = undefined;
      this.#wake();
    }
  }

  async #settled(most: number): Promise<void> {
    while (this.#queued > most && !this.#failure) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#failure) throw this.#failure.error;
  }
}

/** Resolves at the time `due`, in milliseconds since 1970; always in a later turn, so that pieces stay apart. */
function until(due: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
}
