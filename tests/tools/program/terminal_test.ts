import { assert, assertEquals } from "@std/assert";
import { missingProgram, processTest, processTestUnless } from "../../support/permissions.ts";
import { commandLine, type Ended, run, runCommand } from "../../support/process.ts";
import { command as toy, HEAP } from "../../support/toy.ts";

/** Runs a shell script in which `"$@"` is the toy program. */
async function inShell(script: string): Promise<Ended> {
  const line = commandLine("tests/support/toy.ts", [], toy.permissions);
  return await runCommand("sh", ["-c", script, "sh", Deno.execPath(), ...line]);
}

// What comes next in the pipe writes to nobody: the reader is known to be gone.
const UNTIL_GONE = `trap "" PIPE; while echo 2>/dev/null; do :; done`;

processTestUnless(
  missingProgram("sh"),
  "a program whose reader goes away ends quietly, and well",
  async () => {
    const head = await inShell(`{ "$@" pour; echo "code $?" >&2; } | head -n 1`);
    assertEquals(head, { code: 0, stdout: "line 1\n", stderr: "code 0\n" });
    const help = await inShell(`{ ${UNTIL_GONE}; "$@" --help; echo "code $?" >&2; } | :`);
    assertEquals(help, { code: 0, stdout: "", stderr: "code 0\n" });
  },
);

processTest("writeOut() writes all, however much it is", async () => {
  const { code, stdout, stderr } = await run("tests/support/toy.ts", ["heap"]);
  assertEquals([code, stdout.length, stderr], [0, HEAP, ""]);
  assert(/^x*$/.test(stdout));
});

/** Why there is no file here that is always full, or undefined. */
const noFull = Deno.build.os === "linux" ? undefined : "needs /dev/full";

processTestUnless(noFull, "writeOut() says when there is no room for the output", async () => {
  assertEquals(await inShell(`"$@" heap >/dev/full`), {
    code: 4,
    stdout: "",
    stderr: "toy: standard output: no space left on the disk\n",
  });
});

processTestUnless(noFull, "say() minds nothing, as there is nobody left to tell", async () => {
  assertEquals(await inShell(`"$@" talk 2>/dev/full`), { code: 0, stdout: "", stderr: "" });
  assertEquals(await inShell(`"$@" refuse 2>/dev/full`), { code: 5, stdout: "", stderr: "" });
  const gone = await inShell(`{ ${UNTIL_GONE}; "$@" talk 2>&1; echo "code $?" >&2; } | :`);
  assertEquals(gone, { code: 0, stdout: "", stderr: "code 0\n" });
});

processTest("say() writes a line at once, in its order", async () => {
  const { stderr } = await run("tests/support/toy.ts", ["talk"]);
  assertEquals(stderr.split("\n"), [
    ...Array.from({ length: 100 }, (_, i) => `word ${i + 1}`),
    "",
  ]);
});
