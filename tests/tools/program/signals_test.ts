import { assertEquals } from "@std/assert";
import { processTestUnless } from "../../support/permissions.ts";
import { commandLine, ServerProcess } from "../../support/process.ts";
import { command as toy } from "../../support/toy.ts";

processTestUnless(
  Deno.build.os === "windows" ? "signals cannot be sent there" : undefined,
  "onStop() hears of each signal that asks to stop, until it is disposed of",
  async () => {
    const line = commandLine("tests/support/toy.ts", ["signals"], toy.permissions);
    for (const [first, second] of [["SIGINT", "SIGTERM"], ["SIGTERM", "SIGTERM"]] as const) {
      await using program = new ServerProcess(Deno.execPath(), line);
      await program.says(/^ready\n/);
      program.kill(first);
      await program.says(new RegExp(`^ready\ngot ${first}\n`));
      program.kill(second);
      await program.says(new RegExp(`^ready\ngot ${first}\ngot ${second}\n`));
      // Nobody listens any more: a signal does what it does to any program.
      await program.says(/as before\n$/);
      assertEquals(await program.stop(first), first === "SIGINT" ? 130 : 143);
      assertEquals(program.stderr, `ready\ngot ${first}\ngot ${second}\nas before\n`);
    }
  },
);

/** The program `toy ACTION` once it is ready, started by the shell command `before`. */
async function started(
  action: string,
  permissions: string[],
  before = "true",
): Promise<ServerProcess> {
  const line = commandLine("tests/support/toy.ts", [action], permissions);
  const script = `${before} && exec "$0" "$@"`;
  const program = new ServerProcess("sh", ["-c", script, Deno.execPath(), ...line]);
  await program.says(/^ready\n/);
  return program;
}

processTestUnless(
  Deno.build.os === "linux" ? undefined : "the system tells nothing of signals",
  "SIGHUP asks to stop, once, unless it is ignored, another part's, or nothing is known of it",
  async () => {
    {
      await using program = await started("signals", ["-A"]);
      program.kill("SIGHUP");
      await program.says(/got SIGHUP\n/);
      program.kill("SIGHUP");
      program.kill("SIGINT");
      await program.says(/^ready\ngot SIGHUP\ngot SIGINT\nas before\n$/);
    }
    for (const [action, before] of [["signals", "trap '' HUP"], ["renew", "true"]] as const) {
      await using program = await started(action, ["-A"], before);
      program.kill("SIGHUP");
      if (action === "renew") await program.says(/renewed\n/);
      program.kill("SIGINT");
      await program.says(/got SIGINT\n/);
      assertEquals(program.stderr.includes("SIGHUP"), false);
    }
    // As any program.
    await using program = await started("signals", toy.permissions);
    assertEquals(await program.stop("SIGHUP"), 129);
  },
);
