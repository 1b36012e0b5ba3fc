/**
 * The file of `--map`, which gives files other names: a rule on each line, a
 * regular expression and what it is replaced by. The first that matches counts.
 *
 *     # phones ask for SEP001122334455.cnf.xml
 *     ^SEP([0-9A-F]{12})  phones/$1
 *     ^network-confg$     cisco/{ip}.cfg
 */

/** A rule: names that `pattern` matches have that part replaced. */
export interface MapRule {
  pattern: RegExp;
  /** As `String.replace` takes it: `$1` is the first group; `{ip}` is the client's address. */
  replacement: string;
}

/**
 * Reads the rules. Names in lower case match whatever the case of the pattern. A
 * \ on the right is a /. Throws RangeError that names the line.
 */
export function parseMap(text: string, lowerCase = false): MapRule[] {
  const flags = lowerCase ? "iu" : "u";
  return text.split(/\r?\n/).flatMap((line, i) => {
    const [pattern, replacement, ...more] = line.trim().split(/\s+/);
    if (!pattern || pattern.startsWith("#")) return [];
    if (replacement === undefined || more.length > 0) {
      throw new RangeError(`line ${i + 1}: give a pattern and a replacement (a blank is \\s)`);
    }
    try {
      return [{
        pattern: new RegExp(pattern, flags),
        replacement: replacement.replaceAll("\\", "/"),
      }];
    } catch {
      throw new RangeError(`line ${i + 1}: ${pattern} is no regular expression`);
    }
  });
}

/** Longer names are left as they are: patterns can take a time that grows by the cube of the length. */
export const LONGEST_MAPPED = 255;

/** The name that `rules` make of `name` for the client at `address`. */
export function remap(rules: readonly MapRule[], name: string, address: string): string {
  if (name.length > LONGEST_MAPPED) return name;
  const rule = rules.find(({ pattern }) => pattern.test(name));
  return rule ? name.replace(rule.pattern, rule.replacement.replaceAll("{ip}", address)) : name;
}
