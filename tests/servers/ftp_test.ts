/** The FTP server as its user meets it. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { command } from "../../servers/ftp.ts";
import { checkPassword } from "../../tools/program/passwords.ts";
import { Secret } from "../../tools/protocol/secret.ts";
import { parseUsers } from "../../tools/protocol/users.ts";
import { FtpControl } from "../support/ftp_server.ts";
import { processTest } from "../support/permissions.ts";
import { commandLine, run, runCommand, ServerProcess } from "../support/process.ts";

const { permissions } = command;
const HOST = ["--host", "127.0.0.1", "--port", "0"];

/** Runs `fn` in a folder that holds `hello`. */
async function inFolder(fn: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/hello`, "hello\n");
    await fn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function connected(port: number): Promise<FtpControl> {
  const client = new FtpControl(await Deno.connect({ hostname: "127.0.0.1", port }));
  assertMatch(await client.reply(), /^220 /);
  return client;
}

processTest("ftpd serves the current folder, to read, with the permissions it names", async () => {
  await inFolder(async (cwd) => {
    await using server = await ServerProcess.start("servers/ftp.ts", HOST, { permissions, cwd });
    const client = await connected(await server.port());
    assertEquals(await client.codes("USER ftp", "PASS me@"), [331, 230]);
    assertEquals(await client.fetch("RETR hello"), "hello\r\n");
    assertMatch(await client.store("STOR new", "x"), /^550 /);
    assertEquals(await client.codes("QUIT"), [221]);
    client.close();
    assertEquals(await server.stop(), 0);
    assertStringIncludes(server.stderr, "login peer=127.0.0.1 user=anonymous\n");
  });
});

processTest("ftpd --write lets anonymous store, and a signal ends it in good order", async () => {
  await inFolder(async (folder) => {
    const args = [folder, "--write", "--quiet", ...HOST];
    await using server = await ServerProcess.start("servers/ftp.ts", args, { permissions });
    const client = await connected(await server.port());
    assertEquals(await client.codes("USER ftp", "PASS me@", "TYPE I"), [331, 230, 200]);
    assertMatch(await client.store("STOR new", "news"), /^226 /);
    assertEquals(await Deno.readTextFile(`${folder}/new`), "news");
    const stopped = server.stop();
    assertMatch(await client.reply(), /^421 The server stops/);
    client.close();
    assertEquals(await stopped, 0);
    assertMatch(server.stderr, /^ftpd: listening on tcp 127\.0\.0\.1:\d+\n$/);
  });
});

processTest("ftpd --hash-password prints a line that --users takes", async () => {
  await inFolder(async (folder) => {
    const hashed = await run("servers/ftp.ts", ["--hash-password", "ada"], { stdin: "secret\n" });
    assertMatch(hashed.stdout, /^ada:\$scrypt\$[^:]+::r\n$/);
    await Deno.writeTextFile(`${folder}/users`, hashed.stdout);
    const args = [folder, "--users", `${folder}/users`, "--user", "bob:pw", ...HOST];
    await using server = await ServerProcess.start("servers/ftp.ts", args, { permissions });
    const client = await connected(await server.port());
    assertEquals(await client.codes("USER ada", "PASS secret", "MKD x"), [331, 230, 550]);
    client.close();
    const other = await connected(await server.port());
    assertEquals(await other.codes("USER bob", "PASS pw"), [331, 230]);
    other.close();
    const anybody = await connected(await server.port());
    assertEquals(await anybody.codes("USER ftp", "PASS me@"), [331, 530]);
    anybody.close();
  });
});

processTest("ftpd --hash-password reads Latin-1 as PASS does", async () => {
  const command = [Deno.execPath(), ...commandLine("servers/ftp.ts", ["--hash-password", "ada"])];
  const script = `printf 'caf\\351\\n' | "$0" "$@"`;
  const { stdout } = await runCommand("sh", ["-c", script, ...command]);
  const users = new Map(parseUsers(stdout).map((user) => [user.name, user]));
  // What a decoder puts in place of bytes it does not know would stand for all of them.
  for (const [password, proved] of [["café", "ada"], ["caf\ufffd", undefined]] as const) {
    assertEquals((await checkPassword(users, "ada", new Secret(password)))?.name, proved);
  }
});

processTest("ftpd says in one line what is wrong", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/users`, "ada:plain\n");
    const rows: [args: string[], code: number, message: RegExp][] = [
      [["a", "b"], 2, /too many words/],
      [["--bogus"], 2, /unknown option --bogus/],
      [["--user", "ada"], 2, /--user ada: give NAME:PASSWORD/],
      [["--user", "a:b:c:x"], 2, /rights are letters of r, w and d/],
      [["--passive-ports", "2-1"], 2, /give the lower port first/],
      [["--passive-ports", "0-1"], 2, /a port is a number from 1 to 65535/],
      [["--public-address", "here"], 2, /give an IPv4 address/],
      [["--max-rate", "0"], 2, /give at least 1/],
      [["--write", "--user", "a:b"], 2, /--write is about anonymous/],
      [["--require-tls"], 2, /TLS needs --cert and --key/],
      [["--require-tls-login"], 2, /TLS needs --cert and --key/],
      [["--cert", "x"], 2, /give both --cert and --key/],
      [["--hash-password"], 2, /name the user/],
      [["--hash-password", "a b"], 2, /a user needs a name without blanks/],
      [["--hash-password", "ada"], 2, /no password was given/],
      [[`${folder}/nothing`], 4, /nothing: no such file or folder/],
      [[`${folder}/hello`], 4, /hello: not a folder/],
      [["--user", `a:b:${folder}/nothing`], 4, /nothing: no such file or folder/],
      [["--users", `${folder}/nothing`], 4, /nothing: no such file or folder/],
      [["--users", `${folder}/users`], 4, /users: line 1: this is not a hash/],
      [["--host", "192.0.2.1"], 3, /no such address on this machine/],
    ];
    for (const [args, code, message] of rows) {
      const told = await run("servers/ftp.ts", args, { permissions });
      assertEquals([told.code, told.stdout], [code, ""], args.join(" "));
      assertMatch(told.stderr, /^ftpd: [^\n]+\n$/);
      assertMatch(told.stderr, message);
    }
  });
});
