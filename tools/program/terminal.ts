/** Standard output and standard error. */
import { delay } from "@std/async/delay";
import { EXIT, Failure, fileFailure } from "./failure.ts";

/** Whoever read our standard output has gone away (`http ... | head`): a reason to end quietly. */
export class OutputClosed extends Failure {
  override name = "OutputClosed";

  constructor() {
    super(EXIT.ok, "standard output is closed");
  }
}

const encoder = new TextEncoder();

// In milliseconds: not seen by a person, and no load.
const NO_ROOM_PAUSE = 10;

/**
 * Writes some of `data`, and says how much. A terminal or pipe that another
 * program has made non-blocking, as ssh does, refuses when it is full instead of
 * waiting: then this waits.
 */
export async function writeSome(
  output: Pick<typeof Deno.stdout, "write">,
  data: Uint8Array,
): Promise<number> {
  for (;;) {
    try {
      return await output.write(data);
    } catch (error) {
      if (!(error instanceof Deno.errors.WouldBlock)) throw error;
      await delay(NO_ROOM_PAUSE);
    }
  }
}

/** Writes all of `data` to standard output, waiting while its reader is slow. Throws OutputClosed, or Failure when it cannot be written. */
export async function writeOut(data: Uint8Array | string): Promise<void> {
  let rest = typeof data === "string" ? encoder.encode(data) : data;
  try {
    while (rest.length > 0) rest = rest.subarray(await writeSome(Deno.stdout, rest));
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw new OutputClosed();
    throw fileFailure("standard output", error);
  }
}

/** Writes one line to standard error at once: for the few lines that must not be lost. */
export function say(line: string): void {
  mark(`${line}\n`);
}

/** As `say`, but no whole line. */
export function mark(text: string): void {
  let rest = encoder.encode(text);
  try {
    while (rest.length > 0) rest = rest.subarray(Deno.stderr.writeSync(rest));
  } catch {
    // Nobody reads standard error: there is nobody left to tell.
  }
}
