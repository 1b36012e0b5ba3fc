/** Trying again, with sessions that are made again when they are lost. */
import { EXIT, Failure } from "../../tools/program/failure.ts";
import { visible } from "../../tools/protocol/text.ts";
import { blame } from "./blame.ts";
import type { FtpClient } from "./client.ts";

// Each wait is twice as long as the one before, up to a minute: a server that comes back is found soon.
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 60_000;

/** How long to wait before each further attempt, in milliseconds. */
export function* waits(): Generator<number, never> {
  for (let wait = FIRST_WAIT;; wait = Math.min(2 * wait, LONGEST_WAIT)) yield wait;
}

/** Whether what failed may go well later. */
export function isPassing(error: unknown): boolean {
  const { exitCode } = blame("", error);
  return exitCode === EXIT.unreachable || exitCode === EXIT.later;
}

/** How sessions are made. */
export interface SessionOptions {
  /** Makes a session that is logged in. */
  connect(): Promise<FtpClient>;
  /** How often to try again what fails for the time being. */
  retries: number;
  /** Waits so many milliseconds. */
  wait(milliseconds: number): Promise<void>;
  /** Hears why, and after how many milliseconds, something is tried again. */
  onRetry(reason: string, wait: number): void;
}

/** No session can be had; `cause` says why. */
export class NoSession extends Failure {
  override name = "NoSession";
}

/** A session that is made when it is needed, and again when it is lost. */
export class LastingSession {
  readonly #options: SessionOptions;
  #client: FtpClient | undefined;
  /** It has worked: if it is lost now, that may be for having been idle. */
  #isProven = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /**
   * Does `work` on `what`, or what is left of it after a failure that passes.
   * `position` says how far it is: what moves on is tried for as long as it does.
   * Throws NoSession, or what the work failed with.
   */
  async run(
    what: string,
    work: (client: FtpClient) => Promise<void>,
    position: () => number,
  ): Promise<void> {
    let best = position();
    let tries = 0;
    let pauses = waits();
    for (;;) {
      const client = await this.reach();
      try {
        await work(client);
        this.#isProven = true;
        return;
      } catch (error) {
        if (position() > best) {
          best = position();
          tries = 0;
          pauses = waits();
        }
        if (error instanceof NoSession) throw error;
        if (client.closed !== undefined && this.#isProven) {
          this.#isProven = false;
          continue;
        }
        if (!isPassing(error) || tries++ >= this.#options.retries) throw error;
        await this.#pause(blame(visible(what), error), pauses.next().value);
      }
    }
  }

  /** Whether there ever was one. */
  get wasMade(): boolean {
    return this.#client !== undefined;
  }

  /** The session. Throws NoSession. */
  async reach(retries = this.#options.retries): Promise<FtpClient> {
    if (this.#client && !this.#client.closed) return this.#client;
    let tries = 0;
    for (const wait of waits()) {
      try {
        return this.#client = await this.#options.connect();
      } catch (error) {
        const failure = blame("no session", error);
        if (!isPassing(error) || tries++ >= retries) {
          throw new NoSession(failure.exitCode, failure.message, { cause: error });
        }
        await this.#pause(failure, wait);
      }
    }
    throw new TypeError("the waits have an end");
  }

  /** Says goodbye. */
  async quit(): Promise<void> {
    await this.#client?.quit();
  }

  /** Closes at once. */
  close(): void {
    this.#client?.close();
  }

  async #pause({ message }: Failure, wait: number): Promise<void> {
    this.#options.onRetry(message, wait);
    await this.#options.wait(wait);
  }
}
