/** From the command line of `ftp` to what is to be done. */
import { basename } from "@std/path";
import { refuseLonePort } from "../../tools/net/client.ts";
import { UsageError } from "../../tools/program/failure.ts";
import { charset } from "../../tools/protocol/ftp_charset.ts";
import { safeName } from "../../tools/protocol/safe_name.ts";
import { type FtpUrl, parseFtpUrl } from "../../tools/protocol/ftp_url.ts";
import type { FtpLogin, FtpOptions } from "./client.ts";
import { type GivenLogin, loginFor } from "./login.ts";
import type { MirrorRequest } from "./mirror_run.ts";

/** The well-known ports (RFC 959, RFC 4217 section 15). */
export const SERVICE = 21;
const SECURE_SERVICE = 990;

/** The options that say what is to be done with a URL. */
export interface JobOptions {
  output: string | undefined;
  continueAt: string | undefined;
  uploadFile: string | undefined;
  append: boolean;
  createDirs: boolean;
  listOnly: boolean;
  head: boolean;
  recursive: boolean;
  delete: boolean;
  include: string[];
  exclude: string[];
  dryRun: boolean;
  parallel: number;
  ascii: boolean;
  encoding: string;
  tls: boolean;
  port: number | undefined;
  user: GivenLogin | undefined;
}

/** Which server. */
export type Server = Pick<FtpOptions, "host" | "port" | "tls">;

/** What one URL asks for. */
export interface Job {
  url: FtpUrl;
  server: Server;
  login: FtpLogin;
  task:
    | { kind: "list" | "names" | "facts" }
    | { kind: "mirror"; request: MirrorRequest }
    /** `file` is undefined for standard output. */
    | { kind: "download"; name: string; file: string | undefined; resume: boolean; ascii: boolean }
    /** `file` is `-` for standard input. */
    | {
      kind: "upload";
      name: string;
      file: string;
      resume: boolean;
      append: boolean;
      ascii: boolean;
    };
}

/** What the URLs of the command line ask for; missing passwords are asked for. Throws Failure. */
export async function jobsFor(words: readonly string[], options: JobOptions): Promise<Job[]> {
  checkTogether(words, options);
  const jobs: Job[] = [];
  const logins = new Map<string, FtpLogin>();
  for (const word of words) {
    const url = readUrl(word, options.encoding);
    const given = options.user ?? url.user;
    const who = JSON.stringify([url.host, given?.name, given?.password?.reveal()]);
    const login = logins.get(who) ?? await loginFor(url.host, given);
    logins.set(who, login);
    jobs.push({ url, server: serverOf(url, options), login, task: taskFor(url, options) });
  }
  return jobs;
}

/** Whether an option asks for something that is done with URLs alone. */
export function hasJob(options: JobOptions): boolean {
  const { output, continueAt, uploadFile } = options;
  return [output, continueAt, uploadFile].some((option) => option !== undefined) ||
    options.append || options.createDirs || options.listOnly || options.head ||
    options.recursive || options.delete || options.dryRun || hasPatterns(options);
}

/** Reads a URL of the command line. Throws UsageError. */
export function readUrl(word: string, encoding: string): FtpUrl {
  try {
    return parseFtpUrl(word, charset(encoding).decode);
  } catch (error) {
    // A URL may hold a password.
    const shown = JSON.stringify(word.replace(/\/\/.*@/, "//***@"));
    throw new UsageError(`${shown}: ${(error as Error).message}`);
  }
}

/** The server of a URL; `--tls` asks for TLS where the URL does not. */
export function serverOf(
  { host, port, secure }: FtpUrl,
  options: { tls: boolean; port: number | undefined },
): Server {
  const standard = secure ? SECURE_SERVICE : SERVICE;
  return {
    host,
    port: port ?? options.port ?? standard,
    tls: secure ? "implicit" : options.tls ? "explicit" : "none",
  };
}

function checkTogether(words: readonly string[], options: JobOptions): void {
  const { uploadFile, output, continueAt, append, createDirs } = options;
  const tasks = [
    options.listOnly ? "-l" : "",
    options.head ? "-I" : "",
    uploadFile !== undefined && !options.recursive ? "-T" : "",
    options.recursive ? "-r" : "",
    output !== undefined && !options.recursive ? "-o" : "",
  ].filter((task) => task !== "");
  if (tasks.length > 1) throw new UsageError(`${tasks.join(" and ")} do not go together`);
  const { recursive } = options;
  if (recursive && uploadFile !== undefined && output !== undefined) {
    throw new UsageError("-T and -o do not go together");
  }
  if (recursive && output === "-") throw new UsageError("-r needs a folder: -o FOLDER");
  if (recursive && (append || continueAt || createDirs || options.ascii)) {
    throw new UsageError("-r goes on and makes folders by itself, byte for byte");
  }
  if (!recursive && (options.delete || options.dryRun || hasPatterns(options))) {
    throw new UsageError("--delete, --dry-run, --include and --exclude go with -r");
  }
  if (uploadFile === undefined && append) throw new UsageError("-a goes with -T");
  if (uploadFile === undefined && createDirs) throw new UsageError("--create-dirs goes with -T");
  if (append && continueAt) throw new UsageError("-a and -C do not go together");
  if (words.length === 0) throw new UsageError("give the URL that is meant");
  words.forEach(refuseLonePort);
  if (words.length > 1) {
    if (uploadFile !== undefined) throw new UsageError("-T goes with one URL");
    if (output !== undefined && output !== "-") {
      throw new UsageError("-o FILE goes with one URL; -o - with any number");
    }
  }
}

function hasPatterns({ include, exclude }: JobOptions): boolean {
  return include.length + exclude.length > 0;
}

function taskFor(url: FtpUrl, options: JobOptions): Job["task"] {
  const { uploadFile, output } = options;
  const ascii = url.type === undefined ? options.ascii : url.type === "a";
  const resume = options.continueAt !== undefined;
  if (resume && ascii) {
    throw new UsageError("-C and --ascii do not go together: text has no bytes to count");
  }
  if (options.recursive) {
    const up = uploadFile !== undefined;
    // A folder that is missing on the server is made; for that its whole path is needed.
    const remote = up ? foldersOf(url).join("/").replace(/^\/\//, "/") : "";
    const { delete: removes, include, exclude, dryRun, parallel } = options;
    const local = uploadFile ?? output ?? ".";
    return {
      kind: "mirror",
      request: { up, remote, local, delete: removes, include, exclude, dryRun, parallel },
    };
  }
  if (uploadFile !== undefined) {
    const name = url.name || (uploadFile === "-" ? "" : basename(uploadFile));
    if (name === "") throw new UsageError(`${url.shown}: has no file name to send to`);
    return { kind: "upload", name, file: uploadFile, resume, append: options.append, ascii };
  }
  if (options.head) {
    if (!url.name) throw new UsageError(`${url.shown}: has no file name, which -I needs`);
    return { kind: "facts" };
  }
  if (options.listOnly || url.type === "d") return { kind: "names" };
  if (!url.name) {
    if (output !== undefined && output !== "-") {
      throw new UsageError(`${url.shown}: is a folder, which is listed: use > ${output}`);
    }
    return { kind: "list" };
  }
  return {
    kind: "download",
    name: url.name,
    file: output === "-" ? undefined : output ?? localName(url),
    resume,
    ascii,
  };
}

/** The folders of a URL that is one of a folder, whether it ends in a slash or not. */
export function foldersOf({ folders, name }: FtpUrl): string[] {
  return name ? [...folders, name] : folders;
}

/** The name of the file in this folder. Throws UsageError. */
function localName({ name = "", shown }: FtpUrl): string {
  if (safeName(name, Deno.build.os === "windows")) return name;
  throw new UsageError(`${shown}: use -o FILE: it cannot have this name here`);
}
