/** The dialogue on standard error that `-v` asks for. */
import { say } from "./terminal.ts";
import { visible } from "../protocol/text.ts";

/** Shows lines of a conversation, or nothing when `shown` is false. Mask what is secret before. */
export class Trace {
  constructor(readonly shown: boolean) {}

  /** A line we sent. */
  sent(line: string): void {
    this.#line(">", line);
  }

  /** A line the peer sent. */
  received(line: string): void {
    this.#line("<", line);
  }

  /** What we think of it. */
  note(line: string): void {
    this.#line("*", line);
  }

  #line(mark: string, line: string): void {
    if (this.shown) say(`${mark} ${visible(line)}`.trimEnd());
  }
}
