/** The commands at the prompt: those of the classic `tftp`, and for several files `mget` and `mput`. */
import { EXIT, Failure, fileFailure, UsageError } from "../../tools/program/failure.ts";
import { CommandTable, type Kind, type PromptCommand, toggle } from "../../tools/program/prompt.ts";
import { expandGlob, localNames, type Name } from "../../tools/program/names.ts";
import type { Word } from "../../tools/program/words.ts";
import { serverAddress } from "../../tools/net/client.ts";
import { visible } from "../../tools/protocol/text.ts";
import type { Mode } from "../../tools/protocol/tftp_packet.ts";
import { parseDuration, parsePort } from "../../tools/protocol/units.ts";
import { getJobs, type Job, mgetJobs, mputJobs, putJobs, SERVICE } from "./command_line.ts";
import {
  checkWindow,
  parseBlksize,
  parseRexmt,
  parseWindowsize,
  type TftpSettings,
  windowFor,
} from "./options.ts";
import type { Shell } from "./shell.ts";

/** A command that moves files. */
function transfer(
  name: string,
  usage: string,
  help: string,
  kinds: Kind[],
  jobsOf: (words: string[]) => Job[],
): PromptCommand<Shell> {
  return {
    names: [name],
    usage,
    help,
    words: [1, Infinity],
    kinds,
    run: async (shell, words) => await shell.move(name, jobsOf(await filesOf(name, words))),
  };
}

/** The words, those of `mput` with patterns replaced by what they stand for. */
async function filesOf(name: string, words: readonly Word[]): Promise<string[]> {
  if (name !== "mput") return words.map(({ text }) => text);
  const files: string[] = [];
  for (const { text, pattern } of words) {
    const found = await expandGlob(pattern, listLocal);
    if (found.length === 0) throw new Failure(EXIT.file, `${visible(text)}: no such file`);
    files.push(...found.filter(({ isFolder }) => !isFolder).map(({ path }) => path));
  }
  return files;
}

async function listLocal(folder: string): Promise<Name[]> {
  try {
    return await localNames(folder || ".");
  } catch (error) {
    throw fileFailure(folder, error);
  }
}

/** As `putJobs`, but not of standard input, from which the commands come. Throws UsageError. */
function fileJobs(words: string[]): Job[] {
  if (words[0] !== "-") return putJobs(words);
  throw new UsageError("the commands come from standard input (try: tftp HOST put - REMOTE)");
}

/** A command that shows a setting, or changes it. */
function setting(
  name: string,
  usage: string,
  help: string,
  show: (settings: TftpSettings) => string,
  change: (settings: TftpSettings, word: string) => Partial<TftpSettings>,
): PromptCommand<Shell> {
  return {
    names: [name],
    usage,
    help,
    words: [0, 1],
    run: async (shell, [word]) => {
      const { settings } = shell;
      if (word) {
        const changed = { ...settings, ...change(settings, word.text) };
        checkWindow(changed);
        Object.assign(settings, changed);
        shell.note(`${name} is ${show(settings)}`);
      } else {
        await shell.console.write(`${name} is ${show(settings)}\n`);
      }
    },
  };
}

function mode(name: string, help: string, mode: Mode): PromptCommand<Shell> {
  return {
    names: [name],
    usage: "",
    help,
    words: [0, 0],
    run: ({ settings }) => {
      settings.mode = mode;
    },
  };
}

const MODES: Record<string, Mode> = {
  octet: "octet",
  binary: "octet",
  netascii: "netascii",
  ascii: "netascii",
};

function readMode(word: string): Mode {
  const mode = Object.hasOwn(MODES, word) ? MODES[word] : undefined;
  if (mode === undefined) throw new RangeError("give octet or netascii");
  return mode;
}

function seconds(milliseconds: number): string {
  return `${milliseconds / 1000} s`;
}

function rexmtOf({ rexmt }: TftpSettings): string {
  return rexmt === undefined ? "as measured" : seconds(rexmt);
}

/** All commands. */
export const COMMANDS: CommandTable<Shell> = new CommandTable<Shell>([
  {
    names: ["connect", "open"],
    usage: "HOST[:PORT] [PORT]",
    help: "Name the server.",
    words: [1, 2],
    run: async (shell, [host, port]) => {
      await shell.connect(
        serverAddress(host?.text ?? "", { port: port && parsePort(port.text) }, SERVICE),
      );
    },
  },
  transfer("get", "REMOTE [LOCAL]", "Fetch a file; the local name - shows it.", [
    "remote",
    "local",
  ], getJobs),
  transfer("put", "LOCAL [REMOTE]", "Send a file.", ["local", "remote"], fileJobs),
  transfer("mget", "REMOTE...", "Fetch several files.", ["remote"], mgetJobs),
  transfer("mput", "LOCAL|PATTERN...", "Send several files.", ["local"], mputJobs),
  setting("mode", "[octet|netascii]", "Show or choose how files are moved.", ({ mode }) => mode, (
    _,
    word,
  ) => ({ mode: readMode(word) })),
  mode("binary", "Move bytes (mode octet).", "octet"),
  mode("ascii", "Move text (mode netascii).", "netascii"),
  setting(
    "blksize",
    "[BYTES]",
    "Show or choose the size of blocks.",
    ({ blksize }) => `${blksize}`,
    (_, word) => ({ blksize: parseBlksize(word) }),
  ),
  setting(
    "windowsize",
    "[BLOCKS]",
    "Show or choose the size of windows.",
    (settings) => `${windowFor(settings)}`,
    (_, word) => ({ windowsize: parseWindowsize(word) }),
  ),
  toggle(
    "tsize",
    "Tell the size of a file, or ask for it.",
    ({ settings }) => settings.tsize,
    ({ settings }, value) => settings.tsize = value,
  ),
  setting(
    "rexmt",
    "[TIME]",
    "Show or choose when to send again.",
    rexmtOf,
    (_, word) => ({ rexmt: parseRexmt(word) }),
  ),
  setting(
    "timeout",
    "[TIME]",
    "Show or choose when to give up.",
    ({ timeout }) => seconds(timeout),
    (_, word) => ({ timeout: parseDuration(word) }),
  ),
  toggle(
    "verbose",
    "Say what is moved from where to where.",
    ({ verbose }) => verbose,
    (shell, value) => {
      shell.verbose = value;
    },
  ),
  toggle("trace", "Show each packet: > sent, < received.", ({ trace }) => trace.shown, (
    { trace },
    value,
  ) => trace.shown = value),
  {
    names: ["status"],
    usage: "",
    help: "Show the server and the settings.",
    words: [0, 0],
    run: async ({ client, settings, verbose, trace, console }) => {
      const onOff = (value: boolean): string => value ? "on" : "off";
      await console.write(
        `Server: ${client?.peer ?? "none (connect names it)"}\n` +
          `Mode: ${settings.mode}; verbose: ${onOff(verbose)}; trace: ${onOff(trace.shown)}\n` +
          `Blksize: ${settings.blksize}; windowsize: ${windowFor(settings)}; ` +
          `tsize: ${onOff(settings.tsize)}\n` +
          `Rexmt: ${rexmtOf(settings)}; timeout: ${seconds(settings.timeout)}\n`,
      );
    },
  },
  {
    names: ["quit", "exit", "bye"],
    usage: "",
    help: "End the program.",
    words: [0, 0],
    run: (shell) => {
      shell.over = true;
    },
  },
]);
