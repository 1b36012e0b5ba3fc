/** Mirrors a folder and all that is below it, from a server or to it: only what differs is moved. */
import { EXIT, Failure } from "../../tools/program/failure.ts";
import { visible } from "../../tools/protocol/text.ts";
import { blame } from "./blame.ts";
import { type FtpClient, FtpError } from "./client.ts";
import type { Direction, FileTask } from "./mirror_direction.ts";
import { Down } from "./mirror_down.ts";
import { type Filter, mirrorFilter } from "./mirror_filter.ts";
import type { MirrorOptions, MirrorResult, MirrorTotals } from "./mirror_options.ts";
import { type Item, type Plan, planFolder } from "./mirror_plan.ts";
import { Up } from "./mirror_up.ts";
import { LastingSession, NoSession } from "./retry.ts";
import { WorkQueue } from "./work_queue.ts";

export type { MirrorOptions, MirrorResult, MirrorTotals };

/** As many as anybody reads; a disk that is full could bring one for each file. */
export const MOST_PROBLEMS = 1000;

/** Levels of folders. Nobody nests deeper, but a link that leads back, on a server that does not say so, has no end. */
export const DEEPEST = 64;

/** So many files wait to be moved before folders are looked at further: the rest of the tree needs no memory yet. */
export const ENOUGH_FILES = 1000;

interface FolderTask {
  path: string;
  /** The target has it not. */
  isNew: boolean;
  /** The `unique` facts of the folders that lead here. */
  trail: readonly string[];
}

type Task = FolderTask | FileTask;

/** Mirrors; resolves when all is done that can be. Throws what the session throws, and Failure, when not even the folder itself can be had. */
export async function mirror(options: MirrorOptions): Promise<MirrorResult> {
  return await new Mirror(options).run();
}

class Mirror {
  readonly #options: MirrorOptions;
  readonly #direction: Direction;
  readonly #isWanted: Filter;
  readonly #queue = new WorkQueue<Task>(ENOUGH_FILES);
  readonly #sessions = new Set<LastingSession>();
  readonly #finishing = new Set<Promise<void>>();
  readonly #stopped = new AbortController();
  #fatal: { error: unknown } | undefined;
  readonly #result: MirrorResult = {
    files: 0,
    bytes: 0,
    filesDone: 0,
    bytesDone: 0,
    folders: 0,
    same: 0,
    removed: 0,
    skipped: 0,
    failed: 0,
    problems: [],
    exitCode: EXIT.ok,
  };

  constructor(options: MirrorOptions) {
    this.#options = options;
    const { up, local, remote, rate, include, exclude } = options;
    const moving = { rate, onMoved: (bytes: number) => this.#count({ bytesDone: bytes }) };
    this.#direction = up ? new Up(local, remote, moving) : new Down(remote, local, moving);
    this.#isWanted = mirrorFilter(include, exclude);
  }

  async run(): Promise<MirrorResult> {
    const { sessions, signal } = this.#options;
    const interrupt = (): void => this.#stop(new Failure(EXIT.interrupted, "interrupted"));
    signal?.addEventListener("abort", interrupt);
    try {
      this.#queue.add("first", { path: "", isNew: false, trail: [] });
      await Promise.all(Array.from({ length: sessions }, () => this.#work()));
    } finally {
      signal?.removeEventListener("abort", interrupt);
    }
    await Promise.all(this.#finishing);
    if (!this.#fatal) return this.#result;
    const { error } = this.#fatal;
    if (this.#result.folders === 0) throw error instanceof NoSession ? error.cause : error;
    const { message, exitCode } = error instanceof Failure ? error : blame("mirror", error);
    return { ...this.#result, problems: [...this.#result.problems, message], exitCode };
  }

  /** One session, as long as there is work. */
  async #work(): Promise<void> {
    const { connect, retries, wait, onNote } = this.#options;
    const { signal } = this.#stopped;
    const session = new LastingSession({
      async connect(): Promise<FtpClient> {
        signal.throwIfAborted();
        return await connect();
      },
      retries,
      wait: (milliseconds) => wait(milliseconds, signal),
      onRetry: (reason, wait) => onNote(`${reason}; trying again in ${wait / 1000} s`),
    });
    this.#sessions.add(session);
    try {
      while (this.#sessions.has(session)) {
        const task = await this.#queue.take();
        if (task === undefined) return await session.quit();
        await this.#perform(session, task);
        this.#queue.done();
      }
    } finally {
      this.#sessions.delete(session);
      session.close();
    }
  }

  /** Whether we can do without one of the sessions. */
  get #isSpare(): boolean {
    return this.#sessions.size > 1 && this.#result.folders > 0;
  }

  async #perform(session: LastingSession, task: Task): Promise<void> {
    const path = pathOf(task);
    try {
      // Servers limit how many sessions one may have: only the last one is insisted on.
      if (!session.wasMade && this.#isSpare) await session.reach(0);
      await session.run(
        path,
        (client) => this.#do(client, task),
        () => "item" in task ? task.offset : 0,
      );
    } catch (error) {
      if (this.#fatal) return;
      if (error instanceof NoSession && this.#isSpare) {
        this.#sessions.delete(session);
        this.#add(task);
      } else if (error instanceof NoSession || path === "" || isDiskFull(error)) {
        this.#stop(error);
      } else {
        this.#fail(path, error);
      }
    }
  }

  /**
   * Some servers want every data connection to resume the TLS session of its
   * control connection, of which the system keeps those of one or two sessions.
   * One that is not among these leaves the work to the others; the last one is
   * made again.
   */
  async #do(client: FtpClient, task: Task): Promise<void> {
    try {
      await ("item" in task ? this.#move(client, task) : this.#enter(client, task));
    } catch (error) {
      const isUnresumed = client.tlsVersion !== undefined && error instanceof FtpError &&
        (error.code === 425 || error.code === 522);
      if (!isUnresumed) throw error;
      client.close();
      if (this.#isSpare) throw new NoSession(error.exitCode, error.message, { cause: error });
      throw error;
    }
  }

  #add(task: Task): void {
    this.#queue.add("item" in task ? "then" : "first", task);
  }

  /** Nothing more is begun, and what is under way ends. */
  #stop(error: unknown): void {
    this.#fatal ??= { error };
    this.#queue.clear();
    this.#stopped.abort(error);
    for (const session of this.#sessions) session.close();
  }

  async #move(client: FtpClient, task: FileTask): Promise<void> {
    const left = sizeOf(task);
    const finish = await this.#direction.move(client, task);
    if (!finish) return this.#count({ same: 1, files: -1, bytes: -left });
    // In the next turn, when the server is busy with the next file already.
    const finishing = nextTurn().then(() => {
      finish();
      this.#count({ filesDone: 1 });
    }).catch((error) => this.#fail(pathOf(task), error)).then(() => {
      this.#finishing.delete(finishing);
    });
    this.#finishing.add(finishing);
  }

  /** Looks at a folder, and adds what is to be done below it. */
  async #enter(client: FtpClient, { path, isNew, trail }: FolderTask): Promise<void> {
    const direction = this.#direction;
    const { up, dryRun } = this.#options;
    let isThere = path === "" ? await direction.begin(client) : !isNew;
    const source = await direction.source(client, path);
    if (!isThere && !dryRun) isThere = !await direction.make(client, path);
    const target = isThere ? await direction.target(client, path) : [];
    const isWindows = Deno.build.os === "windows";
    const plan = planFolder(source, target, {
      up,
      delete: this.#options.delete,
      wanted: (name, isFolder) => this.#isWanted(joined(path, name), isFolder),
      foldCase: !up && (isWindows || Deno.build.os === "darwin"),
      windows: isWindows,
    });
    if (
      source.length === 0 && plan.removals.length > 0 && !await direction.isEmpty(client, path)
    ) {
      this.#fail(path, new Failure(EXIT.refused, "the server does not show what is in it"));
      plan.removals = [];
    }
    const removals = await direction.tellLinks(client, path, plan.removals);
    if (dryRun) await this.#options.onPlan(planText(path, plan, removals, up ? "put" : "get"));
    else for (const item of removals) await this.#remove(client, path, item);
    for (const { name, reason } of plan.notes) this.#skip(joined(path, name), reason);
    for (const { item, isNew } of plan.folders) this.#descend(path, trail, item, isNew);
    const tasks = plan.files.map((action) => ({ ...action, path }));
    this.#count({
      folders: 1,
      same: plan.same,
      files: tasks.length,
      bytes: tasks.reduce((sum, task) => sum + sizeOf(task), 0),
    });
    if (!dryRun) { for (const task of tasks) this.#add(task); }
  }

  #descend(folder: string, trail: readonly string[], { name, unique }: Item, isNew: boolean): void {
    const path = joined(folder, name);
    if (unique !== undefined && trail.includes(unique)) {
      this.#skip(path, "leads back to a folder above it");
    } else if (path.split("/").length > DEEPEST) {
      this.#skip(path, `is more than ${DEEPEST} folders deep`);
    } else {
      this.#add({ path, isNew, trail: unique === undefined ? trail : [...trail, unique] });
    }
  }

  async #remove(client: FtpClient, path: string, item: Item): Promise<void> {
    try {
      await this.#direction.remove(client, path, item);
      this.#count({ removed: 1 });
    } catch (error) {
      if (client.closed) throw error;
      this.#fail(joined(path, item.name), error);
    }
  }

  #count(changes: Partial<MirrorTotals>): void {
    let name: keyof MirrorTotals;
    for (name in changes) this.#result[name] += changes[name] ?? 0;
    this.#options.onProgress(this.#result);
  }

  #skip(path: string, reason: string): void {
    this.#count({ skipped: 1 });
    this.#tell(`${visible(path)}: ${reason}: left alone`);
  }

  #fail(path: string, error: unknown): void {
    const { exitCode, message } = blame(visible(path), error);
    this.#count({ failed: 1 });
    this.#result.exitCode ||= exitCode;
    this.#tell(message);
  }

  #tell(problem: string): void {
    if (this.#result.problems.length < MOST_PROBLEMS) this.#result.problems.push(problem);
  }
}

function joined(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

function pathOf(task: Task): string {
  return "item" in task ? joined(task.path, task.item.name) : task.path;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What is left of a file to be moved. */
function sizeOf({ item: { size }, offset }: FileTask): number {
  return size === undefined ? 0 : size - offset;
}

function isDiskFull(error: unknown): boolean {
  return error instanceof Failure &&
    (error.cause as { code?: string } | undefined)?.code === "ENOSPC";
}

/** What would be done in a folder. */
function planText(folder: string, plan: Plan, removals: readonly Item[], verb: string): string {
  const line = (word: string, { name, type }: Item): string =>
    `${word} ${visible(joined(folder, name))}${type === "dir" ? "/" : ""}\n`;
  return [
    ...removals.map((item) => line("delete", item)),
    ...plan.folders.filter(({ isNew }) => isNew).map(({ item }) => line("make", item)),
    ...plan.files.map(({ item }) => line(verb, item)),
  ].join("");
}
