/**
 * The log of a server, on standard error, through a queue: a stalled terminal
 * or pipe never stops the server.
 */
import { UNSAFE, visible } from "../protocol/text.ts";
import { BoundedOutput } from "./output.ts";
import { writeSome } from "./terminal.ts";

/** The forms of the log. */
export type LogForm = "text" | "json";

/** What happened, in words and figures. Values from a peer may be given as they are: they are escaped here. */
export type Fields = Record<string, string | number | boolean | undefined>;

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
  readonly #output: BoundedOutput;

  constructor(options: LogOptions) {
    this.#options = options;
    this.#output = new BoundedOutput(
      options.write ?? ((bytes) => writeSome(Deno.stderr, bytes)),
      (lost) => `${options.name}: ${lost} log lines were lost, as nobody was reading\n`,
    );
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
    await this.#output.flush();
  }

  #put(line: string): void {
    this.#output.put(`${line}\n`);
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
