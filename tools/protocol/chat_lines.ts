/** Lines of a chat, cut from what arrives: piece by piece, LF or CRLF at the end. */

const CR = 13;
const LF = 10;
const NOTHING = new Uint8Array(0);

/**
 * Cuts a stream into lines. Of a line longer than `longest` bytes the rest is
 * thrown away, so that one without an end takes constant memory.
 */
export class LineCutter {
  readonly #longest: number;
  /** The line under way; nothing between lines, since many people just listen. */
  #held = NOTHING;
  #length = 0;

  constructor(longest: number) {
    this.#longest = longest;
  }

  /** Whether the line under way is as long as it may be: what comes before its end is thrown away. */
  get full(): boolean {
    return this.#length === this.#longest;
  }

  /** The lines that `data` completes, without their ends. Each is valid until the next is asked for. */
  *lines(data: Uint8Array): Generator<Uint8Array> {
    let start = 0;
    for (let end = data.indexOf(LF); end >= 0; end = data.indexOf(LF, start)) {
      if (this.#length === 0) {
        const stop = end > start && data[end - 1] === CR ? end - 1 : end;
        yield data.subarray(start, Math.min(stop, start + this.#longest));
      } else {
        this.#hold(data.subarray(start, end));
        yield this.end();
      }
      start = end + 1;
    }
    this.#hold(data.subarray(start));
  }

  /** The line under way, empty when there is none; it begins anew. */
  end(): Uint8Array {
    const line = this.#held.subarray(0, this.#length);
    this.#held = NOTHING;
    this.#length = 0;
    return line.at(-1) === CR ? line.subarray(0, -1) : line;
  }

  #hold(part: Uint8Array): void {
    const taken = part.subarray(0, this.#longest - this.#length);
    const length = this.#length + taken.length;
    if (length > this.#held.length) {
      // Twice the size each time: a line that comes byte by byte is not copied for each of them.
      const larger = new Uint8Array(Math.min(this.#longest, 2 * length));
      larger.set(this.#held.subarray(0, this.#length));
      this.#held = larger;
    }
    this.#held.set(taken, this.#length);
    this.#length = length;
  }
}
