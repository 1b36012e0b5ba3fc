/** Programs as processes, ours and those of others, for benchmarks. */
import { fromFileUrl } from "@std/path";
import { closeQuietly } from "../net/errors.ts";
import { findProgram } from "../labsock/registry.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** A command and its arguments. */
export type CommandLine = readonly [command: string, ...args: string[]];

/** The command line of our program `name`. With -A, since nothing less opens files in /dev/shm. */
export function ours(name: string, ...args: string[]): CommandLine {
  const file = findProgram(name)?.file;
  if (file === undefined) throw new Error(`there is no program ${name}`);
  return [
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    `--config=${ROOT}deno.json`,
    ROOT + file,
    ...args,
  ];
}

/** The file of the program `name`; undefined when it is not installed. */
export async function findInstalled(name: string): Promise<string | undefined> {
  const separator = Deno.build.os === "windows" ? ";" : ":";
  const folders = (Deno.env.get("PATH") ?? "").split(separator);
  // Servers stand where the PATH of a plain user does not lead.
  for (const folder of [...folders, "/usr/sbin", "/usr/local/sbin"]) {
    const path = `${folder}/${name}`;
    const info = await Deno.stat(path).catch(() => undefined);
    if (info?.isFile) return path;
  }
  return undefined;
}

/** Runs a command to its end; returns how many seconds that took. Throws, with what it said, when it fails. */
export async function timed([command, ...args]: CommandLine): Promise<number> {
  const start = performance.now();
  const { success, stderr } = await new Deno.Command(command, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  const seconds = (performance.now() - start) / 1000;
  if (!success) throw new Error(`${command} failed: ${lastLine(stderr)}`);
  return seconds;
}

/** Starts a server that runs until `stack` ends it, and waits until `ready` says so. Returns its process id. */
export async function startServer(
  stack: AsyncDisposableStack,
  [command, ...args]: CommandLine,
  ready: () => Promise<boolean>,
): Promise<number> {
  const path = command.includes("/") ? command : await findInstalled(command);
  if (path === undefined) throw new Error(`${command} is not installed`);
  const child = new Deno.Command(path, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let over = false;
  const ended = child.status.then(() => over = true);
  const kill = (): void => {
    if (!over) child.kill("SIGTERM");
  };
  addEventListener("unload", kill);
  stack.defer(async () => {
    removeEventListener("unload", kill);
    kill();
    await ended;
  });
  await until(`${command} to be ready`, () => {
    if (over) throw new Error(`${command} ended at once`);
    return ready();
  });
  return child.pid;
}

/** A port of 127.0.0.1 that was free a moment ago, for a server that cannot choose one itself. */
export function freePort(): number {
  for (;;) {
    // Of those that no system gives to clients: they could take it before the server does.
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

/** Whether something listens on the TCP port `port` of 127.0.0.1. */
export async function listens(port: number): Promise<boolean> {
  try {
    closeQuietly(await Deno.connect({ hostname: "127.0.0.1", port }));
    return true;
  } catch {
    return false;
  }
}

// Longer than the slowest peer takes to start on a busy machine.
const PATIENCE = 20_000;

/** Asks `probe` until it says yes. Throws when it does not in time. */
export async function until(what: string, probe: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE;
  while (!await probe()) {
    if (performance.now() > end) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function lastLine(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).trimEnd().split("\n").at(-1) ?? "";
}
