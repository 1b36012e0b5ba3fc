/** The folder of a file server, when the user who runs the server may not do everything there. */
import { assertEquals, assertMatch } from "@std/assert";
import { missingRoot, processTestUnless } from "../support/permissions.ts";
import { run, ServerProcess } from "../support/process.ts";

const AS_NOBODY = "tests/support/as_nobody.ts";
const AT = ["--host", "127.0.0.1", "--port", "0"];

/** Runs `fn` with a folder of this mode, which belongs to root. */
async function inFolder(mode: number, fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.chmod(folder, mode);
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const name of ["ftpd", "tftpd"]) {
  processTestUnless(missingRoot(), `${name} serves no folder that lets it not in`, async () => {
    for (const mode of [0o000, 0o744]) {
      await inFolder(mode, async (folder) => {
        const { code, stderr } = await run(AS_NOBODY, [name, folder, ...AT]);
        assertEquals([code, stderr], [4, `${name}: ${folder}: permission denied\n`]);
      });
    }
  });

  processTestUnless(missingRoot(), `${name} --write says when it can store nothing`, async () => {
    await inFolder(0o755, async (folder) => {
      await using server = await ServerProcess.start(AS_NOBODY, [name, folder, "--write", ...AT]);
      await server.stop();
      assertMatch(
        server.stderr,
        /^\w+: nothing can be stored in \S+ itself: permission denied\n\w+: listening on [^\n]+\n$/,
      );
    });
    await inFolder(0o777, async (folder) => {
      await using server = await ServerProcess.start(AS_NOBODY, [name, folder, "--write", ...AT]);
      await server.stop();
      assertMatch(server.stderr, /^\w+: listening on [^\n]+\n$/);
      assertEquals([...Deno.readDirSync(folder)], []);
    });
  });
}
