/** The program ftp as its user meets it, with the permissions of its help, against real servers. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { command } from "../../clients/ftp.ts";
import { missingPeer, type Peer, type PeerName, startPeer } from "../support/ftp_peers.ts";
import { AUTHORITY } from "../support/identities.ts";
import { processTestUnless } from "../support/permissions.ts";
import { commandLine, type Ended, run, ServerProcess } from "../support/process.ts";

const PROGRAM = "clients/ftp.ts";
const RFC = "NETWORK WORKING GROUP\n".repeat(500);
const TIME = new Date("1971-12-01T12:00:00Z");
const LARGE = 3_000_000;

/** A server, and the local folder of its user. */
interface Setting {
  peer: Peer;
  /** `ftp://user:password@host:port`. */
  url: string;
  /** The same without the login, as messages show it. */
  shown: string;
  home: string;
  cwd: string;
  ftp(args: string[], options?: { stdin?: string; env?: Record<string, string> }): Promise<Ended>;
}

/** A test with a server that serves a small tree. */
function peerTest(
  name: PeerName,
  what: string,
  test: (setting: Setting) => Promise<void>,
  { tls = false } = {},
): void {
  processTestUnless(missingPeer(name), `ftp with ${name}: ${what}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.chmod(folder, 0o755);
      const [home, work, cwd] = ["home", "work", "cwd"].map((name) => `${folder}/${name}`) as [
        string,
        string,
        string,
      ];
      for (const path of [`${home}/pub/rfc/rfc`, `${home}/up`, work, cwd]) {
        await Deno.mkdir(path, { recursive: true });
      }
      await Deno.writeTextFile(`${home}/pub/rfc/rfc/rfc99.txt`, RFC);
      await Deno.utime(`${home}/pub/rfc/rfc/rfc99.txt`, TIME, TIME);
      await Deno.writeTextFile(`${home}/pub/two words`, "two\n");
      await Deno.writeFile(
        `${home}/pub/large`,
        Uint8Array.from({ length: LARGE }, (_, i) => i * 7 % 251),
      );
      await using peer = await startPeer(name, work, { host: "127.0.0.1", tls, home });
      const server = `localhost:${peer.port}`;
      await test({
        peer,
        url: `ftp://${peer.user}:${encodeURIComponent(peer.password)}@${server}`,
        shown: `ftp://${server}`,
        home,
        cwd,
        ftp: (args, options) =>
          run(PROGRAM, ["-4", ...args], { permissions: command.permissions, cwd, ...options }),
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

const DONE: Ended = { code: 0, stdout: "", stderr: "" };

for (const name of ["vsftpd", "proftpd", "pure-ftpd", "pyftpdlib"] as const) {
  peerTest(name, "files and folders by their URLs", async ({ ftp, url, shown, home, cwd }) => {
    assertEquals(await ftp([`${url}/pub/rfc/rfc/rfc99.txt`]), DONE);
    assertEquals(await Deno.readTextFile(`${cwd}/rfc99.txt`), RFC);
    assertEquals((await Deno.stat(`${cwd}/rfc99.txt`)).mtime, TIME);
    assertEquals(await ftp(["-o", "-", `${url}/pub/two%20words`]), { ...DONE, stdout: "two\n" });
    assertEquals((await ftp(["-l", `${url}/pub`])).stdout.split("\n").sort(), [
      "",
      "large",
      "rfc",
      "two words",
    ]);
    const listing = await ftp([`${url}/pub/`]);
    assertMatch(
      listing.stdout,
      /^-.* 3000000 +\d{4}-\d\d-\d\d \d\d:\d\d +large\nd.* rfc\/\n.*two words\n$/,
    );
    assertEquals(
      (await ftp(["-I", `${url}/pub/rfc/rfc/rfc99.txt`])).stdout,
      `Last-Modified: Wed, 01 Dec 1971 12:00:00 GMT\nContent-Length: ${RFC.length}\n`,
    );

    // Up, in two halves, and once more to its end.
    await Deno.writeTextFile(`${cwd}/half`, RFC.slice(0, 5000));
    assertEquals(await ftp(["-T", "half", "--create-dirs", `${url}/up/a/b/rfc99.txt`]), DONE);
    assertEquals(await ftp(["-T", "rfc99.txt", "-C", "-", `${url}/up/a/b/`]), DONE);
    assertEquals(await Deno.readTextFile(`${home}/up/a/b/rfc99.txt`), RFC);
    assertEquals(await ftp(["-a", "-T", "half", `${url}/up/a/b/rfc99.txt`]), DONE);
    assertEquals(await Deno.readTextFile(`${home}/up/a/b/rfc99.txt`), RFC + RFC.slice(0, 5000));

    // Down, going on with what is there, by active mode too.
    await Deno.writeFile(`${cwd}/large`, new Uint8Array(10));
    const large = await Deno.readFile(`${home}/pub/large`);
    await Deno.writeFile(`${cwd}/large`, large.subarray(0, 2_999_990));
    assertEquals(await ftp(["-C", "-", "--active", `${url}/pub/large`]), DONE);
    assertEquals(await Deno.readFile(`${cwd}/large`), large);

    const missing = await ftp([`${url}/nosuch`, `${url}/pub/two%20words`]);
    assertMatch(missing.stderr, new RegExp(`^ftp: ${shown}/nosuch: 550 .*\n$`));
    assertEquals([missing.code, await Deno.readTextFile(`${cwd}/two words`)], [1, "two\n"]);
    assertEquals([...Deno.readDirSync(cwd)].map(({ name }) => name).sort(), [
      "half",
      "large",
      "rfc99.txt",
      "two words",
    ]);
  });

  peerTest(name, "a script from standard input", async ({ ftp, peer, home, cwd }) => {
    await Deno.writeTextFile(`${cwd}/local`, "hello\n");
    const stdin = `${peer.user}
${peer.password}
# What follows are commands.
cd pub
pwd
ls
get "two words"
cd ../up
put local
rename local there
size there
nosuch
delete nothing
mkdir made
lcd ..
!pwd
bye`;
    const { code, stdout, stderr } = await ftp([`localhost:${peer.port}`], { stdin });
    const parent = cwd.replace(/\/[^/]*$/, "");
    assertEquals(stdout, `/pub\nlarge\nrfc/\ntwo words\n6\n${parent}\n`);
    assertMatch(stderr, /^ftp: nosuch: no such command \(see help\)\ndelete: 550 .*\n$/);
    assertEquals(code, 2);
    assertEquals(await Deno.readTextFile(`${cwd}/two words`), "two\n");
    assertEquals(await Deno.readTextFile(`${home}/up/there`), "hello\n");
    assertEquals((await Deno.stat(`${home}/up/made`)).isDirectory, true);
  });

  peerTest(
    name,
    "TLS, checked, and on every data connection",
    async ({ ftp, peer, url, cwd, home }) => {
      const ca = `${cwd}/ca.pem`;
      await Deno.writeTextFile(ca, AUTHORITY);
      const large = `${url}/pub/large`;
      assertEquals(
        await ftp(["--tls", "--cacert", ca, large, `${url}/pub/rfc/rfc/rfc99.txt`]),
        DONE,
      );
      assertEquals(await Deno.readFile(`${cwd}/large`), await Deno.readFile(`${home}/pub/large`));
      assertEquals(await ftp(["--tls", "--insecure", "-T", "large", `${url}/up/`]), DONE);
      assertEquals(
        await Deno.readFile(`${home}/up/large`),
        await Deno.readFile(`${home}/pub/large`),
      );
      const script = await ftp(["--tls", "--cacert", ca, `localhost:${peer.port}`], {
        stdin: `${peer.user}\n${peer.password}\nstatus\nls up\n`,
      });
      assertMatch(script.stdout, /^Connected to localhost:\d+, TLSv1\.[23]\n[^]*\nlarge\n$/);
      const unknown = await ftp(["--tls", large]);
      assertStringIncludes(unknown.stderr, "the certificate comes from an unknown authority");
      assertEquals(unknown.code, 1);
    },
    { tls: true },
  );
}

peerTest(
  "pyftpdlib",
  "folders are mirrored, both ways",
  async ({ ftp, peer, url, shown, home, cwd }) => {
    const tree = (folder: string): string[] =>
      [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
        isDirectory ? [`${name}/`, ...tree(`${folder}/${name}`)] : [name]
      ).sort();
    assertEquals(await ftp(["-r", `${url}/pub/`]), DONE);
    assertEquals(tree(cwd), ["large", "rfc/", "rfc/", "rfc99.txt", "two words"]);
    assertEquals(await Deno.readTextFile(`${cwd}/rfc/rfc/rfc99.txt`), RFC);

    await Deno.writeTextFile(`${cwd}/extra`, "");
    const dry = await ftp(["-r", "--dry-run", "--delete", `${url}/pub`]);
    assertEquals(dry, { ...DONE, stdout: "delete extra\n" });
    assertEquals(await ftp(["-r", "--delete", "--exclude", "e*", `${url}/pub`]), DONE);
    assertEquals(tree(cwd).includes("extra"), true);
    assertEquals(await ftp(["-r", "--delete", "-o", ".", `${url}/pub`]), DONE);
    assertEquals(tree(cwd).includes("extra"), false);

    assertEquals(await ftp(["-r", "-T", ".", "--include", "*.txt", `${url}/up/site/`]), DONE);
    assertEquals(tree(`${home}/up/site`), ["rfc/", "rfc/", "rfc99.txt"]);
    const stdin = "mirror -R rfc up/script\nmirror up/script\nmirror --frob\nls up\n";
    const script = await ftp(["-u", `${peer.user}:${peer.password}`, shown], { stdin });
    assertEquals([script.code, script.stdout], [2, "script/\nsite/\n"]);
    assertMatch(script.stderr, /^mirror: unknown option --frob/);
    assertEquals(tree(`${cwd}/script`), ["rfc/", "rfc99.txt"]);

    const missing = await ftp(["-r", `${url}/nosuch/`]);
    assertMatch(missing.stderr, new RegExp(`^ftp: ${shown}/nosuch/: 550 .*\n$`));
    assertEquals(missing.code, 1);
  },
);

peerTest("pyftpdlib", "a login from .netrc", async ({ ftp, peer, shown, cwd }) => {
  const netrc = `${cwd}/.netrc`;
  const text = `machine localhost login ${peer.user} password ${peer.password}\n`;
  await Deno.writeTextFile(netrc, text, { mode: 0o600 });
  // The modules of the program are found by HOME too.
  const cache = Deno.env.get("DENO_DIR") ?? `${Deno.env.get("HOME")}/.cache/deno`;
  const home = (folder: string): Record<string, string> => ({ HOME: folder, DENO_DIR: cache });
  for (const env of [home(cwd), { ...home("/nowhere"), NETRC: netrc }]) {
    const { code, stdout } = await ftp(["-l", `${shown}/pub`], { env });
    assertEquals([code, stdout.split("\n").length], [0, 4]);
  }
  const dialogue = await ftp([shown], { env: home(cwd), stdin: "pwd\n" });
  assertEquals([dialogue.code, dialogue.stdout], [0, "/\n"]);
  const none = await ftp(["-n", shown], { env: home(cwd), stdin: "pwd\n" });
  assertMatch(none.stderr, /^pwd: 530 /);
  await Deno.chmod(netrc, 0o644);
  const open = await ftp(["-l", `${shown}/pub`], { env: home(cwd) });
  assertEquals([open.code, open.stderr], [
    4,
    `ftp: ${netrc}: others can read the passwords in it (chmod 600 ${netrc})\n`,
  ]);
  const wrong = await ftp(["-u", `${peer.user}:wrong`, "-l", `${shown}/pub`]);
  assertMatch(wrong.stderr, /^ftp: ftp:\/\/localhost:\d+\/pub: 530 .*\n$/);
  assertEquals(wrong.code, 1);
  const nobody = await ftp(["-u", peer.user, "-l", `${shown}/pub`], { env: home("/nowhere") });
  assertStringIncludes(nobody.stderr, "give NAME:PASSWORD");
  assertEquals(nobody.code, 2);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
  peerTest(
    "pyftpdlib",
    `a download that ${signal} ends goes on`,
    async ({ ftp, url, cwd, home }) => {
      const args = ["-4", "-v", "--limit-rate", "300K", `${url}/pub/large`];
      const slow = new ServerProcess(
        Deno.execPath(),
        commandLine(PROGRAM, args, command.permissions),
        { cwd },
      );
      await slow.says(/< 1[25]\d .*\n/);
      // The first bytes are written as soon as they come.
      const part = `${cwd}/.large.part`;
      using watcher = Deno.watchFs(cwd);
      while ((await Deno.stat(part)).size === 0) await watcher[Symbol.asyncIterator]().next();
      const code = await slow.stop(signal);
      const { size } = await Deno.stat(part);
      assertEquals(code, signal === "SIGKILL" ? 137 : 130);
      if (signal !== "SIGKILL") {
        assertStringIncludes(
          slow.stderr,
          `ftp: interrupted; ${size} bytes are kept (-C - goes on)\n`,
        );
      }
      const { stderr } = await ftp(["-v", "-C", "-", `${url}/pub/large`]);
      assertStringIncludes(stderr, `> REST ${size}\n`);
      assertEquals(await Deno.readFile(`${cwd}/large`), await Deno.readFile(`${home}/pub/large`));
      assertEquals([...Deno.readDirSync(cwd)].map(({ name }) => name), ["large"]);
    },
  );
}

peerTest("pyftpdlib", "a reader that goes away is no failure", async ({ url, cwd }) => {
  const args = commandLine(PROGRAM, ["-4", "-o", "-", `${url}/pub/large`], command.permissions);
  const child = new Deno.Command(Deno.execPath(), { args, cwd, stdout: "piped", stderr: "piped" })
    .spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  await reader.cancel();
  const stderr = await new Response(child.stderr).text();
  assertEquals([(await child.status).code, stderr], [0, ""]);
});

peerTest("pyftpdlib", "standard input is sent", async ({ ftp, url, home }) => {
  assertEquals(await ftp(["-T", "-", `${url}/up/piped`], { stdin: "hello\n" }), DONE);
  assertEquals(await Deno.readTextFile(`${home}/up/piped`), "hello\n");
  assertEquals((await ftp(["--ascii", "-T", "-", `${url}/up/text`], { stdin: "a\nb\n" })).code, 0);
});

peerTest("pyftpdlib", "what is wrong is told before anything is sent", async ({ ftp, url }) => {
  const cases: [args: string[], code: number, message: RegExp][] = [
    [[`${url}/a%0d%0ab`], 2, /^ftp: "ftp:\/\/\*\*\*@.*": a name holds no %00, %0a or %0d\n$/],
    [["-o", "x", "localhost"], 2, /"localhost": give ftp:/],
    [["--encoding", "utf-16", url], 2, /^ftp: --encoding utf-16: give .* such as utf-8, latin1 /],
    [["--encoding", "latin-1", url], 2, /^ftp: --encoding latin-1: give .* such as utf-8, latin1 /],
    [["--limit-rate", "0", url], 2, /nothing would ever move\n$/],
    [["-C", "5", url], 2, /give -:/],
    [["ftp://localhost:1/x"], 3, /^ftp: ftp:\/\/localhost:1\/x: connection refused \(/],
    [["-o", "no/x", `${url}/pub/large`], 4, /^ftp: no\/x: no such file or folder\n$/],
    [["-T", "nosuch", `${url}/up/`], 4, /^ftp: nosuch: no such file or folder\n$/],
    [["--tls", `${url}/pub/`], 1, /the server refuses TLS: 5\d\d /],
  ];
  for (const [args, code, message] of cases) {
    const ended = await ftp(args);
    assertMatch(ended.stderr, message);
    assertEquals([ended.code, ended.stdout], [code, ""], ended.stderr);
  }
});
