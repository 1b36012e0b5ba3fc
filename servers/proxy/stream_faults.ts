/** The faults of one direction of one connection: late, slow, in pieces, or not at all. */
import type { ByteStream } from "../../tools/net/stream.ts";
import { writeAll } from "../../tools/net/writer.ts";
import { befalls, type Fault, type FaultKind } from "../../tools/protocol/fault.ts";
import { randomAt } from "../../tools/protocol/random.ts";
import type { Direction } from "../../tools/protocol/synthetic_tcp.ts";

/** A fault that ends the connection has come. */
export class Cut extends Error {
  override name = "Cut";

  constructor(readonly kind: "limit" | "reset") {
    super(kind);
  }
}

/** What may wait for its time in one direction, in bytes; beyond it the sender waits. */
export const MOST_DELAYED = 4 << 20;
/** And in pieces, since small ones take more than their bytes. */
export const MOST_PIECES = 16_384;
// A rate is kept in steps: so many a second.
const STEPS = 20;

type Values = Partial<Record<FaultKind, number>>;
type Source = Pick<ByteStream, "read">;
type Target = Pick<ByteStream, "write" | "closeWrite">;

/** What befalls the direction of connection `number` that goes from `from` to `to`; undefined if nothing does. */
export function streamFaults(
  faults: Fault[],
  number: number,
  direction: Direction,
  from: Source,
  to: Target,
): StreamFaults | undefined {
  const own = faults.filter((fault) => befalls(fault, direction, number));
  if (own.length === 0) return undefined;
  const values: Values = Object.fromEntries(own.map(({ kind, value }) => [kind, value]));
  return new StreamFaults(values, from, to, 2 * number + (direction === "up" ? 0 : 1));
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

  /** Reads what may pass now. Before a reset that is only what shows that it is due: closing with the rest unread resets. */
  async read(buffer: Uint8Array): Promise<number | null> {
    const { rate = Infinity, reset = Infinity } = this.#values;
    const most = Math.min(Math.max(1, rate / STEPS), reset - this.#passed + 1);
    return await this.#from.read(buffer.subarray(0, most));
  }

  /** Takes all of `data`, and copies it. Waits while the line is full. Throws Cut, and what the connection failed with. */
  async write(data: Uint8Array): Promise<number> {
    const { limit = Infinity, reset = Infinity, hang = Infinity } = this.#values;
    const end = Math.min(limit, reset, hang);
    const rest = data.subarray(0, Math.max(0, end - this.#passed));
    this.#passed += data.length;
    if (rest.length > 0) this.#put(rest.slice());
    if (this.#passed > end && end !== hang) {
      await this.#settled(() => !this.#busy);
      if (end !== reset) await this.#to.closeWrite();
      throw new Cut(end === reset ? "reset" : "limit");
    }
    const capacity = this.#capacity();
    await this.#settled(() => this.#queued <= capacity && this.#queue.length < MOST_PIECES);
    return data.length;
  }

  /** Passes the end on, as late as data would be; after a hang, not at all. */
  async closeWrite(): Promise<void> {
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

  /** Resolves at the time `due`, in milliseconds since 1970; for slices in a later turn at least, so that they stay apart. */
  async #until(due: number): Promise<void> {
    const wait = due - Date.now();
    if (wait > 0 || this.#values.slice !== undefined) {
      await new Promise<void>((resolve) => {
        this.#endPause = resolve;
        this.#timer = setTimeout(resolve, Math.max(0, wait));
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
