/** From the words of the command line, and of the prompt, to what is to be done. */
import { refuseLonePort, serverAddress } from "../../tools/net/client.ts";
import { UsageError } from "../../tools/program/failure.ts";
import { safeName } from "../../tools/protocol/safe_name.ts";
import { visible } from "../../tools/protocol/text.ts";
import type { Mode } from "../../tools/protocol/tftp_packet.ts";
import { isTftpUrl, parseTftpUrl } from "../../tools/protocol/tftp_url.ts";
import { nameOf } from "./local_path.ts";

/** The well-known port (RFC 1350 section 4). */
export const SERVICE = 69;

/** One file that is to be moved. */
export interface Job {
  kind: "get" | "put";
  remote: string;
  /** `-` is standard output, or input. */
  local: string;
}

/** Which server. */
export interface Server {
  host: string;
  port: number;
}

/** What the words of the command line ask for. */
export interface Request {
  /** Undefined: the first command of the dialogue names it. */
  server: Server | undefined;
  /** None: there is a dialogue. */
  jobs: Job[];
  /** Of a URL. */
  mode?: Mode | undefined;
}

/** Reads the words that are no options. Throws UsageError. */
export function readWords(
  words: readonly string[],
  options: { port: number | undefined },
): Request {
  const [host, verb, ...files] = words;
  if (host === undefined) return { server: undefined, jobs: [] };
  if (isTftpUrl(host)) return readUrl(words, options);
  if (host.includes("://")) {
    throw new UsageError(`${JSON.stringify(host)}: give HOST[:PORT] or tftp://HOST/FILE`);
  }
  const server = serverAddress(host, options, SERVICE);
  if (verb === undefined) return { server, jobs: [] };
  const jobsOf = Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
  if (jobsOf === undefined) {
    refuseLonePort(verb);
    const known = Object.keys(VERBS).join(", ");
    throw new UsageError(`${JSON.stringify(verb)}: give one of ${known} (see --help)`);
  }
  return { server, jobs: jobsOf(files) };
}

function readUrl(words: readonly string[], options: { port: number | undefined }): Request {
  const [word = "", local, ...more] = words;
  try {
    const { host, port, name, mode } = parseTftpUrl(word);
    if (more.length > 0) throw new RangeError("one URL, and perhaps the name it gets here");
    return {
      server: { host, port: port ?? options.port ?? SERVICE },
      jobs: getJobs(local === undefined ? [name] : [name, local]),
      mode,
    };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UsageError(`${JSON.stringify(word)}: ${error.message}`);
  }
}

/** `get REMOTE [LOCAL]`. Throws UsageError. */
export function getJobs(words: readonly string[]): Job[] {
  const [remote, local, ...more] = words;
  if (remote === undefined || more.length > 0) {
    throw new UsageError("usage: get REMOTE [LOCAL] (for several files: mget REMOTE...)");
  }
  return [{ kind: "get", remote, local: local ?? localName(remote) }];
}

/** `put LOCAL [REMOTE]`. Throws UsageError. */
export function putJobs(words: readonly string[]): Job[] {
  const [local, remote, ...more] = words;
  if (local === undefined || more.length > 0) {
    throw new UsageError("usage: put LOCAL [REMOTE] (for several files: mput LOCAL...)");
  }
  return [{ kind: "put", local, remote: remote ?? remoteName(local) }];
}

/** `mget REMOTE...`. Throws UsageError. */
export function mgetJobs(words: readonly string[]): Job[] {
  if (words.length === 0) throw new UsageError("usage: mget REMOTE...");
  return words.flatMap((word) => getJobs([word]));
}

/** `mput LOCAL...`. Throws UsageError. */
export function mputJobs(words: readonly string[]): Job[] {
  if (words.length === 0) throw new UsageError("usage: mput LOCAL...");
  return words.flatMap((word) => putJobs([word]));
}

const VERBS: Record<string, (words: readonly string[]) => Job[]> = {
  get: getJobs,
  put: putJobs,
  mget: mgetJobs,
  mput: mputJobs,
};

/** The name a file of the server gets here. Those of boot files may have the separators of Windows. */
function localName(remote: string): string {
  const name = remote.replace(/^.*[/\\]/s, "");
  if (safeName(name, Deno.build.os === "windows")) return name;
  throw new UsageError(`${visible(remote)}: say which name it gets here: get REMOTE LOCAL`);
}

function remoteName(local: string): string {
  if (local === "-") throw new UsageError("say which name standard input gets: put - REMOTE");
  return nameOf(local);
}
