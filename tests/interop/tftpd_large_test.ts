/** Files that are larger than the numbers of blocks: those go round, in lock-step and in windows. */
import { assertEquals } from "@std/assert";
import { missingProgram, processTestUnless } from "../support/permissions.ts";
import { runCommand, ServerProcess } from "../support/process.ts";
import { pattern } from "../support/tftp_line.ts";

const HERE = "127.0.0.1";

/** Runs `test` with our server on an empty folder, in which the clients run too. */
async function withServer(test: (port: string, folder: string) => Promise<void>): Promise<void> {
  // In memory, where there is such a folder: reading a hole of a disk fills the page cache.
  const memory = await Deno.stat("/dev/shm").then(() => ({ dir: "/dev/shm" }), () => ({}));
  const folder = await Deno.makeTempDir(memory);
  try {
    await using server = await ServerProcess.start(
      "servers/tftp.ts",
      [folder, "--host", HERE, "--port", "0", "--overwrite"],
      { permissions: ["-A"] }, // Nothing less opens files there.
    );
    await test(`${await server.port("udp")}`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function run(program: string, args: string[], cwd: string): Promise<void> {
  const { code, stdout, stderr } = await runCommand(program, args, { cwd });
  assertEquals(code, 0, `${program}: ${stdout}${stderr}`);
}

const MIB = 2 ** 20;
// In blocks of 512 bytes the numbers go round twice.
const SIZE = 70 * MIB + 77;

/** Whether two files are the same, byte by byte. */
async function assertSame(one: string, other: string): Promise<void> {
  const { code } = await runCommand("cmp", [one, other]);
  assertEquals(code, 0, `${one} and ${other} differ`);
}

processTestUnless(
  missingProgram("atftp"),
  "tftpd: 70 MiB in blocks of 512 bytes and windows of 16, both ways",
  async () => {
    await withServer(async (port, folder) => {
      await Deno.writeFile(`${folder}/large`, pattern(SIZE));
      const options = ["--option", "blksize 512", "--option", "windowsize 16"];
      await run("atftp", [...options, "-g", "-r", "large", "-l", "down", HERE, port], folder);
      await assertSame(`${folder}/large`, `${folder}/down`);
      await run("atftp", [...options, "-p", "-l", "large", "-r", "up", HERE, port], folder);
      await assertSame(`${folder}/large`, `${folder}/up`);
    });
  },
);

processTestUnless(
  missingProgram("tftp"),
  "tftpd: 70 MiB in lock-step with tftp, both ways",
  async () => {
    await withServer(async (port, folder) => {
      await Deno.writeFile(`${folder}/large`, pattern(SIZE));
      const tftp = ["-m", "octet", HERE, port, "-c"];
      await run("tftp", [...tftp, "get", "large", "down"], folder);
      await assertSame(`${folder}/large`, `${folder}/down`);
      await run("tftp", [...tftp, "put", "large", "up"], folder);
      await assertSame(`${folder}/large`, `${folder}/up`);
    });
  },
);

const GIB = 2 ** 30;

processTestUnless(
  missingProgram("curl"),
  "tftpd: 5 GiB, mostly a hole, in blocks of 65464 bytes",
  async () => {
    await withServer(async (port, folder) => {
      const marks = [0, 65463, 2 ** 31 - 2, 2 ** 32 - 1, 5 * GIB];
      {
        using file = await Deno.open(`${folder}/hole`, { write: true, create: true });
        for (const mark of marks) {
          await file.seek(mark, Deno.SeekMode.Start);
          await file.write(Uint8Array.of(1, 2, 3));
        }
      }
      const url = `tftp://${HERE}:${port}/hole`;
      await run("sh", ["-c", `curl -sS --tftp-blksize 65464 ${url} | cmp - hole`], folder);
    });
  },
);
