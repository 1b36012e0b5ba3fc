/**
 * Sends what one person says to everybody else. What comes in one turn of the
 * event loop leaves together: it is joined once, and each listener gets it in
 * one write. Nobody waits for a listener: who falls too far behind is let go.
 */
import { Deadline } from "../../tools/net/deadline.ts";

/**
 * How many bytes may still wait for a listener when more come, beside what the
 * system holds for it: some 10,000 lines, and little enough to keep for hundreds.
 */
export const MOST_QUEUED = 1 << 20;

/** Above this a listener counts as behind. */
const BEHIND = MOST_QUEUED / 4;

/** How long a talker waits for those who are behind, in milliseconds. Those who are so even then are not waited for again. */
const LONGEST_RELIEF = 250;

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

/** A line to send: to everybody, to everybody but one, or to one. */
interface Entry<Line> {
  line: Line;
  except?: Listener | undefined;
  only?: Listener;
}

/** The listeners of a room, and what is on its way to them. */
export class FanOut<Line> {
  readonly #join: (lines: Line[]) => Uint8Array;
  readonly #listeners = new Set<Listener>();
  /** Those who are behind, and for whom talkers wait. */
  readonly #behind = new Set<Listener>();
  /** Those who were waited for in vain. */
  readonly #stuck = new Set<Listener>();
  #batch: Entry<Line>[] = [];
  /** Those who do not get the batch as the others do, and where in it theirs begins. */
  #apart = new Map<Listener, number>();
  #relief = Promise.withResolvers<void>();

  /** `join` makes the bytes of so many lines; it is called once for all who hear the same. */
  constructor(join: (lines: Line[]) => Uint8Array) {
    this.#join = join;
  }

  /** Adds a listener, who hears what is sent from now on. */
  add(listener: Listener): void {
    this.#listeners.add(listener);
    if (this.#batch.length > 0) this.#apart.set(listener, this.#batch.length);
  }

  /** Removes a listener, after sending it what was meant for it, and the lines `last`. */
  remove(listener: Listener, last: Line[]): void {
    if (!this.#listeners.delete(listener)) return;
    const lines = partFor(listener, this.#batch.slice(this.#apart.get(listener)));
    listener.out.send(this.#join([...lines, ...last]));
    this.#caughtUp(listener);
  }

  /** Sends `line` to everybody, but not to `except`. */
  toAll(line: Line, except?: Listener): void {
    this.#put({ line, except }, except);
  }

  /** Sends `line` to one listener. */
  toOne(listener: Listener, line: Line): void {
    this.#put({ line, only: listener }, listener);
  }

  /**
   * Resolves when a talker who has much to say may go on: when nobody is behind
   * but those who do not get on. So the talk is as fast as all can read it, and
   * somebody who stops reading is waited for once.
   */
  async relief(): Promise<void> {
    if (this.#behind.size === 0) return;
    using _deadline = new Deadline(LONGEST_RELIEF, () => {
      for (const listener of this.#behind) this.#stuck.add(listener);
      this.#behind.clear();
      this.#resume();
    });
    await this.#relief.promise;
  }

  #resume(): void {
    this.#relief.resolve();
    this.#relief = Promise.withResolvers();
  }

  #caughtUp(listener: Listener): void {
    this.#stuck.delete(listener);
    if (this.#behind.delete(listener) && this.#behind.size === 0) this.#resume();
  }

  #put(entry: Entry<Line>, apart: Listener | undefined): void {
    if (apart && !this.#apart.has(apart)) this.#apart.set(apart, 0);
    if (this.#batch.length === 0) queueMicrotask(() => this.#flush());
    this.#batch.push(entry);
  }

  #flush(): void {
    const [batch, apart] = [this.#batch, this.#apart];
    this.#batch = [];
    this.#apart = new Map();
    const whole = this.#join(partFor(undefined, batch));
    for (const listener of this.#listeners) {
      const from = apart.get(listener);
      const data = from === undefined ? whole : this.#join(partFor(listener, batch.slice(from)));
      if (data.length === 0) continue;
      // What comes in this turn does not count: however much it is, nobody had time to read it.
      if (listener.out.queued > MOST_QUEUED) listener.tooSlow();
      else this.#send(listener, data);
    }
  }

  #send(listener: Listener, data: Uint8Array): void {
    listener.out.send(data);
    if (listener.out.queued <= BEHIND) return;
    if (this.#behind.has(listener) || this.#stuck.has(listener)) return;
    this.#behind.add(listener);
    const caughtUp = (): void => this.#caughtUp(listener);
    listener.out.flush().then(caughtUp, caughtUp);
  }
}

/** The lines of `batch` that are meant for `listener`; for all who are not apart without one. */
function partFor<Line>(listener: Listener | undefined, batch: Entry<Line>[]): Line[] {
  return batch
    .filter(({ except, only }) => (!except || except !== listener) && (!only || only === listener))
    .map(({ line }) => line);
}
