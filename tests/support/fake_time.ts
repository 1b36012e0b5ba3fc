/** A clock that a test moves by hand. */
import fakeTimers from "@sinonjs/fake-timers";

/** Replaces Date, setTimeout and their kin until disposed of. */
export class FakeTime implements Disposable {
  readonly #clock: ReturnType<typeof fakeTimers.install>;

  constructor(now: number | Date = 0) {
    this.#clock = fakeTimers.install({ now });
  }

  /** Lets time pass, runs the timers that fall due, and what awaits them. */
  async tick(milliseconds: number): Promise<void> {
    await this.#clock.tickAsync(milliseconds);
  }

  [Symbol.dispose](): void {
    this.#clock.uninstall();
  }
}
