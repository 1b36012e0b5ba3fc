/** Where the body goes: standard output, or a file that a later run can complete. */
import { EXIT, Failure, fileFailure } from "../../tools/program/failure.ts";
import { startProgress } from "../../tools/program/progress.ts";
import { onStop } from "../../tools/program/signals.ts";
import { say, writeOut } from "../../tools/program/terminal.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import type { Fields } from "../../tools/protocol/http_fields.ts";
import { contentRange, type ResponseHead } from "../../tools/protocol/http_response.ts";

/** A body that may not grow beyond `limit` bytes. */
export interface LimitedBody {
  pieces: AsyncIterable<Uint8Array>;
  limit: number | undefined;
}

/** Writes a body to standard output. Throws Failure when it grows too large. */
export async function showBody(body: LimitedBody): Promise<void> {
  await copy(body, writeOut, () => {});
}

/** The file of `-o` and `-O`. It is made, or emptied, only once there is something to put into it. */
export class DownloadFile {
  #size = 0;
  #modified: Date | undefined;
  #written: number | undefined;

  private constructor(readonly path: string) {}

  /** For an error message: what the file has by now. */
  get remark(): string {
    return this.#written === undefined
      ? ""
      : `; ${this.path} has the first ${this.#written} bytes (-C - resumes)`;
  }

  /** Looks at what is there to `resume`. Throws Failure. */
  static async open(path: string, resume: boolean): Promise<DownloadFile> {
    const file = new DownloadFile(path);
    if (!resume) return file;
    try {
      const { size, mtime } = await Deno.stat(path);
      file.#size = size;
      file.#modified = mtime ?? undefined;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        throw fileFailure(path, error);
      }
    }
    return file;
  }

  /**
   * Asks for the rest of what is there. An unfinished file bears the server's
   * time of last change, so If-Range makes the server send everything when the
   * two do not match (RFC 9110 section 13.1.5).
   */
  askForRest(fields: Fields): void {
    if (this.#size === 0 || this.#modified === undefined) return;
    fields.set("Range", `bytes=${this.#size}-`);
    fields.set("If-Range", this.#modified.toUTCString());
  }

  /** Whether the server says that there is no rest (RFC 9110 section 15.5.17). */
  isComplete({ status, fields }: ResponseHead): boolean {
    return status === 416 && this.#size > 0 &&
      contentRange(fields)?.size === this.#size;
  }

  /** Writes the body of a successful response. What has arrived stays in the file, whatever happens. Throws Failure. */
  async save(head: ResponseHead, body: LimitedBody, length: number | undefined): Promise<void> {
    const offset = this.#offset(head);
    const lastModified = strongLastModified(head.fields);
    using file = await this.#create(offset);
    this.#written = offset;
    const stamp = (): void => {
      if (lastModified) Deno.utimeSync(this.path, new Date(), lastModified);
    };
    using _signals = onStop(() => {
      stamp();
      say(`\nhttp: interrupted${this.remark}`);
      Deno.exit(EXIT.interrupted);
    });
    using progress = await startProgress(offset, length && offset + length);
    // A disk takes a write into memory, which is quicker than handing it to another thread. A FIFO or
    // a device may take its time, in which nothing else must stop.
    const { isFile } = await file.stat();
    const write = async (piece: Uint8Array): Promise<void> => {
      let rest = piece;
      try {
        while (rest.length > 0) {
          rest = rest.subarray(isFile ? file.writeSync(rest) : await file.write(rest));
        }
      } catch (error) {
        throw fileFailure(this.path, error);
      }
    };
    try {
      await copy(body, write, (total) => progress.update(this.#written = offset + total));
    } finally {
      stamp();
    }
  }

  /** Where in the file the body begins. Throws ProtocolError. */
  #offset({ status, fields }: ResponseHead): number {
    if (this.#size === 0 || status !== 206) {
      if (this.#size > 0) {
        say(`http: ${this.path}: has changed on the server: all of it again`);
      }
      return 0;
    }
    const start = contentRange(fields)?.start;
    if (start === this.#size) return start;
    throw new ProtocolError(
      `asked for the rest from byte ${this.#size}, got another part`,
    );
  }

  async #create(offset: number): Promise<Deno.FsFile> {
    try {
      const file = await Deno.open(this.path, {
        write: true,
        create: true,
        truncate: offset === 0,
      });
      await file.seek(offset, Deno.SeekMode.Start);
      return file;
    } catch (error) {
      throw fileFailure(this.path, error);
    }
  }
}

/**
 * The time of last change, if it can tell two versions apart: that takes a
 * server that says what time it was then (RFC 9110 section 8.8.2.2).
 */
function strongLastModified(fields: Fields): Date | undefined {
  const changed = Date.parse(fields.get("Last-Modified") ?? "");
  const sent = Date.parse(fields.get("Date") ?? "");
  return sent - changed >= 1000 ? new Date(changed) : undefined;
}

/** Hands each piece to `write` while the next one is awaited; `onTotal` hears how much is written. */
async function copy(
  { pieces, limit = Infinity }: LimitedBody,
  write: (piece: Uint8Array) => Promise<void>,
  onTotal: (total: number) => void,
): Promise<void> {
  let total = 0;
  let writing = Promise.resolve();
  try {
    for await (const piece of pieces) {
      await writing;
      onTotal(total);
      const part = piece.subarray(0, limit - total);
      total += part.length;
      writing = write(part);
      // It is awaited in a moment; until then a failure waits too.
      writing.catch(() => {});
      if (part.length < piece.length) {
        throw new Failure(EXIT.refused, `the body is larger than --max-filesize (${limit} bytes)`);
      }
    }
  } finally {
    // What arrived before a failure is kept too.
    await writing;
    onTotal(total);
  }
}
