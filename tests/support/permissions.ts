/**
 * Which tests can run here. Those that lack a permission, or a program they
 * talk to, are ignored, and their names say why; the last line of the run
 * counts them.
 */

/** Everything `deno test -A` grants that some test needs. */
type Permission = "net" | "read" | "write" | "run" | "env" | "sys";

function granted(name: Permission): boolean {
  return Deno.permissions.querySync({ name }).state === "granted";
}

/** How long a test may take, in milliseconds: one that waits in vain fails and holds nobody up. The longest take some ten seconds. */
const TIMEOUT = 60_000;

/** Registers a test that needs `permissions`; without them it is ignored. */
export function testWith(
  permissions: Permission[],
  name: string,
  fn: (t: Deno.TestContext) => void | Promise<void>,
): void {
  const ignore = !permissions.every(granted);
  Deno.test({ name: ignore ? `${name} (needs -A)` : name, ignore, timeout: TIMEOUT, fn });
}

/** A test with sockets in process. `sys` is for the addresses of the machine. */
export function netTest(
  name: string,
  fn: (t: Deno.TestContext) => void | Promise<void>,
): void {
  testWith(["net", "sys", "read"], name, fn);
}

/** A test that starts programs as a user would. */
export function processTest(
  name: string,
  fn: (t: Deno.TestContext) => void | Promise<void>,
): void {
  testWith(["run", "net", "read", "write", "env", "sys"], name, fn);
}

/** As `processTest`, where `missing` is nothing; else ignored, and the name says what is missing. */
export function processTestUnless(
  missing: string | undefined,
  name: string,
  fn: (t: Deno.TestContext) => void | Promise<void>,
): void {
  if (missing === undefined) return processTest(name, fn);
  Deno.test({
    name: `${name} (${missing})`,
    ignore: missing.length > 0,
    fn,
  });
}

/** Why a test that only root can run is ignored here, or undefined. */
export function missingRoot(): string | undefined {
  if (!granted("sys")) return undefined; // Ignored for want of permissions.
  return Deno.build.os === "linux" && Deno.uid() === 0 ? undefined : "needs root";
}

/** Why a test with the program `name` cannot run, or undefined when it is installed. */
export function missingProgram(name: string): string | undefined {
  if (!granted("read") || !granted("env")) return undefined; // Ignored for want of permissions.
  const folders = (Deno.env.get("PATH") ?? "").split(
    Deno.build.os === "windows" ? ";" : ":",
  );
  const found = folders.some((folder) => {
    try {
      return Deno.statSync(`${folder}/${name}`).isFile;
    } catch {
      return false;
    }
  });
  return found ? undefined : `${name} is not installed`;
}
