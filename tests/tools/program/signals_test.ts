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
