/** What passes through the proxy, on standard output, without ever holding it up. */
import type { Watcher } from "./relay.ts";
import { BoundedOutput } from "../../tools/program/output.ts";
import { hexDump } from "../../tools/protocol/hex_dump.ts";
import { escapedBytes } from "../../tools/protocol/text.ts";
import type { Direction } from "../../tools/protocol/synthetic_tcp.ts";

/** How bytes are shown. */
export type PrintForm = "text" | "hex";

const LF = 10;
const MARK: Record<Direction, string> = { up: ">", down: "<" };
// A line without an end, such as binary data, is shown in lines of this many bytes.
const LONGEST_SHOWN = 1024;

/** Prints messages with time, connection, direction and peer. */
export class Printer {
  readonly #form: PrintForm;
  readonly #now: () => Date;
  readonly #output: BoundedOutput;

  constructor(
    form: PrintForm,
    write: (bytes: Uint8Array) => Promise<number> = (bytes) => Deno.stdout.write(bytes),
    now: () => Date = () => new Date(),
  ) {
    this.#form = form;
    this.#now = now;
    this.#output = new BoundedOutput(write, (lost) => `[${lost} bytes not shown]\n`);
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
  show(
    number: number,
    direction: Direction,
    peer: string,
    data: Uint8Array,
    offset = 0,
  ): void {
    const prefix = `${clockTime(this.#now())} #${number} ${MARK[direction]} ${peer}`;
    for (let at = 0; at < data.length;) {
      if (this.#output.full) return this.#output.lose(data.length - at);
      const line = this.#form === "hex" ? data.subarray(at, at + LONGEST_SHOWN) : lineAt(data, at);
      this.#output.put(
        this.#form === "hex"
          ? `${prefix} ${line.length} bytes\n  ${hexDump(line, offset + at).join("\n  ")}\n`
          : `${prefix} ${escapedBytes(line)}\n`,
        line.length,
      );
      at += line.length;
    }
  }

  /** Resolves when everything is printed. */
  async flush(): Promise<void> {
    await this.#output.flush();
  }
}

/** The line of `data` that begins at `at`, with its end. */
function lineAt(data: Uint8Array, at: number): Uint8Array {
  const piece = data.subarray(at, at + LONGEST_SHOWN);
  const end = piece.indexOf(LF);
  return end < 0 ? piece : piece.subarray(0, end + 1);
}

/** Local time to the millisecond: `17:37:43.120`. */
function clockTime(date: Date): string {
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, "0"));
  return `${hours}:${minutes}:${seconds}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
