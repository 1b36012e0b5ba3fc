/** Clients in C for benchmarks, and what they and their servers are asked: figures, and memory. */
import { fromFileUrl } from "@std/path";
import { findInstalled, timed } from "./processes.ts";

/** Compiles `source`, a file of this folder, into `folder`; returns the program's file. */
export async function compileLoad(folder: string, source: string): Promise<string> {
  if (await findInstalled("cc") === undefined) {
    throw new Error("cc is not installed: the client of this benchmark is a program in C");
  }
  const file = `${folder}/load`;
  const path = fromFileUrl(new URL(source, import.meta.url));
  await timed(["cc", "-O2", "-pthread", "-o", file, path]);
  return file;
}

/** Runs `load` and returns the figures that it prints. */
export async function figures(load: string, ...args: string[]): Promise<number[]> {
  const { success, stdout, stderr } = await new Deno.Command(load, { args }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr).trim());
  return new TextDecoder().decode(stdout).split(" ").map(Number);
}

/** Runs `load`, which says when it is ready and stays to the end of its input, until `stack` ends it. */
export async function holdLoad(
  stack: AsyncDisposableStack,
  load: string,
  ...args: string[]
): Promise<void> {
  const client = new Deno.Command(load, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  stack.defer(async () => {
    await client.stdin.close();
    await client.stdout.cancel();
    await client.status;
  });
  const reader = client.stdout.getReader();
  const { done } = await reader.read();
  reader.releaseLock();
  if (done) throw new Error(`${args.join(" ")} failed`);
}

/**
 * The memory of a server in MiB: what is resident of its process. Where it has a
 * process for each client, what they share counts once (Linux's Pss).
 */
export async function serverMemory(pid: number): Promise<number> {
  const family = await descendants(pid);
  if (family.length === 0) return await memoryFigure(`/proc/${pid}/status`, "VmRSS");
  const shares = [pid, ...family].map((pid) => memoryFigure(`/proc/${pid}/smaps_rollup`, "Pss"));
  return (await Promise.all(shares)).reduce((sum, share) => sum + share, 0);
}

async function descendants(pid: number): Promise<number[]> {
  const text = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`).catch(() => "");
  const children = text.split(" ").filter((word) => word !== "").map(Number);
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}

/** In MiB, of what Linux says in KiB. */
async function memoryFigure(file: string, name: string): Promise<number> {
  const text = await Deno.readTextFile(file).catch(() => "");
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1]) / 1024;
}
