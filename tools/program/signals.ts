/** Signals that ask a program to stop. */

const STOP: Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM"];

/** What SIGHUP does, as the first call of `onStop` found it. */
let hangup: "stops" | "is ignored" | "is not ours" | undefined;

/**
 * Calls `stop` at each SIGINT or SIGTERM until disposed of, and once at SIGHUP,
 * when the terminal is closed. Under nohup that goes on being ignored; where a
 * part of the program listens to it already, or the system tells nothing, it is
 * left alone. Register before opening any socket: the first listener needs
 * descriptors of its own.
 */
export function onStop(stop: (signal: Deno.Signal) => void): Disposable {
  hangup ??= readHangup();
  const listeners = STOP.map((signal): [Deno.Signal, () => void] => [signal, () => stop(signal)]);
  if (hangup !== "is not ours") {
    // Both the shell and the system may send it: the second time is no hurry.
    let isOver = hangup === "is ignored";
    listeners.push(["SIGHUP", () => {
      if (!isOver) stop("SIGHUP");
      isOver = true;
    }]);
  }
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

/** Deno's first listener, whichever it is, takes SIGHUP over and has it end what ignored it. Linux tells before. */
function readHangup(): NonNullable<typeof hangup> {
  const path = "/proc/self/status";
  // Deno gives it to a program with all permissions alone, and would ask the user for a lesser one.
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return "is not ours";
  try {
    const status = Deno.readTextFileSync(path);
    // Sets of signals in hexadecimal digits: the last bit is SIGHUP's.
    if (/^SigIgn:.*[13579bdf]$/m.test(status)) return "is ignored";
    return /^SigCgt:.*[02468ace]$/m.test(status) ? "stops" : "is not ours";
  } catch {
    return "is not ours";
  }
}
