/**
 * The command line, one table for each program. The table feeds the parser,
 * the refusals and `--help`.
 *
 * `parseArgs` of @std/cli collects the values; what it would misread is settled
 * first: `-ofile` and `-vI` (which it cuts into letters or values), a value that
 * is missing (which it makes ""), and names it does not know.
 */
import { parseArgs } from "@std/cli/parse-args";
import { UsageError } from "./failure.ts";
import { visible } from "../protocol/text.ts";
import { parseCount, parseDuration, parsePort, parseSize } from "../protocol/units.ts";

/** One option: how it is read and how help shows it. `T` is the type of its value. */
export interface Option<T> {
  help: string;
  /** One letter, for `-o`. */
  short?: string;
  /** The word for the value in help; a flag has none. */
  value?: string;
  /** Turns the words given, in order, into the value; none were given: `words` is empty. Throws RangeError. */
  read(words: string[]): T;
  /** How help shows the default. */
  shown?: string | undefined;
}

type Extra = { short?: string; shown?: string };

/** An option without a value. */
export function flag(help: string, extra: Extra = {}): Option<boolean> {
  return { help, ...extra, read: (words) => words.length > 0 };
}

/** An option with one value, read by `parse`; undefined when it is not given. The last one counts. */
export function value<T>(
  name: string,
  help: string,
  parse: (text: string) => T,
  extra: Extra = {},
): Option<T | undefined> {
  return {
    help,
    value: name,
    ...extra,
    read: (words) => words.length === 0 ? undefined : parse(words[words.length - 1] ?? ""),
  };
}

/** An option with one value that has a default, written as a user would type it. */
export function valueOr<T>(
  name: string,
  help: string,
  parse: (text: string) => T,
  standard: string,
  extra: Extra = {},
): Option<T> {
  return {
    help,
    value: name,
    shown: standard,
    ...extra,
    read: (words) => parse(words[words.length - 1] ?? standard),
  };
}

/** An option that may be given many times. */
export function list<T>(
  name: string,
  help: string,
  parse: (text: string) => T,
  extra: Extra = {},
): Option<T[]> {
  return { help, value: name, ...extra, read: (words) => words.map(parse) };
}

/** Text that must not be empty. Throws RangeError. */
export function text(word: string): string {
  if (word === "") throw new RangeError("the value is empty");
  return word;
}

/** A duration in milliseconds; see `parseDuration`. */
export const duration: (word: string) => number = parseDuration;
/** A size in bytes; see `parseSize`. */
export const size: (word: string) => number = parseSize;
/** A port from 1 to 65535, of a peer. */
export const port = (word: string): number => parsePort(word);
/** A port to listen on; 0 lets the system choose. */
export const listenPort = (word: string): number => parsePort(word, true);
/** A whole number of at least 1. */
export const count = (word: string): number => parseCount(word, 1);

/** The options of a program by their long names. */
export type Options = Record<string, Option<unknown>>;

/** The values of a table of options, by camelCase names: `max-redirs` is `maxRedirs`. */
export type Values<O extends Options> = {
  [Name in keyof O as Camel<Name & string>]: O[Name] extends Option<infer T> ? T
    : never;
};

type Camel<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<Camel<Tail>>}`
  : Name;

/** A command line that was understood. */
export interface Parsed<O extends Options> {
  options: Values<O>;
  /** The words that are not options. */
  words: string[];
}

/** Reads `args` by the table. Throws UsageError: one line that says what is wrong. */
export function parseOptions<O extends Options>(
  table: O,
  args: string[],
): Parsed<O> {
  const names = Object.keys(table);
  const given = parseArgs(settle(table, args), {
    string: ["_", ...names.filter((name) => table[name]?.value)],
    boolean: names.filter((name) => !table[name]?.value),
    collect: names,
  });
  const options: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(table)) {
    const words = [given[name] ?? []].flat().filter((word) => word !== false)
      .map(String);
    try {
      options[camelCase(name)] = option.read(words);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new UsageError(
        `--${name} ${visible(words.at(-1) ?? "")}: ${error.message}`,
      );
    }
  }
  return { options: options as Values<O>, words: given._ };
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** `args` with every option in its plain form: `--name`, or `--name=value`, and the other words after `--`. */
function settle(table: Options, args: string[]): string[] {
  const settled: string[] = [];
  const words: string[] = [];
  const byLetter = new Map(
    Object.entries(table).map(([name, option]) => [option.short, name] as const),
  );
  const rest = [...args];
  const put = (
    name: string,
    shown: string,
    attached: string | undefined,
  ): void => {
    const option = Object.hasOwn(table, name) ? table[name] : undefined;
    if (option === undefined) {
      throw new UsageError(
        `unknown option ${shown}${nearest(name, table)} (see --help)`,
      );
    }
    if (option.value === undefined) {
      if (attached !== undefined) {
        throw new UsageError(`${shown} takes no value`);
      }
      settled.push(`--${name}`);
      return;
    }
    const word = attached ?? rest.shift();
    if (word === undefined) {
      throw new UsageError(`${shown} needs a value: ${shown} ${option.value}`);
    }
    // parseArgs takes `--name -x` for two options, and a name alone, here, for an empty value.
    settled.push(word === "" ? `--${name}` : `--${name}=${word}`);
  };
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") {
      words.push(...rest);
      break;
    }
    if (arg.startsWith("--")) {
      const [, name = "", attached] = /^--([^=]*)(?:=(.*))?$/s.exec(arg) ?? [];
      put(name, `--${visible(name)}`, attached);
    } else if (arg.startsWith("-") && arg !== "-") {
      // A cluster, as getopt reads it: flags, and at its end perhaps one option with its value.
      for (let i = 1; i < arg.length; i++) {
        const letter: string = arg.charAt(i);
        const name = byLetter.get(letter) ?? "";
        const takesValue = table[name]?.value !== undefined;
        const attached = takesValue && i + 1 < arg.length ? arg.slice(i + 1) : undefined;
        put(name, `-${visible(letter)}`, attached);
        if (takesValue) break;
      }
    } else {
      words.push(arg);
    }
  }
  return [...settled, "--", ...words];
}

/** A hint for a mistyped long option, or nothing. */
function nearest(name: string, table: Options): string {
  if (name.length < 3) return "";
  const close = Object.keys(table).find((known) =>
    known.startsWith(name) || name.startsWith(known) ||
    differsByOne(name, known)
  );
  return close ? `; is it --${close}?` : "";
}

/** Whether one letter more, less or other separates the two. */
function differsByOne(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let i = 0;
  while (i < a.length && a.charAt(i) === b.charAt(i)) i++;
  const [restA, restB] = [a.slice(i), b.slice(i)];
  return restA.slice(1) === restB.slice(1) || restA.slice(1) === restB ||
    restA === restB.slice(1);
}
