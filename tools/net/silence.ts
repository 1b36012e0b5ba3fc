/** A limit on how long a peer may be silent. */
import { closeQuietly } from "./errors.ts";
import { Deadline } from "./deadline.ts";
import type { ByteStream } from "./stream.ts";

/**
 * `stream`, closed when it is waited for and no byte moves in either direction
 * for `timeout` milliseconds; what is pending then rejects with
 * Deno.errors.TimedOut.
 */
export function limitSilence(stream: ByteStream, timeout: number): ByteStream {
  let waiting = 0;
  let deadline: Deadline | undefined;
  let expired = false;
  const guard = async <T>(work: Promise<T>): Promise<T> => {
    waiting++;
    deadline ??= new Deadline(timeout, () => {
      expired = true;
      closeQuietly(stream);
    });
    try {
      return await work;
    } catch (error) {
      throw expired ? new Deno.errors.TimedOut("no answer in time") : error;
    } finally {
      deadline.extend();
      if (--waiting === 0) {
        deadline[Symbol.dispose]();
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
