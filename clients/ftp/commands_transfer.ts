/** Commands that move files. */
import { basename } from "@std/path";
import { EXIT, Failure, UsageError } from "../../tools/program/failure.ts";
import { expandGlob, localNames, type Match } from "../../tools/program/names.ts";
import type { PromptCommand } from "../../tools/program/prompt.ts";
import type { Word } from "../../tools/program/words.ts";
import { safeName } from "../../tools/protocol/safe_name.ts";
import { visible } from "../../tools/protocol/text.ts";
import { remoteMatches } from "./commands_remote.ts";
import type { Shell } from "./shell.ts";
import { getFile, putFile } from "./shell_transfer.ts";

/** The name that the file `path` of the server gets here. Throws Failure when it cannot have it. */
function localName(path: string): string {
  const name = path.replace(/^.*\//s, "");
  if (safeName(name, Deno.build.os === "windows")) return name;
  throw new Failure(EXIT.file, `${visible(path)}: a file cannot have this name here`);
}

/** What a word stands for in the local folder. Throws Failure when that is nothing. */
async function localMatches(shell: Shell, { pattern, text }: Word): Promise<Match[]> {
  const found = await expandGlob(pattern, (folder) => localNames(shell.local(folder)));
  if (found.length === 0) throw new Failure(EXIT.file, `${visible(text)}: no such file`);
  return found;
}

async function get(shell: Shell, words: Word[], resume: boolean): Promise<void> {
  const [remote = "", local = localName(remote)] = words.map(({ text }) => text);
  // In ftp of BSD this is a program.
  if (local.startsWith("|")) throw new UsageError(`no program is started here: get ${remote} -`);
  await getFile(shell, remote, local, resume);
}

async function put(shell: Shell, words: Word[], how: "anew" | "append" | "resume"): Promise<void> {
  const [local = "", remote = basename(local)] = words.map(({ text }) => text);
  await putFile(shell, local, remote, how);
}

/** See `COMMANDS`. */
export const TRANSFER_COMMANDS: PromptCommand<Shell>[] = [
  {
    names: ["get"],
    usage: "REMOTE [LOCAL]",
    help: "Fetch a file; the local name - shows it.",
    words: [1, 2],
    kinds: ["remote", "local"],
    run: (shell, words) => get(shell, words, false),
  },
  {
    names: ["reget"],
    usage: "REMOTE [LOCAL]",
    help: "Fetch the rest of a file.",
    words: [1, 2],
    kinds: ["remote", "local"],
    run: (shell, words) => get(shell, words, true),
  },
  {
    names: ["newer"],
    usage: "REMOTE [LOCAL]",
    help: "Fetch a file if it is newer than the local one.",
    words: [1, 2],
    kinds: ["remote", "local"],
    run: async (shell, words) => {
      const [remote = "", local = localName(remote)] = words.map(({ text }) => text);
      const here = await Deno.stat(shell.local(local)).catch(() => undefined);
      const there = await shell.client.modtime(remote);
      if (here?.mtime && here.mtime >= there) shell.note(`${visible(remote)}: is not newer`);
      else await getFile(shell, remote, local, false);
    },
  },
  {
    names: ["mget"],
    usage: "FILE|PATTERN...",
    help: "Fetch files into the local folder.",
    words: [1, Infinity],
    kinds: ["remote"],
    run: async (shell, words) => {
      for (const word of words) {
        const files = (await remoteMatches(shell.client, word)).filter(({ isFolder }) => !isFolder);
        await shell.each(
          "mget",
          files.map(({ path }) => path),
          (path) => getFile(shell, path, localName(path), false),
        );
      }
    },
  },
  {
    names: ["put"],
    usage: "LOCAL [REMOTE]",
    help: "Send a file.",
    words: [1, 2],
    kinds: ["local", "remote"],
    run: (shell, words) => put(shell, words, "anew"),
  },
  {
    names: ["reput"],
    usage: "LOCAL [REMOTE]",
    help: "Send the rest of a file.",
    words: [1, 2],
    kinds: ["local", "remote"],
    run: (shell, words) => put(shell, words, "resume"),
  },
  {
    names: ["append"],
    usage: "LOCAL [REMOTE]",
    help: "Add a file to the end of one on the server.",
    words: [1, 2],
    kinds: ["local", "remote"],
    run: (shell, words) => put(shell, words, "append"),
  },
  {
    names: ["mput"],
    usage: "FILE|PATTERN...",
    help: "Send files into the folder on the server.",
    words: [1, Infinity],
    kinds: ["local"],
    run: async (shell, words) => {
      for (const word of words) {
        const files = (await localMatches(shell, word)).filter(({ isFolder }) => !isFolder);
        await shell.each(
          "mput",
          files.map(({ path }) => path),
          (path) => putFile(shell, path, basename(path), "anew"),
        );
      }
    },
  },
];
