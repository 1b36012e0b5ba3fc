/** The faults of one direction of one connection: late, slow, in pieces, or not at all. */
import { writeAll } from "../../tools/net/writer.ts";
import { befalls, type Fault, type FaultKind } from "../../tools/protocol/fault.ts";
import { randomAt } from "../../tools/protocol/random.ts";
import { Cut, type Side } from "./side.ts";

/** What may wait for its time in one direction, in bytes; beyond it the sender waits. */
export const MOST_DELAYED = 4 << 20;
/** And in pieces, since small ones take more than their bytes. */
export const MOST_PIECES = 16_384;
// Slices are so many milliseconds apart, for them to be read one by one.
const SLICE_GAP = 1;
// A rate is kept in steps: so many a second.
const STEPS = 20;

type Values = Partial<Record<FaultKind, number>>;
type Source = Pick<Side, "read">;
type Target = Pick<Side, "write" | "closeWrite">;
const BOTH = ["up", "down"] as const;

/** Both sides of connection `number` with the faults that befall it, one for each direction that has any. */
export function withFaults(
  all: Fault[],
  number: number,
  client: Side,
  server: Side,
): { client: Side; server: Side; faults: StreamFaults[] } {
  if (all.length === 0) return { client, server, faults: [] };
  const [up, down] = BOTH.map((direction, i) => {
    const own = all.filter((fault) => befalls(fault, direction, number));
    if (own.length === 0) return undefined;
    const values: Values = Object.fromEntries(own.map(({ kind, value }) => [kind, value]));
    const [from, to] = direction === "up" ? [client, server] : [server, client];
    return new StreamFaults(values, from, to, 2 * number + i);
  });
  return {
    client: joined(client, up, down),
    server: joined(server, down, up),
    faults: [up, down].filter((faults) => faults !== undefined),
  };
}

/** `side`, with what befalls the bytes that are read there, and those that are written there. */
function joined(side: Side, reading?: StreamFaults, writing?: StreamFaults): Side {
  if (!reading && !writing) return side;
  return {
    read: (buffer) => (reading ?? side).read(buffer),
    write: (data) => (writing ?? side).write(data),
    closeWrite: () => (writing ?? side).closeWrite(),
  };
}

/** One direction: what is read here, and written here, goes on with faults. */
export class StreamFaults {
  readonly #values: Values;
  readonly #from: Source;
  readonly #to: Target;
  readonly #seed: number;
  readonly #queue: { due: number; data: Uint8Array }[] = [];
  /** How many bytes came; how many pieces were put in the queue; how many bytes are in it. */
  #passed = 0;
  #pieces = 0;
  #queued = 0;
  /** When the last piece is due, and when the line is free for the next by its rate. */
  #lastDue = 0;
  #free = 0;
  #busy = false;
  #ended = false;
  #failure: { error: unknown } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #endPause = (): void => {};
  #wake = (): void => {};

  /** `seed` is for the jitter. */
  constructor(values: Values, from: Source, to: Target, seed: number) {
    this.#values = values;
    this.#from = from;
    this.#to = to;
    this.#seed = seed;
  }

  /** Whether something waits for its time. */
  get waiting(): boolean {
    return this.#timer !== undefined;
  }

  /**
   * Reads what may pass now, and nothing beyond a reset: to close with something
   * unread is all that Deno has to reset a connection.
   */
  async read(buffer: Uint8Array): Promise<number | null> {
    const { rate = Infinity, reset = Infinity } = this.#values;
    const most = Math.max(1, Math.min(rate / STEPS, reset - this.#passed));
    return await this.#from.read(buffer.subarray(0, most));
  }

  /** Takes all of `data`, and copies it. Waits while the line is full. Throws Cut, and what the connection failed with. */
  async write(data: Uint8Array): Promise<number> {
    const { limit = Infinity, reset = Infinity, hang = Infinity } = this.#values;
    const last = Math.min(limit, reset, hang);
    const rest = data.subarray(0, Math.max(0, last - this.#passed));
    this.#passed += data.length;
    if (rest.length > 0) this.#put(rest.slice());
    if (this.#passed >= last) {
      if (last === reset) {
        await this.#settled(() => !this.#busy);
        throw new Cut();
      }
      // After a limit whatever comes goes nowhere, as after a hang, but the other side hears of the end.
      await this.closeWrite();
    }
    const capacity = this.#capacity();
    await this.#settled(() => this.#queued <= capacity && this.#queue.length < MOST_PIECES);
    return data.length;
  }

  /** Passes the end on, once, and as late as data would be; after a hang, not at all. */
  async closeWrite(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    this.#put(new Uint8Array(0));
    await this.#settled(() => !this.#busy);
    if (this.#passed < (this.#values.hang ?? Infinity)) await this.#to.closeWrite();
  }

  /** Lets go of what waits: the connection is over. */
  stop(): void {
    this.#failure ??= { error: new Deno.errors.Interrupted("closed") };
    clearTimeout(this.#timer);
    this.#endPause();
    this.#wake();
  }

  /** What is under way on a line of this rate and delay, in bytes. */
  #capacity(): number {
    const { latency = 0, jitter = 0, rate = Infinity } = this.#values;
    const delay = latency + jitter;
    return delay === 0 ? 0 : Math.min(MOST_DELAYED, rate * delay / 1000);
  }

  #put(data: Uint8Array): void {
    const { latency = 0, jitter = 0 } = this.#values;
    const due = Date.now() + latency + jitter * randomAt(this.#seed, this.#pieces++);
    this.#lastDue = Math.max(this.#lastDue, due);
    this.#queue.push({ due: this.#lastDue, data });
    this.#queued += data.length;
    if (!this.#busy) this.#drain();
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    const { rate = Infinity, slice = Infinity } = this.#values;
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
        let rest = next.data;
        do {
          await this.#until(Math.max(next.due, this.#free));
          const part = rest.subarray(0, slice);
          await writeAll(this.#to, part);
          this.#free = Math.max(Date.now(), this.#free) + part.length / rate * 1000;
          rest = rest.subarray(part.length);
          this.#queued -= part.length;
          this.#wake();
        } while (rest.length > 0);
      }
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      this.#busy = false;
      this.#wake();
    }
  }

  /** Resolves at the time `due`, in milliseconds since 1970; a slice has to wait in any case. */
  async #until(due: number): Promise<void> {
    const wait = Math.max(due - Date.now(), this.#values.slice === undefined ? 0 : SLICE_GAP);
    if (wait > 0) {
      await new Promise<void>((resolve) => {
        this.#endPause = resolve;
        this.#timer = setTimeout(resolve, wait);
      });
      this.#timer = undefined;
    }
    if (this.#failure) throw this.#failure.error;
  }

  /** Waits for `ready`. Throws what the connection failed with. */
  async #settled(ready: () => boolean): Promise<void> {
    while (!ready() && !this.#failure) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    if (this.#failure) throw this.#failure.error;
  }
}
