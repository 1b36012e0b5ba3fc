/** Real FTP clients against our server by TLS; data connections must resume the session. */
import { assertEquals, assertMatch } from "@std/assert";
import type { FtpTls } from "../../servers/ftp/settings.ts";
import { type Served, withFtpServer } from "../support/ftp_server.ts";
import { AUTHORITY, SERVER } from "../support/identities.ts";
import { missingProgram, processTestUnless } from "../support/permissions.ts";
import { run, runCommand } from "../support/process.ts";

const STRICT: FtpTls = { identity: () => SERVER, implicit: false, required: "all", reuse: true };
const LARGE = 3_000_000;

interface Place extends Served {
  /** A folder with `mine`, 3 MB, and `ca.pem`. */
  local: string;
  mine: Uint8Array;
}

function tlsTest(
  program: string | undefined,
  name: string,
  fn: (place: Place) => Promise<void>,
  tls = STRICT,
): void {
  processTestUnless(
    program && missingProgram(program),
    `${name} and ftpd by TLS`,
    () =>
      withFtpServer(async (served) => {
        const local = `${served.outside}/local`;
        const mine = Uint8Array.from({ length: LARGE }, (_, i) => (i * 7919) >> 5);
        await Deno.mkdir(local);
        await Deno.writeFile(`${local}/mine`, mine);
        await Deno.writeTextFile(`${local}/ca.pem`, AUTHORITY);
        await fn({ ...served, local, mine });
      }, { tls }),
  );
}

for (const version of ["1.2", "1.3"]) {
  tlsTest("curl", `curl with TLS ${version}`, async ({ port, local, root, mine }) => {
    const curl = (...args: string[]): ReturnType<typeof runCommand> =>
      runCommand(
        "curl",
        ["-sS", "--ssl-reqd", "--cacert", `${local}/ca.pem`, "--tls-max", version]
          .concat(args),
      );
    const url = `ftp://127.0.0.1:${port}`;
    assertMatch((await curl(`${url}/`)).stdout, / hello\r?\n/);
    assertEquals((await curl(`${url}/hello`, `${url}/sub/deep`)).stdout, "hello\ndeep");
    assertEquals((await curl("-T", `${local}/mine`, `${url}/mine`)).stderr, "");
    assertEquals(await Deno.readFile(`${root}/mine`), mine);
    assertEquals((await curl("-o", `${local}/back`, `${url}/mine`)).stderr, "");
    assertEquals(await Deno.readFile(`${local}/back`), mine);
    assertEquals((await runCommand("curl", ["-sS", `${url}/`])).code, 67);
    // curl asks for no session tickets. Without them node:tls of Deno resumes nothing in TLS 1.2: it knows no session IDs.
  }, { ...STRICT, reuse: version === "1.3" });
}

tlsTest("curl", "curl with implicit TLS", async ({ port, local }) => {
  const { stdout, stderr } = await runCommand("curl", [
    "-sS",
    "--cacert",
    `${local}/ca.pem`,
    `ftps://127.0.0.1:${port}/hello`,
  ]);
  assertEquals([stdout, stderr], ["hello\n", ""]);
}, { ...STRICT, implicit: true });

for (const version of ["1.2", "1.3"]) {
  tlsTest("lftp", `lftp with TLS ${version}`, async ({ port, local, root, mine }) => {
    const { code, stderr } = await runCommand("lftp", [
      "-c",
      [
        `set ssl:ca-file ${local}/ca.pem`,
        `set ssl:priority NORMAL:-VERS-ALL:+VERS-TLS${version}`,
        "set ssl:check-hostname no",
        "set ftp:ssl-force yes",
        "set net:max-retries 1",
        `open -u ftp,me@ 127.0.0.1:${port}`,
        `mirror . ${local}/got`,
        `mirror -R ${local} there`,
      ].join("; "),
    ], { env: { HOME: root } });
    assertEquals([code, stderr], [0, ""]);
    assertEquals(await Deno.readTextFile(`${local}/got/sub/deep`), "deep");
    assertEquals(await Deno.readFile(`${root}/there/mine`), mine);
  });
}

tlsTest(undefined, "our own client", async ({ port, local, root, mine }) => {
  const at = ["--tls", "--cacert", `${local}/ca.pem`];
  const url = `ftp://localhost:${port}`;
  const sent = await run("clients/ftp.ts", [...at, "-T", `${local}/mine`, `${url}/mine`]);
  assertEquals([sent.code, sent.stderr], [0, ""]);
  assertEquals(await Deno.readFile(`${root}/mine`), mine);
  const got = await run("clients/ftp.ts", [...at, "-r", `${url}/`], { cwd: local });
  assertEquals([got.code, got.stderr], [0, ""]);
  assertEquals(await Deno.readTextFile(`${local}/sub/deep`), "deep");
});
