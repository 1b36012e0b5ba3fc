/** A place for a recording, in memory. */
import { concat } from "../../tools/protocol/bytes.ts";
import type { Sink } from "../../tools/net/recording.ts";

/** A sink that takes all, or holds each write until it is let go. */
export interface MemorySink extends Sink {
  /** All that was written. */
  written(): Uint8Array;
  /** How many bytes each write brought. */
  writes: number[];
  closed: boolean;
  /** Ends the write that is held, `most` bytes of it, or with `error`. */
  release(most?: number): void;
  fail(error: Error): void;
}

/** `held`: a write ends only by `release`, `fail` or `close`. */
export function memorySink({ held = false } = {}): MemorySink {
  const parts: Uint8Array[] = [];
  let pending: { data: Uint8Array; done: PromiseWithResolvers<number> } | undefined;
  const take = (data: Uint8Array): number => {
    parts.push(data.slice());
    return data.length;
  };
  return {
    writes: [],
    closed: false,
    written: () => concat(parts),
    write(data): Promise<number> {
      this.writes.push(data.length);
      if (!held) return Promise.resolve(take(data));
      pending = { data, done: Promise.withResolvers() };
      return pending.done.promise;
    },
    release(most = Infinity): void {
      pending?.done.resolve(take(pending.data.subarray(0, most)));
    },
    fail(error): void {
      pending?.done.reject(error);
    },
    close(): void {
      this.closed = true;
      pending?.done.reject(new Deno.errors.Interrupted("closed"));
    },
  };
}
