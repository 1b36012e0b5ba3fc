/** The file of a download, which a later run can complete. */
import { EXIT, fileFailure } from "../../tools/program/failure.ts";
import { startProgress } from "../../tools/program/progress.ts";
import { onStop } from "../../tools/program/signals.ts";
import { say } from "../../tools/program/terminal.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import type { Fields } from "../../tools/protocol/http_fields.ts";
import { contentRange, type ResponseHead } from "../../tools/protocol/http_response.ts";
import { copy } from "./sink.ts";

/** The file of `-o` and `-O`. It is made, or emptied, only once there is something to put into it. */
export class DownloadFile {
  #size = 0;
  #modified: Date | undefined;
  #written: number | undefined;
  #canResume = false;

  private constructor(readonly path: string) {}

  /** For an error message: what the file has by now, and whether a later run can go on from there. */
  get remark(): string {
    if (this.#written === undefined) return "";
    const hint = this.#canResume ? " (-C - resumes)" : "";
    return `; ${this.path} has the first ${this.#written} bytes${hint}`;
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

  /**
   * Writes the body of a successful response, of `length` bytes if that is known. What has arrived
   * stays in the file, whatever happens. Throws Failure.
   */
  async save(
    head: ResponseHead,
    body: AsyncIterable<Uint8Array>,
    { length, coded }: { length: number | undefined; coded: boolean },
  ): Promise<void> {
    const offset = this.#offset(head);
    const lastModified = strongLastModified(head.fields);
    using file = await this.#create(offset);
    // A disk takes a write into memory, and /dev/null takes it nowhere: both are quicker than handing
    // it to another thread. A FIFO or a terminal may take its time, in which nothing else must stop.
    const { isFile, isCharDevice } = await file.stat();
    const isQuick = isFile || isCharDevice && !file.isTerminal();
    let written = offset;
    const count = (taken: number): void => {
      written += taken;
      if (isFile) this.#written = written;
    };
    count(0);
    this.#canResume = lastModified !== undefined && !coded && (head.status === 200 || offset > 0);
    const progress = await startProgress(offset, coded ? undefined : length && offset + length);
    const finish = (): void => {
      progress[Symbol.dispose]();
      if (lastModified && isFile) file.utimeSync(new Date(), lastModified);
    };
    using _signals = onStop(() => {
      finish();
      say(`http: interrupted${this.remark}`);
      Deno.exit(EXIT.interrupted);
    });
    try {
      await copy(body, async (piece) => {
        try {
          for (let rest = piece; rest.length > 0;) {
            const taken = isQuick ? file.writeSync(rest) : await file.write(rest);
            rest = rest.subarray(taken);
            count(taken);
          }
        } catch (error) {
          throw fileFailure(this.path, error);
        }
        progress.update(written);
      });
    } finally {
      finish();
    }
    // RFC 9110 section 15.3.7: a server may send less than it was asked for.
    const whole = offset > 0 ? contentRange(head.fields)?.size : undefined;
    if (whole !== undefined && written !== whole) {
      throw new ProtocolError(`the server sent a part that ends before byte ${whole}`);
    }
  }

  /** Where in the file the body begins. Throws ProtocolError. */
  #offset({ status, fields }: ResponseHead): number {
    if (this.#size === 0 || status !== 206) {
      if (this.#size > 0) {
        say(`http: ${this.path}: has changed, or the server has no ranges: all of it again`);
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
      // A FIFO has no places to go to.
      if (offset > 0) await file.seek(offset, Deno.SeekMode.Start);
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
