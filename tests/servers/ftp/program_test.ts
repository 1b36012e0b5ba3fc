/** The FTP server as a program, with signals and with the options that need a network. */
import { assertEquals, assertMatch } from "@std/assert";
import { command } from "../../../servers/ftp.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { parsePassive } from "../../../tools/protocol/ftp_address.ts";
import { FtpControl, onlyPort } from "../../support/ftp_server.ts";
import { SERVER, STRANGER } from "../../support/identities.ts";
import { missingProgram, processTestUnless } from "../../support/permissions.ts";
import { runCommand, ServerProcess } from "../../support/process.ts";

interface Place {
  server: ServerProcess;
  port: number;
  root: string;
  /** The folder around the served one. */
  folder: string;
  login(): Promise<FtpControl>;
}

/** A test with a server that was started with `args`, which may name files in a folder that is not served. */
function programTest(
  name: string,
  fn: (place: Place) => Promise<void>,
  { args = () => [], missing }: {
    args?: (folder: string) => string[];
    missing?: string | undefined;
  } = {},
): void {
  processTestUnless(missing, `ftpd: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    const root = `${folder}/served`;
    await Deno.mkdir(root);
    const clients: FtpControl[] = [];
    try {
      await using server = await ServerProcess.start(
        "servers/ftp.ts",
        [root, "--write", "--host", "127.0.0.1", "--port", "0", ...args(folder)],
        { permissions: command.permissions },
      );
      const port = await server.port();
      await fn({
        server,
        port,
        root,
        folder,
        async login(): Promise<FtpControl> {
          const client = new FtpControl(await Deno.connect({ hostname: "127.0.0.1", port }));
          clients.push(client);
          assertMatch(await client.reply(), /^220 /);
          assertEquals(await client.codes("USER ftp", "PASS x", "TYPE I"), [331, 230, 200]);
          return client;
        },
      });
    } finally {
      clients.forEach((client) => client.close());
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** An upload that has begun, and goes no further. */
async function begin(client: FtpControl, line: string): Promise<Deno.TcpConn> {
  const data = await client.data();
  assertMatch(await client.ask(line), /^150 /);
  await writeAll(data, new TextEncoder().encode("half"));
  while (!(await client.ask("STAT")).includes(": 4 bytes so far"));
  return data;
}

const names = (root: string): string[] => [...Deno.readDirSync(root)].map(({ name }) => name);

programTest("a signal lets an upload come to its end", async ({ server, root, login }) => {
  const client = await login();
  using data = await begin(client, "STOR new");
  const stopped = server.stop("SIGINT");
  // Nobody else comes in.
  while (await login().then(() => true, () => false));
  await writeAll(data, new TextEncoder().encode(" and half"));
  await data.closeWrite();
  assertMatch(await client.reply(), /^226 /);
  assertMatch(await client.reply(), /^421 /);
  client.close();
  assertEquals(await stopped, 0);
  assertEquals(Deno.readTextFileSync(`${root}/new`), "half and half");
});

programTest("a signal ends an upload that does not end, and leaves nothing", async (place) => {
  const { server, root, login } = place;
  using _data = await begin(await login(), "STOR new");
  assertEquals(await server.stop(), 0);
  assertEquals(names(root), []);
  assertMatch(server.stderr, /broke off .*path=\/new reason="The server stops; goodbye\."/);
});

programTest("a second signal ends it at once, and leaves nothing", async (place) => {
  const { server, root, login } = place;
  const client = await login();
  const other = await login();
  using _data = await begin(client, "STOR new");
  server.kill("SIGINT");
  assertMatch(await other.reply(), /^421 /);
  assertEquals(await server.stop("SIGINT"), 0);
  assertEquals(names(root), []);
});

programTest("what a server left that was killed goes with the next upload of it", async (place) => {
  const { server, port, root, login } = place;
  using _data = await begin(await login(), "STOR new");
  await server.stop("SIGKILL");
  assertEquals(names(root), [".upload-new"]);
  const args = [root, "--write", "--host", "127.0.0.1", "--port", `${port}`];
  const { permissions } = command;
  await using next = await ServerProcess.start("servers/ftp.ts", args, { permissions });
  await next.port();
  assertMatch(await (await login()).store("STOR new", "x"), /^226 /);
  assertEquals(names(root), ["new"]);
});

programTest("--passive-ports is one port, used again and again", async ({ login }) => {
  const [one, other] = [await login(), await login()];
  for (let i = 0; i < 20; i++) {
    // Connections that were closed do not hold it.
    assertMatch(await one.store(`STOR file${i}`, "x"), /^226 /);
    assertEquals(await one.fetch(`RETR file${i}`), "x");
  }
  const { port } = parsePassive(await one.ask("PASV"));
  assertMatch(await other.ask("PASV"), /^425 /);
  using data = await Deno.connect({ hostname: "127.0.0.1", port });
  assertMatch(await one.ask("STOR new"), /^150 /);
  // It listens no more, so others may.
  while (!/^211-[^]*Receiving/.test(await one.ask("STAT")));
  await writeAll(data, new TextEncoder().encode("half"));
  while (!(await one.ask("STAT")).includes(": 4 bytes so far"));
  assertEquals(parsePassive(await other.ask("PASV")).port, port);
}, { args: () => ["--passive-ports", `${onlyPort().first}`] });

programTest("its options bound what a client can take", async ({ server, port, root, login }) => {
  const client = await login();
  assertMatch(await client.store("STOR new", "12345678901"), /^552 The file is larger/);
  // What fitted, or nothing, depending on the pieces it came in.
  assertEquals(names(root), ["new"]);
  const second = new FtpControl(await Deno.connect({ hostname: "127.0.0.1", port }));
  assertMatch(await second.reply(), /^220 /);
  const third = new FtpControl(await Deno.connect({ hostname: "127.0.0.1", port }));
  assertMatch(await third.reply(), /^421 Too many connections/);
  third.close();
  assertEquals(await second.codes("USER ftp", "PASS x"), [331, 421]);
  second.close();
  await server.says(/"event":"refused".*too many sessions of this user/);
  assertMatch(await client.reply(), /^421 Nothing was asked/);
  assertEquals(await client.reply(), "");
}, {
  args: () =>
    ("--max-file-size 10 --keep-partial --max-per-user 1 --max-per-address 2 --idle-timeout 1s " +
      "--log json").split(" "),
});

for (const option of ["--require-tls", "--require-tls-login", "--implicit-tls"]) {
  programTest(`${option} keeps what is in clear out`, async ({ port }) => {
    const client = new FtpControl(await Deno.connect({ hostname: "127.0.0.1", port }));
    if (option === "--implicit-tls") await client.raw("USER ftp\r\n");
    else {
      assertMatch(await client.reply(), /^220 /);
      assertMatch(await client.ask("FEAT"), / AUTH TLS\n/);
      assertEquals(await client.codes("USER ftp", "PASS x", "QUIT"), [530, 503, 221]);
    }
    assertEquals(await client.reply().catch(() => ""), "");
    client.close();
    // By TLS it is let in.
    const url = `ftp${option === "--implicit-tls" ? "s" : ""}://127.0.0.1:${port}/`;
    const { code, stdout, stderr } = await runCommand("curl", ["-sS", "-k", "--ssl-reqd", url]);
    assertEquals([code, stdout, stderr], [0, "", ""]);
  }, {
    missing: missingProgram("curl"),
    args: (folder) => {
      writeIdentity(folder, SERVER);
      return [option, "--cert", `${folder}/cert.pem`, "--key", `${folder}/key.pem`];
    },
  });
}

function writeIdentity(folder: string, { cert, key }: typeof SERVER): void {
  Deno.writeTextFileSync(`${folder}/cert.pem`, cert);
  Deno.writeTextFileSync(`${folder}/key.pem`, key);
}

programTest("SIGHUP brings a new certificate, and ends no session", async (place) => {
  const { server, port, root, folder, login } = place;
  const subject = async (): Promise<string | undefined> => {
    const args = ["s_client", "-connect", `127.0.0.1:${port}`, "-starttls", "ftp"];
    const { stdout } = await runCommand("openssl", args, { stdin: "QUIT\r\n" });
    return /^subject=CN ?= ?(.*)$/m.exec(stdout)?.[1];
  };
  const client = await login();
  using data = await begin(client, "STOR new");
  assertEquals(await subject(), "server.test");
  writeIdentity(folder, { ...STRANGER, key: SERVER.key });
  server.kill("SIGHUP");
  await server.says(/the certificate stays as it was: /);
  assertEquals(await subject(), "server.test");
  writeIdentity(folder, STRANGER);
  server.kill("SIGHUP");
  await server.says(/the certificate is renewed/);
  assertEquals(await subject(), "stranger.test");
  await data.closeWrite();
  assertMatch(await client.reply(), /^226 /);
  assertEquals(names(root), ["new"]);
}, {
  missing: missingProgram("openssl"),
  args: (folder) => {
    writeIdentity(folder, SERVER);
    return ["--cert", `${folder}/cert.pem`, "--key", `${folder}/key.pem`];
  },
});
