/** Uploads to a disk that is full: a small one, in memory, below the served folder. */
import { assertEquals, assertMatch } from "@std/assert";
import { writeAll } from "../../../tools/net/writer.ts";
import { type FtpControl, type Served, withFtpServer } from "../../support/ftp_server.ts";
import { missingProgram, missingRoot, processTestUnless } from "../../support/permissions.ts";
import { runCommand } from "../../support/process.ts";

const DISK = 256 * 1024;
const INODES = 8;
const FITS = "x".repeat(DISK / 2);

/** Why there can be no small disk here: even root may not mount in many a container. */
function missingMount(): string | undefined {
  const root = missingRoot();
  if (root !== undefined || Deno.permissions.querySync({ name: "run" }).state !== "granted") {
    return root;
  }
  const folder = Deno.makeTempDirSync();
  const quiet = { stdout: "null", stderr: "null" } as const;
  const args = ["-t", "tmpfs", "none", folder];
  const { success } = new Deno.Command("mount", { args, ...quiet }).outputSync();
  if (success) new Deno.Command("umount", { args: [folder], ...quiet }).outputSync();
  Deno.removeSync(folder);
  return success ? undefined : "needs to mount";
}

const noMount = missingMount();

interface Place extends Served {
  disk: string;
  client: FtpControl;
  left(): string[];
}

/** A test with the served folder `disk`, which is soon full. */
function diskTest(
  name: string,
  fn: (place: Place) => Promise<void>,
  { keepPartial = false, missing = undefined as string | undefined } = {},
): void {
  processTestUnless(
    missing ?? noMount,
    `ftpd on a full disk: ${name}`,
    () =>
      withFtpServer(async (served) => {
        const disk = `${served.root}/disk`;
        await Deno.mkdir(disk);
        const size = `size=${DISK},nr_inodes=${INODES}`;
        const { stderr } = await runCommand("mount", ["-t", "tmpfs", "-o", size, "none", disk]);
        assertEquals(stderr, "");
        try {
          const client = await served.login();
          assertEquals(await client.codes("TYPE I"), [200]);
          const left = (): string[] => [...Deno.readDirSync(disk)].map(({ name }) => name).sort();
          await fn({ ...served, disk, client, left });
        } finally {
          await runCommand("umount", ["-l", disk]);
        }
      }, { keepPartial }),
  );
}

/** Sends on, whatever the server says meanwhile, until it takes no more; returns its last reply. */
async function flood(client: FtpControl, line: string): Promise<string> {
  using data = await client.data();
  assertMatch(await client.ask(line), /^150 /);
  const piece = new Uint8Array(65536);
  try {
    for (;;) await writeAll(data, piece);
  } catch (error) {
    if (
      !(error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe)
    ) {
      throw error;
    }
  }
  return await client.reply();
}

diskTest("an upload is 552, and leaves nothing", async ({ client, left, log, disk }) => {
  await Deno.writeTextFile(`${disk}/old`, "old");
  for (const line of ["STOR disk/new", "STOR disk/old", "STOU disk/new"]) {
    assertEquals(await flood(client, line), "552 No space left.");
    await log.says(/broke off .*path=\/disk\/(?:new|old) reason="No space left\."\n.* i$/m);
    assertEquals(left(), ["old"], line);
  }
  assertEquals(await Deno.readTextFile(`${disk}/old`), "old");
  // There is room again, and the session goes on.
  assertMatch(await client.store("STOR disk/new", FITS), /^226 /);
  assertEquals(left(), ["new", "old"]);
  assertEquals(/failed/.test(log.text), false);
});

diskTest("what is continued keeps what came", async ({ client, disk }) => {
  assertEquals(await flood(client, "APPE disk/log"), "552 No space left.");
  assertEquals(Deno.statSync(`${disk}/log`).size, DISK);
  assertEquals(await client.codes("REST 1000"), [350]);
  assertEquals(await flood(client, "STOR disk/log"), "552 No space left.");
  assertEquals(Deno.statSync(`${disk}/log`).size, DISK);
});

diskTest("--keep-partial keeps what came", async ({ client, left, disk }) => {
  assertEquals(await flood(client, "STOR disk/new"), "552 No space left.");
  assertEquals(left(), ["new"]);
  assertEquals(Deno.statSync(`${disk}/new`).size, DISK);
}, { keepPartial: true });

diskTest("no room for another name is 452", async ({ client, left, root }) => {
  const made: number[] = [];
  for (let i = 0; i < INODES; i++) made.push(...await client.codes(`MKD disk/${i}`));
  assertEquals(made.slice(-2), [257, 452]);
  const before = left();
  assertMatch(await client.store("STOR disk/new", "x"), /^452 /);
  assertMatch(await client.store("APPE disk/new", "x"), /^452 /);
  assertEquals(left(), before);
  assertEquals(Deno.readTextFileSync(`${root}/hello`), "hello\n");
});

diskTest("curl says so", async ({ port, left, outside }) => {
  await Deno.writeFile(`${outside}/mine`, new Uint8Array(4 * DISK));
  const { code } = await runCommand("curl", [
    "-sS",
    "-T",
    `${outside}/mine`,
    `ftp://127.0.0.1:${port}/disk/mine`,
  ]);
  assertEquals(code, 70); // "Out of disk space on the server": it was not cut off before it had asked.
  assertEquals(left(), []);
}, { missing: missingProgram("curl") });
