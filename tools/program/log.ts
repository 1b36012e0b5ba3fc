/**
 * The log of a server, on standard error. A line is put in a queue and the
 * queue is written when standard error takes it, so that a stalled terminal or
 * pipe never stops the server; what does not fit in the queue is counted.
 */
import { UNSAFE, visible } from "../protocol/text.ts";

/** The forms of the log. */
export type LogForm = "text" | "json";

/** What happened, in words and figures. Values from a peer may be given as they are: they are escaped here. */
export type Fields = Record<string, string | number | boolean | undefined>;

// Some 10,000 lines: enough for a burst, little enough to hold while nobody reads.
const LONGEST_QUEUE = 1 << 20;

/** How a log is set up. */
export interface LogOptions {
  /** The server's name at the head of each line. */
  name: string;
  form: LogForm;
  /** Only what `say` says. */
  quiet: boolean;
  /** Where the bytes go; standard error unless a test says otherwise. */
  write?: (bytes: Uint8Array) => Promise<number>;
  /** The time of a line. */
  now?: () => Date;
}

/** A server's log. */
export class Log {
  readonly #options: LogOptions;
  readonly #write: (bytes: Uint8Array) => Promise<number>;
  readonly #encoder = new TextEncoder();
  #queue = "";
  #dropped = 0;
  #busy = false;
  #drained = Promise.resolve();

  constructor(options: LogOptions) {
    this.#options = options;
    this.#write = options.write ?? ((bytes) => Deno.stderr.write(bytes));
  }

  /** Records an event. `text` is the line in the field's own form; without it the fields are listed. */
  event(event: string, fields: Fields, text?: string): void {
    if (this.#options.quiet) return;
    const time = (this.#options.now?.() ?? new Date()).toISOString();
    const { name, form } = this.#options;
    this.#put(
      form === "json"
        ? jsonLine({ time, server: name, event, ...fields })
        : visible(text ?? `${time} ${name}: ${event}${list(fields)}`),
    );
  }

  /** A line for the person who started the server, in both forms and even when quiet. */
  say(message: string): void {
    this.#put(`${this.#options.name}: ${visible(message)}`);
  }

  /** Resolves when everything that was logged is written. */
  async flush(): Promise<void> {
    while (this.#busy) await this.#drained;
  }

  #put(line: string): void {
    if (this.#queue.length + line.length > LONGEST_QUEUE) {
      this.#dropped++;
      return;
    }
    this.#queue += `${line}\n`;
    if (!this.#busy) this.#drained = this.#drain();
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    try {
      while (this.#queue !== "") {
        let bytes = this.#encoder.encode(this.#queue);
        this.#queue = "";
        while (bytes.length > 0) {
          bytes = bytes.subarray(await this.#write(bytes));
        }
        if (this.#dropped > 0) {
          this.#queue += `${this.#options.name}: ${this.#dropped} log lines were lost, ` +
            `as nobody was reading\n`;
          this.#dropped = 0;
        }
      }
    } catch {
      // Standard error is closed: there is nobody left to tell.
      this.#queue = "";
    } finally {
      this.#busy = false;
    }
  }
}

function list(fields: Fields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${/[\s"=]/.test(`${value}`) ? JSON.stringify(value) : value}`)
    .join("");
}

/** JSON escapes some control characters itself; the rest of what can steer a terminal is escaped likewise. */
function jsonLine(fields: Fields): string {
  return JSON.stringify(fields).replace(
    UNSAFE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
