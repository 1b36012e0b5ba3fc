/** One file, from the server into a local one or the other way, shown as it goes. */
import { peerFailure } from "../../tools/net/errors.ts";
import { EXIT, Failure } from "../../tools/program/failure.ts";
import { type Progress, startProgress } from "../../tools/program/progress.ts";
import { visible } from "../../tools/protocol/text.ts";
import type { TftpClient, TransferOptions, Transferred } from "./client.ts";
import type { Job } from "./command_line.ts";
import { openOrigin } from "./origin.ts";
import { openTarget } from "./target.ts";

/** What moving a file came to. */
export interface Moved extends Transferred {
  milliseconds: number;
}

/** Does `job`; a download that fails leaves nothing. Throws Failure: one line that says what failed, with whom. */
export async function moveFile(
  client: TftpClient,
  job: Job,
  signal?: AbortSignal,
): Promise<Moved> {
  const began = performance.now();
  try {
    const transferred = job.kind === "get"
      ? await fetch(client, job, signal)
      : await send(client, job, signal);
    return { ...transferred, milliseconds: performance.now() - began };
  } catch (error) {
    throw blame(client, job, error);
  }
}

async function fetch(
  client: TftpClient,
  { remote, local }: Job,
  signal: AbortSignal | undefined,
): Promise<Transferred> {
  const target = openTarget(local);
  try {
    using shown = new Shown(local !== "-" && !client.isTraced);
    return await client.get(remote, target, { signal, ...shown.hooks() });
  } finally {
    target.abort();
  }
}

async function send(
  client: TftpClient,
  { remote, local }: Job,
  signal: AbortSignal | undefined,
): Promise<Transferred> {
  using origin = await openOrigin(local, signal);
  using shown = new Shown(!client.isTraced);
  return await client.put(remote, origin, origin.size, { signal, ...shown.hooks(origin.size) });
}

// In milliseconds: more often than this nobody looks, and to draw for each block costs as much as the block.
const REDRAW = 100;

/** A transfer on the screen. */
class Shown implements Disposable {
  readonly #wanted: boolean;
  #progress: Progress | undefined;
  #bytes = 0;
  #drawnAt = -Infinity;

  /** There is no bar in the middle of the file itself, or of its packets. */
  constructor(wanted: boolean) {
    this.#wanted = wanted;
  }

  /** `size` is that of the file, where the server does not tell it. */
  hooks(size?: number): TransferOptions {
    if (!this.#wanted) return {};
    return {
      onStart: async (terms) => {
        this.#progress = await startProgress(0, terms.size ?? size);
      },
      onProgress: (bytes) => {
        this.#bytes = bytes;
        const now = performance.now();
        if (now < this.#drawnAt + REDRAW) return;
        this.#drawnAt = now;
        this.#progress?.update(bytes);
      },
    };
  }

  [Symbol.dispose](): void {
    if (this.#drawnAt > -Infinity) this.#progress?.update(this.#bytes);
    this.#progress?.[Symbol.dispose]();
  }
}

function blame({ peer }: TftpClient, { remote }: Job, error: unknown): Failure {
  // A local file is named by its own failure, and so is a reader of our output who is gone.
  if (error instanceof Failure && (error.exitCode === EXIT.file || error.exitCode === EXIT.ok)) {
    return error;
  }
  const name = visible(remote);
  if (error instanceof RangeError) return new Failure(EXIT.usage, `${name}: ${error.message}`);
  if (error instanceof Failure) {
    return new Failure(error.exitCode, `${peer}: ${name}: ${error.message}`, { cause: error });
  }
  return peerFailure(`${peer}: ${name}`, error);
}
