/** Every command of the FTP server that takes a path, with every kind of path. */
import { assertEquals, assertMatch } from "@std/assert";
import { COMMANDS } from "../../../servers/ftp/commands.ts";
import { FtpControl, ftpTest } from "../../support/ftp_server.ts";
import { missingRoot, processTestUnless } from "../../support/permissions.ts";
import { ServerProcess } from "../../support/process.ts";

/** Commands for files and folders, `*` being the path. */
const WITH_DATA = ["RETR", "STOR", "APPE", "STOU", "LIST", "NLST", "MLSD"];

/** The last code of the reply to a command, which has its data if it needs some. */
async function answer(client: FtpControl, line: string): Promise<number> {
  const [verb = ""] = line.split(" ");
  if (!WITH_DATA.includes(verb)) return (await client.codes(line))[0] ?? 0;
  using data = await client.data();
  const [first = 0] = await client.codes(line);
  if (first !== 150) return first;
  if (/STO|APPE/.test(verb)) await data.closeWrite();
  else while (await data.read(new Uint8Array(10_000)) !== null);
  return Number((await client.reply()).slice(0, 3));
}

const PLACES = ["nothing", "hello/below", "hello", "sub"] as const;

/** The replies where there is nothing, below a file, for a file, and for a folder that is not empty. */
const ANSWERS: Record<string, [number, number, number, number]> = {
  "CWD *": [550, 550, 550, 250],
  "XCWD *": [550, 550, 550, 250],
  "MKD *": [257, 550, 550, 550],
  "RMD *": [550, 550, 550, 550],
  "DELE *": [550, 550, 250, 550],
  "RNFR *": [550, 550, 350, 350],
  "SIZE *": [550, 550, 213, 550],
  "MDTM *": [550, 550, 213, 550],
  "MDTM 20010101000000 *": [550, 550, 213, 213],
  "MFMT 20010101000000 *": [550, 550, 213, 213],
  "MLST *": [550, 550, 250, 250],
  "STAT *": [550, 550, 213, 212],
  "HASH *": [550, 550, 213, 550],
  "SITE CHMOD 700 *": [550, 550, 200, 200],
  "SITE UTIME 20010101000000 *": [550, 550, 213, 213],
  "RETR *": [550, 550, 226, 550],
  "STOR *": [226, 550, 226, 550],
  "APPE *": [226, 550, 226, 550],
  "STOU *": [226, 550, 226, 226],
  "LIST *": [550, 550, 226, 226],
  "NLST *": [550, 550, 226, 226],
  "MLSD *": [550, 550, 501, 226],
};

for (const [line, codes] of Object.entries(ANSWERS)) {
  ftpTest(`${line} where there is nothing, a file, a folder`, async ({ login, root }) => {
    const client = await login();
    await client.codes("TYPE I");
    // All forms of a name mean the same.
    for (const form of ["*", "/*", "./*", "//*", "/sub/../*", "/../../*", "*/"]) {
      for (const [i, place] of PLACES.entries()) {
        const path = form.replace("*", place);
        assertEquals(await answer(client, line.replace("*", path)), codes[i], `${line} ${path}`);
        await client.codes("CWD /");
        await Deno.remove(`${root}/nothing`, { recursive: true }).catch(() => {});
        await Deno.writeTextFile(`${root}/hello`, "hello\n");
      }
    }
  });
}

ftpTest("a name is taken for another", async ({ login, root }) => {
  const client = await login();
  const rows: [from: string, to: string, code: number][] = [
    ["hello", "hello", 250],
    ["hello", "sub/hello", 250],
    ["sub/hello", "sub/deep", 250], // In place of it.
    ["sub/deep", "sub", 550],
    ["sub/deep", "nothing/deep", 550],
    ["sub/deep", "sub/deep/deep", 550],
    ["sub/deep", "/", 550],
    ["sub", "sub/below", 553],
    ["sub", "other", 250],
    ["other/deep", "../../../hello", 250],
  ];
  for (const [from, to, code] of rows) {
    assertEquals(await client.codes(`RNFR ${from}`, `RNTO ${to}`), [350, code], `${from} ${to}`);
  }
  assertEquals(await client.codes("RNFR /", "RNTO x"), [350, 550]);
  assertEquals(Deno.readTextFileSync(`${root}/hello`), "hello\n");
});

ftpTest("MDTM tells a name from a time", async ({ login, root }) => {
  await Deno.writeTextFile(`${root}/20010101000000 hello`, "");
  await Deno.utime(`${root}/20010101000000 hello`, 0, 0);
  const client = await login();
  assertEquals(await client.ask("MDTM 20010101000000 hello"), "213 19700101000000");
  await Deno.remove(`${root}/20010101000000 hello`);
  assertEquals(await client.codes("MDTM 20010101000000 hello"), [213]);
  assertEquals(await client.ask("MDTM hello"), "213 20010101000000");
});

ftpTest("a link to a file inside is as good as the file, as MLST says", async (served) => {
  const { login, root } = served;
  await Deno.symlink("sub/deep", `${root}/link`);
  const client = await login();
  await client.codes("TYPE I", "OPTS MLST perm");
  assertMatch(await client.ask("MLST link"), /\n perm=dfraw; \/link\n/);
  assertMatch(await client.store("STOR link", "news"), /^226 /);
  assertMatch(await client.store("APPE link", "!"), /^226 /);
  assertEquals(await client.codes("REST 5"), [350]);
  assertMatch(await client.store("STOR link", "?"), /^226 /);
  assertEquals(Deno.readTextFileSync(`${root}/sub/deep`), "news!?");
  assertEquals(await client.codes("DELE link"), [250]);
  assertEquals(Deno.readTextFileSync(`${root}/sub/deep`), "news!?");
});

/** Links out of the served folder: to files, folders, nothing; and one to itself. */
const LINKS = ["leak", "passwd", "up", "sub/away", "dangling", "loop"];
/** What would lead out if the served folder had one above. */
const TOP = ["../secret", "/../secret", "sub/../../secret"];
const OUT = [
  ...LINKS,
  ...TOP,
  "../../../../../../etc/passwd",
  "/etc/passwd",
  "up/secret",
  "sub/away/secret",
  "up/served/../secret",
];

ftpTest("no path and no link leads out, by no command", async ({ login, root, outside, names }) => {
  await Deno.writeTextFile(`${outside}/secret`, "secret");
  await Deno.utime(`${outside}/secret`, 1, 1);
  await Deno.chmod(`${outside}/secret`, 0o640);
  await Deno.symlink("../secret", `${root}/leak`);
  await Deno.symlink("/etc/passwd", `${root}/passwd`);
  await Deno.symlink("..", `${root}/up`);
  await Deno.symlink(outside, `${root}/sub/away`);
  await Deno.symlink("../fresh", `${root}/dangling`);
  await Deno.symlink("loop", `${root}/loop`);
  const client = await login();
  await client.codes("TYPE I");
  const before = names();
  for (const line of Object.keys(ANSWERS)) {
    for (const path of OUT) {
      // A link itself may be deleted, and has a name that others can be made of. Dots lead to the top.
      if (/DELE|STOU/.test(line) && LINKS.includes(path)) continue;
      if (/MKD|STO|APPE/.test(line) && TOP.includes(path)) continue;
      assertEquals(await answer(client, line.replace("*", path)), 550, `${line} ${path}`);
    }
  }
  for (const path of ["up/taken", "sub/away/taken"]) {
    assertEquals(await client.codes("RNFR hello", `RNTO ${path}`), [350, 550]);
  }
  assertEquals(names(), before);
  assertEquals([...Deno.readDirSync(outside)].map(({ name }) => name).sort(), ["secret", "served"]);
  assertEquals(Deno.readTextFileSync(`${outside}/secret`), "secret");
  const { mode, mtime } = Deno.statSync(`${outside}/secret`);
  assertEquals([(mode ?? 0) & 0o777, mtime], [0o640, new Date(1000)]);
});

Deno.test("ftpd: every command that takes a path is tested with all of them", () => {
  const tested = new Set(Object.keys(ANSWERS).map((line) => line.split(" ")[0]));
  const others = COMMANDS.filter(({ needs, argument, verbs }) =>
    needs !== "nothing" && argument !== "none" && !verbs.some((verb) => tested.has(verb))
  );
  assertEquals(
    others.map(({ verbs: [verb] }) => verb),
    "RNTO TYPE MODE STRU EPSV PORT EPRT REST ALLO".split(" "),
  );
});

processTestUnless(missingRoot(), "ftpd: what the system does not allow is 550", async () => {
  const root = await Deno.makeTempDir();
  await Deno.chmod(root, 0o755);
  await Deno.mkdir(`${root}/closed`, { mode: 0o700 });
  await Deno.writeTextFile(`${root}/closed/file`, "");
  await Deno.writeTextFile(`${root}/secret`, "secret", { mode: 0o600 });
  const args = ["ftpd", root, "--write", "--host", "127.0.0.1", "--port", "0"];
  await using server = await ServerProcess.start("tests/support/as_nobody.ts", args);
  try {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: await server.port() });
    const client = new FtpControl(conn);
    assertMatch(await client.reply(), /^220 /);
    assertEquals(await client.codes("USER ftp", "PASS x", "TYPE I"), [331, 230, 200]);
    const lines = Object.keys(ANSWERS).flatMap((line) => {
      if (/SIZE|MDTM \*|MLST|STAT|LIST|NLST|CWD|RNFR/.test(line)) return [];
      return /MLSD/.test(line)
        ? ["MLSD closed"]
        : ["secret", "closed/file"].map((path) => line.replace("*", path));
    });
    for (
      const line of [
        ...lines,
        "MKD new",
        "STOR new",
        "LIST closed",
        "RMD closed",
        "SIZE closed/file",
      ]
    ) {
      assertEquals(await answer(client, line), 550, line);
    }
    assertEquals(await client.codes("RNFR secret", "RNTO new"), [350, 550]);
    assertEquals([...Deno.readDirSync(root)].length, 2);
    // Nothing of it is told to whoever asks, nor by the log.
    const log = server.stderr.replace(/^ftpd: .*\n/gm, "");
    assertEquals(/tmp|EACCES/.test(log), false, log);
    client.close();
  } finally {
    await server.stop();
    await Deno.remove(root, { recursive: true });
  }
});
