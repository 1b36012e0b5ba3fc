/** What LIST, NLST, MLSD and STAT show, line by line: a folder is never in memory as a whole. */
import type { ServedEntry } from "../../tools/files/jail.ts";
import { FileError } from "../../tools/files/errors.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import { writeAll } from "../../tools/net/writer.ts";
import { type FactsEntry, formatFacts } from "../../tools/protocol/ftp_facts.ts";
import { formatUnixLine } from "../../tools/protocol/ftp_listing_unix.ts";
import { isTellable } from "../../tools/protocol/ftp_time.ts";
import { globMatcher, isGlob } from "../../tools/protocol/glob.ts";
import { FORBIDDEN, resolvePath, splitPath } from "../../tools/protocol/served_path.ts";
import type { Right } from "../../tools/protocol/users.ts";
import { type Pace, turn } from "./copy.ts";
import type { LoggedIn } from "./login.ts";

/** What to list: the entries of a folder, or a single file. */
export interface Listed {
  /** A path from `/`. */
  folder: string;
  /** Which of its entries, by name. */
  takes(name: string): boolean;
  /** What stands before each name so that it can be used as it is (RFC 1123 section 4.1.2.7). */
  prefix: string;
  /** A single file, not a folder: its name as it was given. */
  file?: ServedEntry;
  /** Show the folder itself and the one above, as `ls -a` does. */
  withDots: boolean;
}

/**
 * What the argument of LIST or NLST means in `current`: options as for `ls`, of
 * which only `-a` does something; then a folder, a file, or a pattern for names.
 * Throws FileError, RangeError.
 */
export async function findListed(
  { files }: LoggedIn,
  current: string,
  argument: string,
): Promise<Listed> {
  const kindOf = async (path: string): Promise<Deno.FileInfo | undefined> => {
    try {
      return await files.stat(resolvePath(path, current));
    } catch (error) {
      if (error instanceof FileError && error.kind === "not found") return undefined;
      throw error;
    }
  };
  let [path, all] = [argument, false];
  // A name may begin with a dash: then it is there.
  if (argument.startsWith("-") && !await kindOf(argument)) {
    const [options = ""] = /^(?:-[A-Za-z1]+(?: +|$))*(?:--(?: |$))?/.exec(argument) ?? [];
    path = argument.slice(options.length);
    all = /a/i.test(options);
  }
  const info = await kindOf(path);
  const shown = (name: string): boolean => all || !name.startsWith(".");
  const { folder, name } = splitPath(resolvePath(path, current));
  if (info?.isDirectory) {
    const prefix = path === "" || path.endsWith("/") ? path : `${path}/`;
    return { folder: resolvePath(path, current), takes: shown, prefix, withDots: all };
  }
  const prefix = path.slice(0, path.lastIndexOf("/") + 1);
  if (info) {
    return { folder, takes: shown, prefix: "", file: { name: path, info }, withDots: false };
  }
  if (!isGlob(name)) throw new FileError("not found");
  return { folder, takes: globMatcher(name), prefix, withDots: false };
}

/** Turns an entry into a line. */
export type Line = (entry: ServedEntry) => string;

/** A line of LIST, `now` being the time. */
export function unixLine(now: Date): Line {
  return (entry) => formatUnixLine({ ...described(entry), links: entry.info.nlink ?? 1 }, now);
}

/** A line of MLSD, with these facts, for a user with these rights. */
export function factsLine(
  facts: Parameters<typeof formatFacts>[1],
  rights: ReadonlySet<Right>,
): Line {
  return (entry) => formatFacts({ ...described(entry), perm: permissions(entry, rights) }, facts);
}

/** What both kinds of line say. */
function described({ name, info }: ServedEntry): FactsEntry {
  return {
    name: harmless(name),
    type: info.isDirectory ? "dir" : info.isFile ? "file" : "other",
    size: info.isFile ? info.size : undefined,
    modified: info.mtime && isTellable(info.mtime) ? info.mtime : undefined,
    exact: true,
    mode: info.mode === null ? undefined : info.mode & 0o7777,
    owner: `${info.uid ?? 0}`,
    group: `${info.gid ?? 0}`,
    unique: info.ino === null ? undefined : `${info.dev.toString(16)}g${info.ino.toString(16)}`,
  };
}

/** A name as it is shown: what no path may hold, and would forge lines, is a question mark. */
export function harmless(name: string): string {
  return name.replace(FORBIDDEN, "?");
}

/** The `perm` fact (RFC 3659 section 7.5.5). */
function permissions({ info }: ServedEntry, rights: ReadonlySet<Right>): string {
  const [read, write, remove] = info.isDirectory ? ["el", "cm", "dfp"] : ["r", "aw", "df"];
  return (rights.has("d") ? remove : "") + (rights.has("r") ? read : "") +
    (rights.has("w") ? write : "");
}

/** The entries of what is listed. Throws FileError. */
export async function* entries(
  { files }: LoggedIn,
  { folder, takes, file, withDots }: Listed,
): AsyncGenerator<ServedEntry> {
  if (file) {
    yield file;
    return;
  }
  if (withDots) {
    yield { name: ".", info: await files.stat(folder) };
    yield { name: "..", info: await files.stat(resolvePath("..", folder)) };
  }
  for await (const entry of files.list(folder)) {
    if (takes(entry.name)) yield entry;
  }
}

/** Lines go out together, so many characters at once, and then the others have their turn. */
const BATCH = 16 * 1024;

/** Sends the lines, each with its end. */
export async function sendLines(
  stream: Pick<ByteStream, "write">,
  all: AsyncIterable<ServedEntry>,
  line: Line,
  pace: Pace,
): Promise<void> {
  const encoder = new TextEncoder();
  let batch = "";
  const flush = async (): Promise<void> => {
    const data = encoder.encode(batch);
    batch = "";
    for (let at = 0; at < data.length; at += pace.piece) {
      const piece = data.subarray(at, at + pace.piece);
      await writeAll(stream, piece);
      await pace.moved(piece.length);
    }
  };
  for await (const entry of all) {
    batch += `${line(entry)}\r\n`;
    if (batch.length < BATCH) continue;
    await flush();
    await turn();
  }
  await flush();
}
