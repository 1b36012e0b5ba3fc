/** Patterns for names, as shells have them. */

/** What one place of a pattern stands for: any number of characters, or one that it takes. */
type Place = "any" | ((char: string) => boolean);

const SET = /\[!?[^][^\]]*\]/u;
const PIECES = new RegExp(`\\*+|\\?|${SET.source}|\\\\?[^]`, "gu");

/** Whether `pattern` stands for more than one name. */
export function isGlob(pattern: string): boolean {
  const bare = pattern.replace(/\\[^]/g, "");
  return /[*?]/.test(bare) || SET.test(bare);
}

/**
 * A test for names: `*` stands for any characters, `?` for one, `[a-z]` for one
 * of these, `[!a-z]` for one that is none of them; a backslash takes the next
 * character as it is. A name that begins with a dot is matched only by a
 * pattern that does. Takes no more steps than the lengths of both multiplied.
 */
export function globMatcher(pattern: string): (name: string) => boolean {
  const wanted = places(pattern);
  const seesHidden = /^\\?\./.test(pattern);
  return (name) => (seesHidden || !name.startsWith(".")) && matches(wanted, [...name]);
}

function matches(wanted: readonly Place[], name: readonly string[]): boolean {
  let [at, place] = [0, 0];
  // Where to go on when what follows the last `*` does not fit: it takes one character more.
  let [retryAt, retryPlace] = [0, -1];
  while (at < name.length) {
    const next = wanted[place];
    if (next === "any") {
      [retryAt, retryPlace] = [at, ++place];
    } else if (next?.(name[at] ?? "")) {
      at++;
      place++;
    } else if (retryPlace >= 0) {
      [at, place] = [++retryAt, retryPlace];
    } else return false;
  }
  return wanted.slice(place).every((rest) => rest === "any");
}

function places(pattern: string): Place[] {
  return (pattern.match(PIECES) ?? []).map((piece) => {
    if (piece.startsWith("*")) return "any";
    if (piece === "?") return () => true;
    if (SET.test(piece)) return oneOf(piece.slice(1, -1));
    const char = piece.length > 1 && piece.startsWith("\\") ? piece.slice(1) : piece;
    return (other) => other === char;
  });
}

function oneOf(set: string): (char: string) => boolean {
  const negated = set.length > 1 && set.startsWith("!");
  const ranges = (negated ? set.slice(1) : set).match(/[^]-[^]|[^]/gu) ?? [];
  return (char) =>
    negated !== ranges.some((range) => {
      const [first = "", dash, last = first] = range;
      return dash === undefined ? char === first : first <= char && char <= last;
    });
}
