/** Standard output and standard error. */
import { EXIT, Failure, fileFailure } from "./failure.ts";

/** Whoever read our standard output has gone away (`http ... | head`): a reason to end quietly. */
export class OutputClosed extends Failure {
  override name = "OutputClosed";

  constructor() {
    super(EXIT.ok, "standard output is closed");
  }
}

const encoder = new TextEncoder();

/** Writes all of `data` to standard output, waiting while its reader is slow. Throws OutputClosed, or Failure when it cannot be written. */
export async function writeOut(data: Uint8Array | string): Promise<void> {
  let rest = typeof data === "string" ? encoder.encode(data) : data;
  try {
    while (rest.length > 0) rest = rest.subarray(await Deno.stdout.write(rest));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed();
    throw fileFailure("standard output", error);
  }
}

/** Writes one line to standard error at once: for the few lines that must not be lost. */
export function say(line: string): void {
  let rest = encoder.encode(`${line}\n`);
  try {
    while (rest.length > 0) rest = rest.subarray(Deno.stderr.writeSync(rest));
  } catch {
    // Nobody reads standard error: there is nobody left to tell.
  }
}
