/** What went wrong, and with what. */
import { peerFailure } from "../../tools/net/errors.ts";
import { EXIT, Failure } from "../../tools/program/failure.ts";

/**
 * The Failure for work on `what` that ended in `error`: one line that names it,
 * or not when that is empty. `remark` goes to its end.
 */
export function blame(what: string, error: unknown, remark = ""): Failure {
  // The reader of our output is gone: nothing is to be said.
  if (error instanceof Failure && error.exitCode === EXIT.ok) return error;
  const { exitCode, message } = peerFailure(what, error);
  // A file is named by its own failure.
  const isNamed = !(error instanceof Failure) || exitCode === EXIT.file;
  const line = isNamed ? message : `${what}: ${message}`;
  return new Failure(
    // A name that cannot be sent.
    error instanceof RangeError ? EXIT.usage : exitCode,
    (what === "" ? line.replace(/^: /, "") : line) + remark,
    { cause: error },
  );
}
