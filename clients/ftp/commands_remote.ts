/** Commands about the files and folders of the server. */
import { EXIT, Failure, UsageError } from "../../tools/program/failure.ts";
import { expandGlob, type Match, sorted } from "../../tools/program/names.ts";
import type { PromptCommand } from "../../tools/program/prompt.ts";
import type { Word } from "../../tools/program/words.ts";
import type { FtpEntry } from "../../tools/protocol/ftp_entry.ts";
import { globMatcher, isGlob } from "../../tools/protocol/glob.ts";
import { visible } from "../../tools/protocol/text.ts";
import type { FtpClient } from "./client.ts";
import { longListing, shortListing } from "./listing_view.ts";
import { remoteNames } from "./remote_names.ts";
import type { Shell } from "./shell.ts";

/** What a word stands for on the server. Throws Failure when that is nothing. */
export async function remoteMatches(client: FtpClient, { pattern, text }: Word): Promise<Match[]> {
  const found = await expandGlob(pattern, (folder) => remoteNames(client, folder));
  if (found.length === 0) throw noSuchFile(text);
  return found;
}

/** What `ls` and `dir` show: a folder, a file, or what a pattern in a folder stands for. */
async function entries(client: FtpClient, word: Word | undefined): Promise<FtpEntry[]> {
  if (!word || !isGlob(word.pattern)) return sorted(await client.list(word?.text ?? ""));
  const [, parent = "", last = ""] = /^(.*\/)?(.*)$/s.exec(word.pattern) ?? [];
  if (isGlob(parent)) throw new UsageError("a pattern can be in the last part of a path only");
  const matches = globMatcher(last);
  const folder = word.text.slice(0, word.text.lastIndexOf("/") + 1);
  const found = (await client.list(folder)).filter(({ name }) => matches(name));
  if (found.length === 0) throw noSuchFile(word.text);
  return sorted(found);
}

function noSuchFile(path: string): Failure {
  return new Failure(EXIT.refused, `${visible(path)}: no such file`);
}

/** The argument number `at` as it is. */
function text(words: Word[], at: number): string {
  return words[at]?.text ?? "";
}

/** See `COMMANDS`. */
export const REMOTE_COMMANDS: PromptCommand<Shell>[] = [
  {
    names: ["pwd"],
    usage: "",
    help: "Show the folder on the server.",
    words: [0, 0],
    run: async ({ client, console }) => {
      await console.write(`${visible(await client.pwd())}\n`);
    },
  },
  {
    names: ["cd"],
    usage: "FOLDER",
    help: "Go to a folder on the server.",
    words: [1, 1],
    kinds: ["remote"],
    run: async (shell, words) => {
      shell.reply(await shell.client.cd(text(words, 0)));
    },
  },
  {
    names: ["cdup"],
    usage: "",
    help: "Go to the folder above.",
    words: [0, 0],
    run: async (shell) => {
      shell.reply(await shell.client.cdup());
    },
  },
  {
    names: ["ls"],
    usage: "[-l] [FOLDER|PATTERN]",
    help: "List names; -l: what the server itself says.",
    words: [0, 2],
    kinds: ["remote"],
    run: async ({ client, console }, words) => {
      const option = text(words, 0).startsWith("-") ? words.shift()?.text ?? "" : "";
      if (words.length > 1) throw new UsageError("usage: ls [-l] [FOLDER|PATTERN]");
      if (option === "") {
        const width = console.interactive ? console.columns : 0;
        return await console.write(shortListing(await entries(client, words[0]), width));
      }
      const others = option === "-l" ? [] : [option];
      const lines = await client.listLines([...others, ...words.map(({ text }) => text)].join(" "));
      await console.write(lines.map((line) => `${visible(line)}\n`).join(""));
    },
  },
  {
    names: ["dir"],
    usage: "[FOLDER|PATTERN]",
    help: "List with modes, sizes and times (UTC).",
    words: [0, 1],
    kinds: ["remote"],
    run: async ({ client, console }, [word]) => {
      await console.write(longListing(await entries(client, word)));
    },
  },
  {
    names: ["mls"],
    usage: "FOLDER|PATTERN...",
    help: "List names, one on a line.",
    words: [1, Infinity],
    kinds: ["remote"],
    run: async ({ client, console }, words) => {
      for (const word of words) {
        const names = isGlob(word.pattern)
          ? (await remoteMatches(client, word)).map(({ path }) => path)
          : (await client.names(word.text)).sort();
        await console.write(names.map((name) => `${visible(name)}\n`).join(""));
      }
    },
  },
  {
    names: ["delete"],
    usage: "FILE",
    help: "Delete a file on the server.",
    words: [1, 1],
    kinds: ["remote"],
    run: async (shell, words) => {
      shell.reply(await shell.client.delete(text(words, 0)));
    },
  },
  {
    names: ["mdelete"],
    usage: "FILE|PATTERN...",
    help: "Delete files on the server.",
    words: [1, Infinity],
    kinds: ["remote"],
    run: async (shell, words) => {
      const { client } = shell;
      for (const word of words) {
        const files = (await remoteMatches(client, word)).filter(({ isFolder }) => !isFolder);
        await shell.each("mdelete", files.map(({ path }) => path), async (path) => {
          shell.reply(await client.delete(path));
        });
      }
    },
  },
  {
    names: ["mkdir"],
    usage: "FOLDER",
    help: "Make a folder on the server.",
    words: [1, 1],
    kinds: ["remote"],
    run: async (shell, words) => {
      const path = await shell.client.mkdir(text(words, 0));
      shell.note(`${visible(path)}: made`);
    },
  },
  {
    names: ["rmdir"],
    usage: "FOLDER",
    help: "Remove an empty folder on the server.",
    words: [1, 1],
    kinds: ["remote"],
    run: async (shell, words) => {
      shell.reply(await shell.client.rmdir(text(words, 0)));
    },
  },
  {
    names: ["rename"],
    usage: "FROM TO",
    help: "Rename or move a file on the server.",
    words: [2, 2],
    kinds: ["remote"],
    run: async (shell, words) => {
      shell.reply(await shell.client.rename(text(words, 0), text(words, 1)));
    },
  },
  {
    names: ["chmod"],
    usage: "MODE FILE",
    help: "Set the mode of a file, such as 644.",
    words: [2, 2],
    kinds: ["remote"],
    run: async (shell, words) => {
      const mode = text(words, 0);
      if (!/^[0-7]{3,4}$/.test(mode)) throw new UsageError("give a mode such as 644 or 0755");
      shell.reply(await shell.client.chmod(parseInt(mode, 8), text(words, 1)));
    },
  },
  {
    names: ["size"],
    usage: "FILE",
    help: "Show the size of a file in bytes.",
    words: [1, 1],
    kinds: ["remote"],
    run: async ({ client, console }, words) => {
      await console.write(`${await client.size(text(words, 0))}\n`);
    },
  },
  {
    names: ["modtime"],
    usage: "FILE",
    help: "Show when a file was last changed (UTC).",
    words: [1, 1],
    kinds: ["remote"],
    run: async ({ client, console }, words) => {
      const time = await client.modtime(text(words, 0));
      await console.write(`${time.toISOString().replace("T", " ").replace(/\.000Z$|Z$/, "")}\n`);
    },
  },
];
