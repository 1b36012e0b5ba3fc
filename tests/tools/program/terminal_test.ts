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

/** Why there is no Linux here, or undefined. */
const notLinux = Deno.build.os === "linux" ? undefined : "needs Linux";

processTestUnless(notLinux, "writeOut() says when there is no room for the output", async () => {
  assertEquals(await inShell(`"$@" heap >/dev/full`), {
    code: 4,
    stdout: "",
    stderr: "toy: standard output: no space left on the disk\n",
  });
});

processTestUnless(notLinux, "say() minds nothing, as there is nobody left to tell", async () => {
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

// A pipe that refuses when it is full, and a reader that begins when it is.
const NON_BLOCKING = `
import array, fcntl, os, subprocess, sys, termios
reader, writer = os.pipe()
fcntl.fcntl(writer, fcntl.F_SETFL, fcntl.fcntl(writer, fcntl.F_GETFL) | os.O_NONBLOCK)
child = subprocess.Popen(sys.argv[1:], stdout=writer)
os.close(writer)
room, queued = fcntl.fcntl(reader, 1032), array.array("i", [0]) # F_GETPIPE_SZ
while queued[0] < room: fcntl.ioctl(reader, termios.FIONREAD, queued)
length = 0
while data := os.read(reader, 65536): length += len(data)
print(length, child.wait())
`;

processTestUnless(
  notLinux ?? missingProgram("python3"),
  "writeOut() waits for room where the output does not wait by itself",
  async () => {
    const line = commandLine("tests/support/toy.ts", ["heap"], toy.permissions);
    const args = ["-c", NON_BLOCKING, Deno.execPath(), ...line];
    assertEquals(await runCommand("python3", args), {
      code: 0,
      stdout: `${HEAP} 0\n`,
      stderr: "",
    });
  },
);
