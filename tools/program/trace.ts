/** The dialogue on standard error that `-v` asks for. */
import { say } from "./terminal.ts";
import { visible } from "../protocol/text.ts";

/** Shows lines of a conversation. Mask what is secret before. */
export class Trace {
  /** Whether they are shown: this may change on the way. */
  shown: boolean;

  constructor(shown: boolean) {
    this.shown = shown;
  }

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
