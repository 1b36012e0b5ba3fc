/** `ftp URL...`: each URL is fetched, listed or sent to, without questions. */
import { EXIT, Failure } from "../../tools/program/failure.ts";
import { say } from "../../tools/program/terminal.ts";
import { blame } from "./blame.ts";
import type { FtpClient } from "./client.ts";
import { foldersOf, type Job, type Server } from "./command_line.ts";
import { unlessRefused } from "./file_transfer.ts";
import type { RateLimit } from "./rate.ts";
import { isPassing, waits } from "./retry.ts";
import { type Task, taskOf } from "./tasks.ts";

/** How it is done. */
export interface OneShotOptions {
  connect(server: Server): Promise<FtpClient>;
  /** How often to try again. */
  retries: number;
  createDirs: boolean;
  rate: RateLimit | undefined;
  /** Waits so many milliseconds. */
  wait(milliseconds: number): Promise<void>;
}

/** All the URLs of a command line, one after the other. */
export class OneShot {
  readonly #options: OneShotOptions;
  #session: Session | undefined;
  #task: Task | undefined;

  constructor(options: OneShotOptions) {
    this.#options = options;
  }

  /** Does them all; returns the exit code of the first that failed. Throws OutputClosed. */
  async run(jobs: readonly Job[]): Promise<number> {
    let code: number = EXIT.ok;
    try {
      for (const job of jobs) {
        try {
          await this.#persist(job);
        } catch (error) {
          if (!(error instanceof Failure) || error.exitCode === EXIT.ok) throw error;
          say(`ftp: ${error.message}`);
          code ||= error.exitCode;
        }
      }
      await this.#session?.client.quit();
    } finally {
      this.#session?.client.close();
    }
    return code;
  }

  /** The program ends here: keeps what has arrived, and returns what to say about it. */
  interrupt(): string {
    return this.#task?.giveUp() ?? "";
  }

  /** Tries until it is done, or refused for good, or was tried often enough. */
  async #persist(job: Job): Promise<void> {
    const task = this.#task = taskOf(job, this.#options);
    const pauses = waits();
    for (let tries = 1;; tries++) {
      try {
        return await task.attempt({
          reach: () => this.#reach(job),
          open: () => this.#open(job),
        });
      } catch (error) {
        if (!isPassing(error) || !task.repeatable || tries > this.#options.retries) {
          const reason = await this.#isFolder(job, error) ? folderFailure(job, error) : error;
          throw blame(job.url.shown, reason, task.giveUp());
        }
        const wait = pauses.next().value;
        const reason = blame(job.url.shown, error, `; trying again in ${wait / 1000} s`);
        say(`ftp: ${reason.message}`);
        await this.#options.wait(wait);
      }
    }
  }

  /** The session that is used again, in the folder of the URL. */
  async #reach(job: Job): Promise<FtpClient> {
    const { url, server, login, task } = job;
    const folders = task.kind === "names" ? foldersOf(url) : url.folders;
    const key = JSON.stringify([server, login.user, login.password.reveal()]);
    let session = this.#session;
    if (session?.key !== key || session.client.closed || !session.leadsTo(folders)) {
      session?.client.close();
      const client = await this.#options.connect(server);
      session = this.#session = new Session(key, client);
      await client.login(login);
    }
    await session.go(folders, task.kind === "upload" && this.#options.createDirs);
    return session.client;
  }

  /** Whether the server refused because what it has under the name of a file is a folder. */
  async #isFolder({ url, task }: Job, error: unknown): Promise<boolean> {
    const isFile = task.kind === "download" || task.kind === "upload" || task.kind === "facts";
    const isRefused = error instanceof Failure && error.exitCode === EXIT.refused;
    const session = this.#session;
    if (!isFile || !url.name || !isRefused || !session) return false;
    return await session.go(foldersOf(url), false).then(() => true, () => false);
  }

  /** A session of its own; one that sends a folder begins where the login leads. */
  async #open({ url, server, login, task }: Job): Promise<FtpClient> {
    const client = await this.#options.connect(server);
    try {
      await client.login(login);
      const isUpload = task.kind === "mirror" && task.request.up;
      await new Session("", client).go(isUpload ? [] : foldersOf(url), false);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }
}

function folderFailure({ task }: Job, cause: unknown): Failure {
  const what = task.kind === "upload" ? "send into it" : "list it, or fetch all of it by -r";
  return new Failure(EXIT.refused, `is a folder: end it with / to ${what}`, { cause });
}

/** A session, and the folder it is in. */
class Session {
  #folders: readonly string[] = [];

  constructor(readonly key: string, readonly client: FtpClient) {}

  /** Whether it can go to `folders` without going back. */
  leadsTo(folders: readonly string[]): boolean {
    return this.#folders.every((folder, i) => folders[i] === folder);
  }

  /** Goes to `folders`, which it leads to, and makes those that are missing when `create`. */
  async go(folders: readonly string[], create: boolean): Promise<void> {
    const { client } = this;
    for (const folder of folders.slice(this.#folders.length)) {
      const isThere = create
        ? await unlessRefused(client, () => client.cd(folder))
        : await client.cd(folder);
      if (!isThere) {
        await client.mkdir(folder);
        await client.cd(folder);
      }
      this.#folders = [...this.#folders, folder];
    }
  }
}
