/** Servers started by a user who may not take low ports. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { PROGRAMS } from "../../tools/labsock/registry.ts";
import { missingProgram, processTestUnless } from "../support/permissions.ts";
import { commandLine, ROOT, runCommand, ServerProcess } from "../support/process.ts";

/** Why no server can be started as another user here, or undefined. */
function cannotSwitchUser(): string | undefined {
  for (const name of ["run", "sys"] as const) {
    if (Deno.permissions.querySync({ name }).state !== "granted") return undefined;
  }
  if (Deno.uid() !== 0) return "needs root, to become nobody";
  const missing = missingProgram("unshare");
  if (missing !== undefined) return missing;
  // A network of its own: there the low ports are root's and free, whatever the machine's settings.
  const { success } = new Deno.Command("unshare", { args: ["-n", "true"] }).outputSync();
  return success ? undefined : "this root may not make a network namespace";
}

/** The command line that runs a program as nobody. */
function asNobody(name: string, args: string[]): string[] {
  return ["-n", Deno.execPath(), ...commandLine("tests/support/as_nobody.ts", [name, ...args])];
}

/** The servers that have a twin port, by what their help says of `--port`. */
async function serversWithTwins(): Promise<[name: string, port: string, twin: string][]> {
  const servers = await Promise.all(
    PROGRAMS.filter(({ kind }) => kind === "server").map(async ({ names: [name], load }) => {
      const { command } = await load();
      const [, port = "", twin = ""] = /^(\d+), or (\d+) if/.exec(
        command.options.port?.shown ?? "",
      ) ?? [];
      return [name, port, twin] as [string, string, string];
    }),
  );
  return servers.filter(([, port]) => port !== "");
}

/** What a server needs on its command line. */
const ARGUMENTS: Record<string, string[]> = {};

processTestUnless(
  cannotSwitchUser(),
  "a user who may not take the well-known port gets its twin, and is told so",
  async () => {
    const servers = await serversWithTwins();
    assertEquals(servers.find(([name]) => name === "daytimed"), ["daytimed", "13", "1313"]);
    for (const [name, port, twin] of servers) {
      const args = ARGUMENTS[name] ?? [];
      await using server = new ServerProcess("unshare", asNobody(name, args), { cwd: ROOT });
      await server.says(new RegExp(`^${name}: listening on .*:${twin}$`, "m"));
      assertStringIncludes(
        server.stderr,
        `port ${port} is not allowed for this user: taking ${twin}\n`,
      );
      const told = await runCommand("unshare", asNobody(name, [...args, "--port", port]), {
        cwd: ROOT,
      });
      assertEquals(told, {
        code: 3,
        stdout: "",
        stderr: `${name}: port ${port}: not allowed for this user ` +
          "(take a port above 1023, or run as root)\n",
      });
    }
  },
);
