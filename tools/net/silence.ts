/** A limit on how long a peer may be silent. */
import { closeQuietly } from "./errors.ts";
import { Deadline } from "./deadline.ts";
import type { ByteStream } from "./stream.ts";

/** A socket that is ready answers within two turns of the microtask queue. */
const READY = 3;

/**
 * `stream`, closed when it is waited for and no byte moves in either direction
 * for `timeout` milliseconds; what is pending then rejects with
 * Deno.errors.TimedOut, and so does what comes later.
 */
export function limitSilence(stream: ByteStream, timeout: number): ByteStream {
  let waiting = 0;
  let deadline: Deadline | undefined;
  let expired = false;
  const expire = (): void => {
    expired = true;
    closeQuietly(stream);
  };
  const guard = async <T>(work: Promise<T>): Promise<T> => {
    let over = false;
    const done = (): void => void (over = true);
    work.then(done, done);
    waiting++;
    try {
      // A timer for each read and write would cost a fast transfer a tenth of its speed.
      for (let i = 0; i < READY && !over; i++) await undefined;
      if (!over) deadline ??= new Deadline(timeout, expire);
      return await work;
    } catch (error) {
      throw expired ? new Deno.errors.TimedOut("no answer in time") : error;
    } finally {
      deadline?.extend();
      if (--waiting === 0) {
        deadline?.[Symbol.dispose]();
        deadline = undefined;
      }
    }
  };
  return {
    read: (buffer) => guard(stream.read(buffer)),
    write: (data) => guard(stream.write(data)),
    closeWrite: () => guard(stream.closeWrite()),
    close: () => closeQuietly(stream),
  };
}
