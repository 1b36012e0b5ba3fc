/** Signals that ask a program to stop. */

const STOP: Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];

/**
 * Calls `stop` at each SIGINT or SIGTERM until disposed of. Register before
 * opening any socket: the first listener needs descriptors of its own.
 */
export function onStop(stop: (signal: Deno.Signal) => void): Disposable {
  const listeners = STOP.map((signal) => [signal, () => stop(signal)] as const);
  for (const [signal, listener] of listeners) {
    Deno.addSignalListener(signal, listener);
  }
  return {
    [Symbol.dispose](): void {
      for (const [signal, listener] of listeners) {
        Deno.removeSignalListener(signal, listener);
      }
    },
  };
}
