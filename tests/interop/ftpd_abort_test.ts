/** Transfers that end before their end: Ctrl-C in real clients, and clients that are killed. */
import { assertEquals, assertMatch } from "@std/assert";
import type { FtpTls } from "../../servers/ftp/settings.ts";
import { type Served, withFtpServer } from "../support/ftp_server.ts";
import { SERVER } from "../support/identities.ts";
import { missingProgram, processTestUnless } from "../support/permissions.ts";

const LARGE = 8_000_000;
const TLS: FtpTls = { identity: () => SERVER, implicit: false, required: undefined, reuse: false };

/** A test with a client and a server that is slow enough for the client to be interrupted. */
function slowTest(
  program: string,
  name: string,
  fn: (served: Served, local: string) => Promise<void>,
): void {
  processTestUnless(
    missingProgram(program),
    `${program} and ftpd: ${name}`,
    () =>
      withFtpServer(async (served) => {
        const local = `${served.outside}/local`;
        await Deno.mkdir(local);
        for (const path of [`${local}/mine`, `${served.root}/large`]) {
          await Deno.writeFile(path, new Uint8Array(LARGE));
        }
        await fn(served, local);
      }, { maxRate: 2_000_000, tls: TLS }),
  );
}

/** Starts a client that its user types to. */
function startClient(command: string, args: string[], cwd: string): {
  child: Deno.ChildProcess;
  says(pattern: RegExp): Promise<void>;
  type(text: string): Promise<void>;
  text(): string;
} {
  const child = new Deno.Command(command, {
    args,
    cwd,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const writer = child.stdin.getWriter();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  return {
    child,
    text: () => said,
    async says(pattern): Promise<void> {
      while (!pattern.test(said)) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`ended without ${pattern}: ${said}`);
        said += value;
      }
    },
    async type(text): Promise<void> {
      await writer.write(new TextEncoder().encode(text));
      if (text.endsWith("quit\n")) {
        await writer.close();
        for (;;) {
          const { value, done } = await reader.read();
          if (done) break;
          said += value;
        }
      }
    },
  };
}

for (const program of ["tnftp", "inetutils-ftp"]) {
  slowTest(program, "Ctrl-C ends a download, and the session goes on", async (served, local) => {
    const flags = program === "tnftp" ? ["-n", "-i", "-v"] : ["-n", "-i", "-v", "-p"];
    const client = startClient(program, [...flags, "127.0.0.1", `${served.port}`], local);
    await client.type("user ftp x\nbinary\nget large\n");
    await client.says(/^150 /m);
    client.child.kill("SIGINT");
    await served.log.says(/broke off .*path=\/large reason="The transfer was aborted\."/);
    await client.type("get hello\nquit\n");
    const { signal } = await client.child.status;
    // It jumps out of its handler of Ctrl-C, be it out of malloc, and may crash from then on.
    if (program === "inetutils-ftp" && signal === "SIGABRT") return;
    assertMatch(client.text(), /^426 [^]*^226 [^]*^221 /m);
    assertEquals(await Deno.readTextFile(`${local}/hello`), "hello\n");
  });
}

for (const flags of [["-s"], ["-s", "-k", "--ssl-reqd"]]) {
  const how = flags.length > 1 ? "by TLS" : "in clear";
  slowTest("curl", `killed ${how} it leaves nothing of its upload`, async (served, local) => {
    const watching = Deno.watchFs(served.root);
    const child = new Deno.Command("curl", {
      args: [...flags, "-T", "mine", `ftp://127.0.0.1:${served.port}/`],
      cwd: local,
      stdout: "null",
      stderr: "null",
    }).spawn();
    for await (const { kind } of watching) if (kind === "modify") break;
    child.kill("SIGKILL");
    await child.status;
    await served.log.says(/broke off .*path=\/mine reason=/);
    assertEquals(served.names(), [".hidden", "hello", "large", "sub"]);
  });

  slowTest("curl", `killed ${how} it ends its download`, async (served) => {
    const child = new Deno.Command("curl", {
      args: [...flags, `ftp://127.0.0.1:${served.port}/large`],
      stdout: "piped",
      stderr: "null",
    }).spawn();
    const reader = child.stdout.getReader();
    assertEquals((await reader.read()).done, false);
    child.kill("SIGKILL");
    await child.status;
    await reader.cancel();
    await served.log.says(/broke off .*path=\/large reason=/);
  });
}
