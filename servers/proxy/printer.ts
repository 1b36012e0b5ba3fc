/** What passes through the proxy, on standard output, without ever holding it up. */
import type { Watcher } from "./relay.ts";
import { BoundedOutput } from "../../tools/program/output.ts";
import { writeSome } from "../../tools/program/terminal.ts";
import { hexDump } from "../../tools/protocol/hex_dump.ts";
import { escapedBytes } from "../../tools/protocol/text.ts";
import type { Direction } from "../../tools/protocol/synthetic_tcp.ts";

/** How bytes are shown. */
export type PrintForm = "text" | "hex";

const LF = 10;
const MARK: Record<Direction, string> = { up: ">", down: "<" };
// A line of text without an end, such as binary data, is shown in lines of so many bytes.
const LONGEST_LINE = 1024;
// And in hexadecimal so many under one head: what a read brings, unless much comes at once.
const LONGEST_DUMP = 16 * 1024;

/** Prints messages with time, connection, direction and peer. */
export class Printer {
  readonly #form: PrintForm;
  readonly #now: () => Date;
  readonly #output: BoundedOutput;
  readonly #closed = Promise.withResolvers<void>();

  constructor(
    form: PrintForm,
    write: (bytes: Uint8Array) => Promise<number> = (bytes) => writeSome(Deno.stdout, bytes),
    now: () => Date = () => new Date(),
  ) {
    this.#form = form;
    this.#now = now;
    this.#output = new BoundedOutput(
      async (bytes) => {
        try {
          return await write(bytes);
        } catch (error) {
          if (error instanceof Deno.errors.BrokenPipe) this.#closed.resolve();
          throw error;
        }
      },
      (lost) => `[${lost} bytes not shown]\n`,
    );
  }

  /** Resolves when what was printed found that its reader has gone away. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** What prints the bytes of connection `number`, whose client is `peer`. */
  connection(number: number, peer: string): Watcher {
    const offset: Record<Direction, number> = { up: 0, down: 0 };
    return {
      data: (direction, data): void => {
        this.show(number, direction, peer, data, offset[direction]);
        offset[direction] += data.length;
      },
      end: () => {},
      reset: () => {},
      ready: () => Promise.resolve(),
    };
  }

  /** Prints one message, or as much of it as there is room for. `offset` is where it stands in its stream. */
  show(number: number, direction: Direction, peer: string, data: Uint8Array, offset = 0): void {
    const head = `${clockTime(this.#now())} #${number} ${MARK[direction]} ${peer}`;
    let at = 0;
    do { // An empty datagram is a message too.
      if (this.#output.full) return this.#output.lose(data.length - at);
      const part = this.#form === "hex" ? data.subarray(at, at + LONGEST_DUMP) : lineAt(data, at);
      const text = this.#form === "hex"
        ? [`${part.length} bytes`, ...hexDump(part, offset + at)].join("\n  ")
        : escapedBytes(part);
      this.#output.put(`${head} ${text}\n`, part.length);
      at += part.length;
    } while (at < data.length);
  }

  /** Resolves when everything is printed, or nobody reads it. */
  async flush(): Promise<void> {
    await this.#output.flush();
  }
}

/** The line of `data` that begins at `at`, with its end. */
function lineAt(data: Uint8Array, at: number): Uint8Array {
  const line = data.subarray(at, at + LONGEST_LINE);
  const end = line.indexOf(LF);
  if (end >= 0) return line.subarray(0, end + 1);
  if (line.length < LONGEST_LINE) return line;
  // Not in the middle of a character: the bytes of UTF-8 that go on with one begin with the bits 10.
  let length = line.length;
  while (length > LONGEST_LINE - 3 && ((data[at + length] ?? 0) & 0xc0) === 0x80) length--;
  return line.subarray(0, length);
}

/** Local time to the millisecond: `17:37:43.120`. */
function clockTime(date: Date): string {
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, "0"));
  return `${hours}:${minutes}:${seconds}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
