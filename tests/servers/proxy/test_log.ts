/** A log in memory. */
import type { FakeTime } from "../../support/fake_time.ts";
import { Log } from "../../../tools/program/log.ts";

/** A log whose lines a test can wait for. */
export interface TestLog {
  log: Log;
  text(): string;
  says(pattern: RegExp): Promise<void>;
}

/** Makes one. */
export function testLog(): TestLog {
  let text = "";
  let wake = (): void => {};
  return {
    log: new Log({
      name: "proxy",
      form: "text",
      quiet: false,
      write(bytes): Promise<number> {
        text += new TextDecoder().decode(bytes);
        wake();
        return Promise.resolve(bytes.length);
      },
    }),
    text: () => text,
    async says(pattern): Promise<void> {
      while (!pattern.test(text)) await new Promise<void>((resolve) => wake = resolve);
    },
  };
}

/** Lets time pass in steps of `step` milliseconds until the log says `pattern`. */
export async function passTime(
  time: FakeTime,
  step: number,
  log: TestLog,
  pattern: RegExp,
): Promise<RegExpExecArray> {
  for (;;) {
    const found = pattern.exec(log.text());
    if (found) return found;
    await time.tick(step);
  }
}
