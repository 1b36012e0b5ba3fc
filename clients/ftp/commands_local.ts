/** Commands about this side: its folder, its programs, and how things are done. */
import { resolve } from "@std/path";
import { EXIT, Failure, fileFailure, UsageError } from "../../tools/program/failure.ts";
import { size } from "../../tools/program/options.ts";
import { type PromptCommand, toggle } from "../../tools/program/prompt.ts";
import { visible } from "../../tools/protocol/text.ts";
import type { Shell } from "./shell.ts";

function setPassive(shell: Shell, passive: boolean): void {
  shell.settings.passive = passive;
  if (shell.connection.session) shell.connection.session.passive = passive;
}

/** A command that chooses how data moves. */
function choice(name: string, help: string, choose: (shell: Shell) => void): PromptCommand<Shell> {
  return {
    names: [name],
    usage: "",
    help,
    words: [0, 0],
    run: (shell) => {
      choose(shell);
    },
  };
}

// As in ftp of BSD.
const HASH = 1024;

/** See `COMMANDS`. */
export const LOCAL_COMMANDS: PromptCommand<Shell>[] = [
  choice("binary", "Move files byte for byte.", ({ settings }) => settings.ascii = false),
  choice(
    "ascii",
    "Move text: lines end as they do on each side.",
    ({ settings }) => settings.ascii = true,
  ),
  {
    names: ["type"],
    usage: "[ascii|binary]",
    help: "Show or choose how files are moved.",
    words: [0, 1],
    run: async ({ settings, console }, [word]) => {
      if (!word) return await console.write(`${settings.ascii ? "ascii" : "binary"}\n`);
      if (!/^(?:ascii|a|binary|image|i)$/i.test(word.text)) {
        throw new UsageError("usage: type [ascii|binary]");
      }
      settings.ascii = /^a/i.test(word.text);
    },
  },
  toggle(
    "passive",
    "We connect to the server for data.",
    ({ settings }) => settings.passive,
    setPassive,
  ),
  choice("active", "The server connects to us for data.", (shell) => setPassive(shell, false)),
  toggle("verbose", "Show the server's replies, and rates.", ({ settings }) => settings.verbose, ({
    settings,
  }, value) => settings.verbose = value),
  toggle("trace", "Show the dialogue: > sent, < received.", ({ trace }) => trace.shown, ({
    trace,
  }, value) => trace.shown = value),
  toggle("prompt", "Ask before each file of several.", ({ settings }) => settings.prompt, ({
    settings,
  }, value) => settings.prompt = value),
  {
    names: ["hash"],
    usage: "[on|off|SIZE]",
    help: "Show a # for each 1024 bytes, instead of a bar.",
    words: [0, 1],
    run: ({ settings }, [word]) => {
      const value = word?.text ?? (settings.hash > 0 ? "off" : "on");
      settings.hash = value === "on" ? HASH : value === "off" ? 0 : size(value);
    },
  },
  {
    names: ["lcd"],
    usage: "[FOLDER]",
    help: "Go to a local folder, or to the home folder.",
    words: [0, 1],
    kinds: ["local"],
    run: async (shell, [word]) => {
      const folder = shell.local(word?.text ?? "~");
      try {
        if (!(await Deno.stat(folder)).isDirectory) {
          throw new Failure(EXIT.file, `${folder}: is not a folder`);
        }
      } catch (error) {
        throw fileFailure(folder, error);
      }
      shell.folder = folder;
      shell.note(`Local folder: ${visible(resolve(folder))}`);
    },
  },
  {
    names: ["!"],
    usage: "[COMMAND]",
    help: "Run a command of this system, or its shell.",
    words: [0, 1],
    raw: true,
    run: async (session, [word]) => {
      const { folder, console } = session;
      const [shell, option] = Deno.build.os === "windows"
        ? [Deno.env.get("COMSPEC") ?? "cmd.exe", "/c"]
        : [Deno.env.get("SHELL") ?? "/bin/sh", "-c"];
      try {
        session.isAway = true;
        await new Deno.Command(shell, {
          args: word ? [option, word.text] : [],
          cwd: folder,
          // A script's input is for us.
          stdin: console.interactive ? "inherit" : "null",
          stdout: "inherit",
          stderr: "inherit",
        }).spawn().status;
      } catch (error) {
        throw fileFailure(shell, error);
      } finally {
        session.isAway = false;
      }
    },
  },
];
