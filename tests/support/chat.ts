/** People in a chat room, without connections. */
import type { Outlet } from "../../servers/chat/fan_out.ts";
import { Log } from "../../tools/program/log.ts";
import { afterTurns } from "./turns.ts";

/** Where a listener's bytes go in a test: at once to `writes`, or nowhere while it is `held`. */
export class TestOutlet implements Outlet {
  writes: string[] = [];
  queued = 0;
  held = false;
  #drained = Promise.withResolvers<void>();

  send(data: Uint8Array): void {
    if (data.length === 0) return;
    this.writes.push(new TextDecoder().decode(data));
    if (this.held) this.queued += data.length;
  }

  flush(): Promise<void> {
    return this.queued === 0 ? Promise.resolve() : this.#drained.promise;
  }

  /** The reader takes all that waits for it. */
  release(): void {
    this.held = false;
    this.queued = 0;
    this.#drained.resolve();
    this.#drained = Promise.withResolvers();
  }

  /** What has come since this was asked last. */
  async heard(): Promise<string> {
    await turn();
    return this.writes.splice(0).join("");
  }
}

/** Lets what is under way in this turn of the event loop end. */
export async function turn(): Promise<void> {
  await afterTurns(20, () => {});
}

/** A log and what it holds. */
export function testLog(): { log: Log; text(): Promise<string> } {
  let text = "";
  const log = new Log({
    name: "chatd",
    form: "text",
    quiet: false,
    now: () => new Date(0),
    write: (bytes) => {
      text += new TextDecoder().decode(bytes);
      return Promise.resolve(bytes.length);
    },
  });
  return {
    log,
    async text(): Promise<string> {
      await log.flush();
      return text.replaceAll("1970-01-01T00:00:00.000Z chatd: ", "");
    },
  };
}
