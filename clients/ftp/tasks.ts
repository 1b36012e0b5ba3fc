/** What is done with one URL, in one attempt or in several. */
import { EXIT, Failure } from "../../tools/program/failure.ts";
import { sorted } from "../../tools/program/names.ts";
import { type Progress, startProgress } from "../../tools/program/progress.ts";
import { say, writeOut } from "../../tools/program/terminal.ts";
import { visible } from "../../tools/protocol/text.ts";
import type { FtpClient } from "./client.ts";
import type { Job } from "./command_line.ts";
import {
  fetchFile,
  openSource,
  remoteFacts,
  sendFile,
  standardInput,
  unlessRefused,
} from "./file_transfer.ts";
import { longListing } from "./listing_view.ts";
import { type MirrorRequest, runMirror } from "./mirror_run.ts";
import type { RateLimit } from "./rate.ts";
import { LocalFile, type RemoteFacts, StandardOutput, type Target } from "./target.ts";

/** Where a task gets its sessions from. They are logged in, and in the folder of the URL. */
export interface Sessions {
  /** The one that is used again for what follows. */
  reach(): Promise<FtpClient>;
  /** One of its own. */
  open(): Promise<FtpClient>;
}

/** What is done with one URL. */
export interface Task {
  /** Does it, or goes on with it. */
  attempt(sessions: Sessions): Promise<void>;
  /** Whether a further attempt can still end well. */
  readonly repeatable: boolean;
  /** There will be no further attempt: returns what to say about what was done. */
  giveUp(): string;
}

/** The task of a job. */
export function taskOf(
  { task, url }: Job,
  { rate, retries }: { rate: RateLimit | undefined; retries: number },
): Task {
  switch (task.kind) {
    case "list":
      return simple(async (client) => longListing(sorted(await client.list())));
    case "names":
      return simple(async (client) => lines(await client.names()));
    case "facts":
      return simple(async (client) => factLines(await remoteFacts(client, url.name ?? "")));
    case "download":
      return new Download(task, rate);
    case "upload":
      return new Upload(task, rate);
    case "mirror":
      return new Mirror(task.request, rate, retries);
  }
}

/** A task that writes to standard output what `ask` returns. */
function simple(ask: (client: FtpClient) => Promise<string>): Task {
  return {
    attempt: async (sessions) => await writeOut(await ask(await sessions.reach())),
    repeatable: true,
    giveUp: () => "",
  };
}

function lines(words: readonly string[]): string {
  return words.map((word) => `${visible(word)}\n`).join("");
}

/** Size and time, in the form of HTTP's fields, as curl shows them. Throws Failure when there is neither. */
function factLines({ size, modified }: RemoteFacts): string {
  if (!modified && size === undefined) {
    throw new Failure(EXIT.refused, "the server tells nothing of it (is it there?)");
  }
  return lines([
    ...modified ? [`Last-Modified: ${modified.toUTCString()}`] : [],
    ...size === undefined ? [] : [`Content-Length: ${size}`],
  ]);
}

class Download implements Task {
  readonly repeatable = true;
  readonly #task: Extract<Job["task"], { kind: "download" }>;
  readonly #rate: RateLimit | undefined;
  #target: Target | undefined;
  #modified: Date | undefined;
  #progress: Progress | undefined;

  constructor(task: Extract<Job["task"], { kind: "download" }>, rate: RateLimit | undefined) {
    this.#task = task;
    this.#rate = rate;
  }

  async attempt(sessions: Sessions): Promise<void> {
    const { name, file, resume, ascii } = this.#task;
    const client = await sessions.reach();
    const facts = await remoteFacts(client, name);
    if (this.#target === undefined) {
      this.#modified = facts.modified;
      this.#target = file === undefined
        ? new StandardOutput()
        : await LocalFile.open(file, facts, resume);
    } else if (facts.modified?.getTime() !== this.#modified?.getTime()) {
      throw new Failure(EXIT.refused, "the file has changed meanwhile");
    }
    const target = this.#target;
    const { offset } = target;
    if (offset > 0 && offset === facts.size) say(`ftp: ${file}: is complete`);
    {
      using progress = this.#progress = file === undefined
        ? undefined
        : await startProgress(offset, facts.size);
      await fetchFile(client, name, target, facts, {
        ascii,
        rate: this.#rate,
        onProgress: progress?.update,
      });
    }
    this.#target = undefined;
    target.finish();
  }

  giveUp(): string {
    this.#progress?.[Symbol.dispose]();
    const kept = this.#target?.keep() ?? 0;
    return kept > 0 ? `; ${kept} bytes are kept (-C - goes on)` : "";
  }
}

class Upload implements Task {
  readonly #task: Extract<Job["task"], { kind: "upload" }>;
  readonly #rate: RateLimit | undefined;
  #begun = false;
  #progress: Progress | undefined;

  constructor(task: Extract<Job["task"], { kind: "upload" }>, rate: RateLimit | undefined) {
    this.#task = task;
    this.#rate = rate;
  }

  /** What standard input gave is gone, and how much was added to a file is not known. */
  get repeatable(): boolean {
    const { file, append, ascii } = this.#task;
    return !(this.#begun && (file === "-" || append || ascii));
  }

  async attempt(sessions: Sessions): Promise<void> {
    const { name, file, resume, append, ascii } = this.#task;
    const client = await sessions.reach();
    // What is there may be ours from an earlier attempt, or from an earlier run if we are told so.
    const offset = resume || this.#begun
      ? await unlessRefused(client, () => client.size(name)) ?? 0
      : 0;
    using source = file === "-" ? standardInput() : await openSource(file, offset);
    if (source.size !== undefined && offset > source.size) {
      throw new Failure(
        EXIT.refused,
        `the server's file has ${offset} bytes, more than the ${source.size} of ${file}`,
      );
    }
    if (offset > 0 && offset === source.size) return say(`ftp: ${file}: is complete there`);
    using progress = this.#progress = await startProgress(offset, source.size);
    await sendFile(client, source, name, {
      ascii,
      // APPE, not REST: a server that does not know REST for this would begin at the front.
      append: append || offset > 0,
      rate: this.#rate,
      onProgress: (bytes) => {
        this.#begun = true;
        progress.update(offset + bytes);
      },
    });
  }

  giveUp(): string {
    this.#progress?.[Symbol.dispose]();
    return "";
  }
}

class Mirror implements Task {
  /** It tries again by itself. */
  readonly repeatable = false;
  readonly #request: MirrorRequest;
  readonly #rate: RateLimit | undefined;
  readonly #retries: number;
  readonly #interruption = new AbortController();
  #isOver = false;

  constructor(request: MirrorRequest, rate: RateLimit | undefined, retries: number) {
    this.#request = request;
    this.#rate = rate;
    this.#retries = retries;
  }

  async attempt(sessions: Sessions): Promise<void> {
    try {
      await runMirror(this.#request, {
        connect: () => sessions.open(),
        retries: this.#retries,
        rate: this.#rate,
        signal: this.#interruption.signal,
        write: writeOut,
        say: (line) => say(`ftp: ${line}`),
        note: (line) => Deno.stderr.isTerminal() && say(line),
      });
    } finally {
      this.#isOver = true;
    }
  }

  giveUp(): string {
    this.#interruption.abort();
    if (this.#isOver || this.#request.dryRun) return "";
    return "; what was moved is kept (the same command goes on from there)";
  }
}
