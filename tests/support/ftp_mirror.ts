/** What tests of mirrors share. */
import type { FtpClient } from "../../clients/ftp/client.ts";
import { mirror, type MirrorOptions, type MirrorResult } from "../../clients/ftp/mirror.ts";

/** What a mirror did, and what it told. */
export interface Mirrored extends MirrorResult {
  /** The lines of a dry run. */
  plan: string[];
  notes: string[];
  /** The waits between attempts, in seconds. */
  waits: number[];
}

/** Mirrors the root of a server here, with one session, unless `options` says otherwise. */
export async function mirrored(
  connect: () => Promise<FtpClient>,
  local: string,
  options: Partial<MirrorOptions> = {},
): Promise<Mirrored> {
  const [plan, notes, waits]: [string[], string[], number[]] = [[], [], []];
  const result = await mirror({
    connect,
    up: false,
    remote: "",
    local,
    sessions: 1,
    delete: false,
    include: [],
    exclude: [],
    dryRun: false,
    retries: 0,
    rate: undefined,
    // deno-lint-ignore require-await
    async wait(milliseconds): Promise<void> {
      waits.push(milliseconds / 1000);
    },
    // deno-lint-ignore require-await
    async onPlan(lines): Promise<void> {
      plan.push(...lines.split("\n").slice(0, -1));
    },
    onNote: (line) => notes.push(line),
    onProgress: () => {},
    ...options,
  });
  return { ...result, plan, notes, waits };
}

/** What is below a local folder, sorted: files with their text, folders with a slash at their ends, links. */
export function localTree(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  const visit = (path: string): void => {
    for (const { name, isDirectory, isSymlink } of Deno.readDirSync(`${folder}/${path}`)) {
      const inner = path + name;
      if (isDirectory) {
        found[`${inner}/`] = "";
        visit(`${inner}/`);
      } else {
        found[inner] = isSymlink ? "a link" : Deno.readTextFileSync(`${folder}/${inner}`);
      }
    }
  };
  visit("");
  return Object.fromEntries(Object.entries(found).sort(([a], [b]) => a < b ? -1 : 1));
}

/** Makes files below a local folder, of the time `modified`. */
export function makeLocalTree(
  folder: string,
  files: Record<string, string | Uint8Array>,
  modified: Date,
): void {
  for (const [path, data] of Object.entries(files)) {
    const file = `${folder}/${path}`;
    Deno.mkdirSync(file.replace(/\/[^/]*$/, ""), { recursive: true });
    if (typeof data === "string") Deno.writeTextFileSync(file, data);
    else Deno.writeFileSync(file, data);
    Deno.utimeSync(file, modified, modified);
  }
}
