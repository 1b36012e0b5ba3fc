/**
 * A program as its user meets it: options, help, version, one line for an
 * error, an exit code. `program()` joins a description and a body into `main`.
 */
import { flag, type Options, parseOptions, type Values } from "./options.ts";
import { EXIT, Failure, plainMessage, UsageError } from "./failure.ts";
import { OutputClosed, say, writeOut } from "./terminal.ts";
import { VERSION } from "./version.ts";

/** What a program is, for its help, for the binary that holds it, and for the compiler. */
export interface Command<O extends Options = Options> {
  /** The name it has in messages: `daytime` for a client, `daytimed` for a server. */
  name: string;
  /** One line: what it does. */
  summary: string;
  /** The forms of the command line, without the program's name; none: it takes nothing. */
  usage: string[];
  options: O;
  /** How many words that are not options: least and most. */
  words: [number, number];
  /** Command lines to try, each with what it does. */
  examples: [command: string, what: string][];
  /** The flags of `deno run` and `deno compile` it needs. */
  permissions: string[];
  /** The documents it follows, if any. */
  rfcs: string[];
}

/** What the body of a program is given. */
export interface Invocation<O extends Options> {
  options: Values<O>;
  words: string[];
  /** The name the program was called by, such as `gethttp`. */
  calledAs: string;
}

/** A program's entry: takes the arguments, returns the exit code, and throws nothing. */
export type Main = (args: string[], calledAs?: string) => Promise<number>;

const COMMON = {
  help: flag("Show this help.", { short: "h" }),
  version: flag("Show the version."),
};

/** The entry of the program `command`, whose work is `body`. */
export function program<O extends Options>(
  command: Command<O>,
  body: (invocation: Invocation<O>) => Promise<number>,
): Main {
  return async (args, calledAs = command.name) => {
    try {
      const table = { ...COMMON, ...command.options };
      // Help is shown even when the rest of the line is wrong.
      if (asksFor("help", "-h", args)) return await printed(helpText(command));
      if (asksFor("version", undefined, args)) {
        return await printed(`${command.name} (labsock) ${VERSION}\n`);
      }
      const { options, words } = parseOptions(table, args);
      if (options.help) return await printed(helpText(command)); // As in -vh.
      const [least, most] = command.words;
      if (words.length < least || words.length > most) {
        throw new UsageError(
          `${words.length < least ? "too few" : "too many"} words; usage: ${
            usage(command)[0]
          } (see --help)`,
        );
      }
      return await body({ options: options as Values<O>, words, calledAs });
    } catch (error) {
      if (error instanceof OutputClosed) return error.exitCode;
      say(`${command.name}: ${plainMessage(error)}`);
      return error instanceof Failure ? error.exitCode : EXIT.refused;
    }
  };
}

function asksFor(name: string, letter: string | undefined, args: string[]): boolean {
  const end = args.indexOf("--");
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === `--${name}` || arg === letter);
}

async function printed(text: string): Promise<number> {
  await writeOut(text);
  return EXIT.ok;
}

/** The forms of the command line. */
function usage({ name, usage }: Command): string[] {
  return usage.length > 0 ? usage.map((form) => `${name} ${form}`) : [name];
}

/** The text of `--help`. */
export function helpText(command: Command): string {
  const rows = Object.entries({ ...command.options, ...COMMON }).map(
    ([name, option]) => {
      const letter = option.short ? `-${option.short}, ` : "    ";
      const shown = option.shown ? ` [default: ${option.shown}]` : "";
      return [
        `${letter}--${name}${option.value ? ` ${option.value}` : ""}`,
        option.help + shown,
      ] as const;
    },
  );
  return [
    `${command.name}: ${command.summary}`,
    section("Usage", usage(command)),
    section("Options", columns(rows)),
    section(
      "Examples",
      command.examples.flatMap(([line, what]) => [line, `    ${what}`]),
    ),
    section("Permissions (deno run)", [command.permissions.join(" ")]),
    ...command.rfcs.length > 0
      ? [section("Follows", command.rfcs.flatMap((line) => wrap(line, 78)))]
      : [],
  ].join("\n\n") + "\n";
}

function section(title: string, lines: string[]): string {
  return `${title}:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}

/** Two columns; help texts too wide for the line are wrapped under their column. */
function columns(rows: (readonly [string, string])[]): string[] {
  const left = Math.min(26, Math.max(...rows.map(([name]) => name.length))) + 2;
  return rows.flatMap(([name, help]) => {
    const lines = wrap(help, 78 - left);
    const first = name.length < left - 1 ? [name.padEnd(left) + (lines.shift() ?? "")] : [name];
    return [...first, ...lines.map((line) => " ".repeat(left) + line)];
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line ? `${line} ${word}` : word;
    }
  }
  return [...lines, line];
}
