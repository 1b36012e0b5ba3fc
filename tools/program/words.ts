/** The words of a command line at the prompt. */

/** One word. */
export interface Word {
  /** Without its quotes and backslashes. */
  text: string;
  /** As a pattern for names: what was quoted stands for itself. */
  pattern: string;
  /** Where it begins in the line. */
  start: number;
}

/** What a line holds. */
export interface Line {
  words: Word[];
  /** The quote that is open at its end. */
  open: string;
}

/** Splits a line at its blanks. Blanks in a word stand in quotes, single or double, or after a backslash. */
export function splitWords(line: string): Line {
  const words: Word[] = [];
  let word: Word | undefined;
  let quote = "";
  for (let i = 0; i < line.length; i++) {
    const char = line.charAt(i);
    if (quote === "" && /\s/.test(char)) {
      word = undefined;
      continue;
    }
    if (word === undefined) words.push(word = { text: "", pattern: "", start: i });
    if (char === quote) quote = "";
    else if (quote === "" && /["']/.test(char)) quote = char;
    else {
      const escaped = char === "\\" && quote !== "'" && i + 1 < line.length;
      const plain = escaped ? line.charAt(++i) : char;
      word.text += plain;
      word.pattern += escaped || quote !== "" ? literal(plain) : plain;
    }
  }
  return { words, open: quote };
}

function literal(char: string): string {
  return /[*?[\]\\]/.test(char) ? `\\${char}` : char;
}

/** `text` as it is typed in one word; `quote` is the quote that it begins with, if any. */
export function quoteWord(text: string, quote = ""): string {
  if (quote === "'") return `'${text}'`;
  if (quote === '"') return `"${text.replace(/["\\]/g, "\\$&")}"`;
  return text.replace(/[\s"'\\*?[\]]/g, "\\$&");
}
