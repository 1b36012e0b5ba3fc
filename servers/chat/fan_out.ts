/**
 * Sends what one person says to everybody else. What comes in one turn of the
 * event loop leaves together: it is joined once, and each listener gets it in
 * one write. Nobody waits for a listener: who falls too far behind is let go.
 */
import { Deadline } from "../../tools/net/deadline.ts";
import { concat } from "../../tools/protocol/bytes.ts";

/**
 * How many bytes may still wait for a listener when more come, beside what the
 * system holds for it: some 10,000 lines, and little enough to keep for hundreds.
 */
export const MOST_QUEUED = 1 << 20;

/** Above this a listener counts as behind. */
const BEHIND = MOST_QUEUED / 4;

/** How long a talker waits for listeners who are behind, in milliseconds: those who never read must not stop it. */
const LONGEST_RELIEF = 100;

/** Where a listener's bytes go: a Writer, or a test's. */
export interface Outlet {
  /** Takes `data`, which stays unchanged, and does not wait. */
  send(data: Uint8Array): void;
  /** Bytes that are not yet with the system. */
  readonly queued: number;
  /** Resolves when there are none. */
  flush(): Promise<void>;
}

/** Somebody who hears the others. */
export interface Listener {
  readonly out: Outlet;
  /** Called when so much waits for it that it must be removed. */
  tooSlow(): void;
}

/** Something to send: to everybody, to everybody but one, or to one. */
interface Entry {
  data: Uint8Array;
  except?: Listener | undefined;
  only?: Listener;
}

/** The listeners of a room, and what is on its way to them. */
export class FanOut {
  readonly #listeners = new Set<Listener>();
  readonly #behind = new Set<Listener>();
  #batch: Entry[] = [];
  /** Those who do not get the batch as the others do, and where in it theirs begins. */
  #apart = new Map<Listener, number>();
  #relief = Promise.withResolvers<void>();

  /** Adds a listener, who hears what is sent from now on. */
  add(listener: Listener): void {
    this.#listeners.add(listener);
    this.#apart.set(listener, this.#batch.length);
  }

  /** Removes a listener, after sending it what was meant for it, and `last`. */
  remove(listener: Listener, last: Uint8Array): void {
    if (!this.#listeners.delete(listener)) return;
    const data = partFor(listener, this.#batch.slice(this.#apart.get(listener)));
    listener.out.send(concat([data, last]));
    this.#apart.delete(listener);
    this.#behind.delete(listener);
    this.#relieve();
  }

  /** Sends `data` to everybody, but not to `except`. */
  toAll(data: Uint8Array, except?: Listener): void {
    this.#put({ data, except }, except);
  }

  /** Sends `data` to one listener. */
  toOne(listener: Listener, data: Uint8Array): void {
    this.#put({ data, only: listener }, listener);
  }

  /**
   * Resolves when a talker may go on: at once, unless half of the listeners are
   * behind, so that it is the room as a whole that cannot take more.
   */
  async relief(): Promise<void> {
    if (!this.#crowded) return;
    const { promise, resolve } = this.#relief;
    using _deadline = new Deadline(LONGEST_RELIEF, resolve);
    await promise;
  }

  get #crowded(): boolean {
    return this.#behind.size > 0 && 2 * this.#behind.size >= this.#listeners.size;
  }

  #relieve(): void {
    if (this.#crowded) return;
    this.#relief.resolve();
    this.#relief = Promise.withResolvers();
  }

  #put(entry: Entry, apart: Listener | undefined): void {
    if (apart && !this.#apart.has(apart)) this.#apart.set(apart, 0);
    if (this.#batch.length === 0) queueMicrotask(() => this.#flush());
    this.#batch.push(entry);
  }

  #flush(): void {
    const [batch, apart] = [this.#batch, this.#apart];
    this.#batch = [];
    this.#apart = new Map();
    const whole = concat(batch.flatMap(({ data, only }) => only ? [] : [data]));
    for (const listener of this.#listeners) {
      const from = apart.get(listener);
      const data = from === undefined ? whole : partFor(listener, batch.slice(from));
      if (data.length === 0) continue;
      // What comes in this turn does not count: however much it is, nobody had time to read it.
      if (listener.out.queued > MOST_QUEUED) listener.tooSlow();
      else this.#send(listener, data);
    }
  }

  #send(listener: Listener, data: Uint8Array): void {
    listener.out.send(data);
    if (listener.out.queued <= BEHIND || this.#behind.has(listener)) return;
    this.#behind.add(listener);
    const caughtUp = (): void => {
      if (this.#behind.delete(listener)) this.#relieve();
    };
    listener.out.flush().then(caughtUp, caughtUp);
  }
}

/** What of `batch` is meant for `listener`. */
function partFor(listener: Listener, batch: Entry[]): Uint8Array {
  return concat(
    batch.flatMap(({ data, except, only }) =>
      except === listener || (only && only !== listener) ? [] : [data]
    ),
  );
}
