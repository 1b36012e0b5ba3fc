/** A terminal in memory: what stands on its screen after a program has written to it. */

// The sequences that node:readline writes: cursor up, down, right, left, to a column; clear a line, or all below.
// deno-lint-ignore no-control-regex
const SEQUENCE = /^\x1b\[(\d*)([ABCDGJK])/;

// deno-lint-ignore no-control-regex
const BEGUN = /^\x1b(\[\d*)?$/;

/** The screen, without end below and above. */
export class TerminalRows {
  readonly #columns: number;
  #rows: string[][] = [[]];
  #row = 0;
  #column = 0;
  /** The beginning of a sequence whose end has not come yet. */
  #begun = "";

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** The rows, without blanks at their ends; `|` is where the cursor stands. */
  get text(): string[] {
    return this.#rows.map((cells, row) => {
      const line = Array.from({ length: cells.length }, (_, i) => cells[i] ?? " ");
      if (row !== this.#row) return line.join("").trimEnd();
      while (line.length < this.#column) line.push(" ");
      line.splice(this.#column, 0, "|");
      return line.join("").trimEnd();
    });
  }

  /** Does what the program says. Throws at a sequence it does not know. */
  write(text: string): void {
    let rest = this.#begun + text;
    this.#begun = "";
    while (rest !== "") {
      if (BEGUN.test(rest)) {
        this.#begun = rest;
        return;
      }
      const [sequence, count, what] = SEQUENCE.exec(rest) ?? [];
      if (sequence !== undefined) {
        this.#obey(what ?? "", Number(count || (what === "J" || what === "K" ? 0 : 1)));
        rest = rest.slice(sequence.length);
        continue;
      }
      const char = rest.charAt(0);
      rest = rest.slice(1);
      if (char === "\x1b") throw new Error(`unknown sequence: ${JSON.stringify(char + rest)}`);
      if (char === "\r") this.#column = 0;
      else if (char === "\n") this.#to(this.#row + 1, 0);
      else this.#put(char);
    }
  }

  #put(char: string): void {
    // A character in the last column leaves the cursor there until the next one comes.
    if (this.#column === this.#columns) this.#to(this.#row + 1, 0);
    this.#line[this.#column++] = char;
  }

  get #line(): string[] {
    return this.#rows[this.#row] ??= [];
  }

  #to(row: number, column: number): void {
    this.#row = Math.max(0, row);
    this.#column = Math.max(0, Math.min(this.#columns - 1, column));
    while (this.#rows.length <= this.#row) this.#rows.push([]);
  }

  #obey(what: string, count: number): void {
    const [row, column] = [this.#row, this.#column];
    if (what === "A") this.#to(row - count, column);
    else if (what === "B") this.#to(row + count, column);
    else if (what === "C") this.#to(row, column + count);
    else if (what === "D") this.#to(row, column - count);
    else if (what === "G") this.#to(row, count - 1);
    else if (what === "J" && count === 0) {
      this.#line.length = Math.min(this.#line.length, column);
      this.#rows.length = row + 1;
    } else if (what === "K" && count === 0) this.#line.length = Math.min(this.#line.length, column);
    else if (what === "K" && count === 2) this.#line.length = 0;
    else throw new Error(`unknown sequence: ${count}${what}`);
  }
}
