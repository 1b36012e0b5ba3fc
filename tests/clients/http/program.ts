/** Running the http program as its user does. */
import { command } from "../../../clients/http.ts";
import { commandLine, type Ended, run, ServerProcess } from "../../support/process.ts";

export const OK = "HTTP/1.1 200 OK\r\n";
export const HELLO = `${OK}Content-Length: 5\r\n\r\nhello`;
export const MODIFIED = "Sun, 22 Feb 1998 17:37:43 GMT";
/** By these dates the server's copy can be told from others (RFC 9110 section 8.8.2.2). */
export const DATES = `Date: Mon, 23 Feb 1998 00:00:00 GMT\r\nLast-Modified: ${MODIFIED}\r\n`;

/** Runs `http` to its end, with the permissions its help names and no more. */
export function http(
  args: string[],
  options: { stdin?: string; cwd?: string } = {},
): Promise<Ended> {
  return run("clients/http.ts", args, { permissions: command.permissions, ...options });
}

/** Starts `http`, to be stopped by a signal. */
export function startHttp(args: string[], cwd: string): ServerProcess {
  const line = commandLine("clients/http.ts", args, command.permissions);
  return new ServerProcess(Deno.execPath(), line, { cwd });
}

/** Resolves when the file has `size` bytes. */
export async function fileHas(path: string, size: number): Promise<void> {
  using watcher = Deno.watchFs(path.replace(/\/[^/]*$/, ""));
  const has = async (): Promise<boolean> => {
    const info = await Deno.stat(path).catch(() => undefined);
    return info !== undefined && info.size >= size;
  };
  if (await has()) return;
  for await (const _event of watcher) {
    if (await has()) return;
  }
}

/** Runs `test` in a new folder. */
export async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
