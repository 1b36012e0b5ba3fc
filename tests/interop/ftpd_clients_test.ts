/** Real FTP clients against our server: log in, list, fetch, store, append, go on, rename, delete. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { clientTest, MINE, type Place, read } from "../support/ftp_clients.ts";
import type { Ended } from "../support/process.ts";

/** What the classic clients are told; all know these commands. */
const CLASSIC = `user ftp me@
binary
pwd
ls
ls *.none
cd sub
get deep
cdup
get hello
put mine stored
append mine stored
rename stored moved
mkdir made
rmdir made
mget h*
ascii
get hello text
binary
system
delete "a b"
quit
`;

/** After CLASSIC. */
function checkClassic({ root, local, names, log }: Place, { code, stdout }: Ended): void {
  assertEquals(code, 0, stdout);
  assertMatch(stdout, / hello\r?\n/);
  assertEquals(read(`${local}/deep`), "deep");
  assertEquals(read(`${local}/hello`), "hello\n");
  assertEquals(read(`${local}/text`), "hello\n");
  assertEquals(read(`${root}/moved`), MINE + MINE);
  assertEquals(names(), [".hidden", "hello", "moved", "sub"]);
  assert(!log.text.includes("failed"), log.text);
}

for (const program of ["tnftp", "inetutils-ftp"]) {
  for (const mode of ["passive", "active"]) {
    clientTest(program, `a session, ${mode}`, async (place) => {
      const flags = program === "tnftp"
        ? ["-n", "-i", "-v", mode === "active" ? "-A" : "-p"]
        : ["-n", "-i", "-v", ...mode === "active" ? [] : ["-p"]];
      const ended = await place.run(program, [...flags, "127.0.0.1", `${place.port}`], CLASSIC);
      checkClassic(place, ended);
    });
  }
}

clientTest("tnftp", "what only it has: reget, mls, newer, features", async (place) => {
  const { run, local, root, port } = place;
  await Deno.writeTextFile(`${local}/hello`, "hel");
  const { stdout } = await run(
    "tnftp",
    ["-n", "-i", "-v", "127.0.0.1", `${port}`],
    "user ftp x\nbinary\nreget hello\nmls * names\nmlst hello\nmlsd sub\nsize hello\n" +
      "modtime hello\nrestart 2\nget hello tail\nget hello\nfeatures\nsite help\nput mine mine\nquit\n",
  );
  assertEquals(read(`${local}/hello`), "hello\n");
  // It wants the file to be there, and so aborts the transfer and goes on.
  assertStringIncludes(read(`${local}/names`), "hello");
  assertMatch(stdout, /type=file;size=6;[^]*size=4;[^]* deep/);
  assertEquals(read(`${root}/mine`), MINE);
});

clientTest("lftp", "a session", async (place) => {
  const { code, stdout, stderr } = await place.run("lftp", [
    "-c",
    [
      `open -u ftp,me@ 127.0.0.1:${place.port}`,
      "set net:max-retries 1",
      "ls",
      "cls -l sub",
      "get hello",
      "pget -n 2 'a b'",
      "put mine -o stored",
      "mv stored moved",
      "chmod 600 moved",
      "mkdir -p made/deeper",
      "rmdir made/deeper",
      "rm 'a b'",
      "mget -O .. h*",
      "du -a",
      "find",
      "quote HELP",
      "cat hello",
    ].join("; "),
  ]);
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, / hello\n[^]*deep/);
  assertEquals(read(`${place.local}/a b`), "blanks");
  assertEquals(read(`${place.root}/moved`), MINE);
  assertEquals((Deno.statSync(`${place.root}/moved`).mode ?? 0) & 0o777, 0o600);
  assertEquals(place.names(), [".hidden", "hello", "made", "moved", "sub"]);
});

clientTest("lftp", "mirrors both ways, times included, and goes on", async (place) => {
  const { run, local, root, port } = place;
  const long = new Date("2001-02-03T04:05:06Z");
  await Deno.utime(`${root}/sub/deep`, long, long);
  const open = `open -u ftp,me@ 127.0.0.1:${port}; set net:max-retries 1`;
  assertEquals((await run("lftp", ["-c", `${open}; mirror . got`])).code, 0);
  assertEquals(read(`${local}/got/sub/deep`), "deep");
  assertEquals(Deno.statSync(`${local}/got/sub/deep`).mtime, long);
  await Deno.utime(`${local}/mine`, long, long);
  assertEquals((await run("lftp", ["-c", `${open}; mirror -R . there`])).code, 0);
  assertEquals(read(`${root}/there/got/a b`), "blanks");
  assertEquals(Deno.statSync(`${root}/there/mine`).mtime, long);
  // Nothing is left to do.
  const again = await run("lftp", ["-c", `${open}; mirror -R -v . there`]);
  assertEquals([again.code, again.stdout], [0, ""]);
  await Deno.truncate(`${root}/there/mine`, 1234);
  assertEquals((await run("lftp", ["-c", `${open}; put -c mine -o there/mine`])).code, 0);
  assertEquals(read(`${root}/there/mine`), MINE);
  await Deno.writeTextFile(`${local}/part`, "he");
  assertEquals((await run("lftp", ["-c", `${open}; get -c hello -o part`])).code, 0);
  assertEquals(read(`${local}/part`), "hello\n");
});

clientTest("ncftpget", "ncftp fetches, stores and lists", async ({ run, local, root, port }) => {
  const at = ["-P", `${port}`, "-u", "ftp", "-p", "me@"];
  const fetched = await run("ncftpget", [...at, "-R", "127.0.0.1", ".", "/sub", "/hello"]);
  assertEquals(fetched.code, 0, fetched.stderr);
  assertEquals(read(`${local}/sub/deep`), "deep");
  const stored = await run("ncftpput", [...at, "-R", "-m", "127.0.0.1", "/made", "mine", "sub"]);
  assertEquals(stored.code, 0, stored.stderr);
  assertEquals(read(`${root}/made/mine`), MINE);
  assertEquals(read(`${root}/made/sub/deep`), "deep");
  const listed = await run("ncftpls", ["-l", ...at, `ftp://127.0.0.1:${port}/`]);
  assertMatch(listed.stdout, / hello$/m);
  const appended = await run("ncftpput", [...at, "-A", "127.0.0.1", "/made", "mine"]);
  assertEquals(appended.code, 0, appended.stderr);
  assertEquals(read(`${root}/made/mine`), MINE + MINE);
});

clientTest("curl", "all it does with FTP", async ({ run, local, root, port }) => {
  const url = `ftp://127.0.0.1:${port}`;
  const curl = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await run("curl", ["-sS", ...args]);
    assertEquals([code, stderr], [0, ""], args.join(" "));
    return stdout;
  };
  assertMatch(await curl(`${url}/`), / a b\r?\n/);
  assertMatch(await curl("-l", `${url}/sub/`), /^deep\r?\n$/);
  assertEquals(await curl(`${url}/a%20b`), "blanks");
  for (const method of ["multicwd", "nocwd", "singlecwd"]) {
    assertEquals(await curl("--ftp-method", method, `${url}/sub/deep`), "deep");
  }
  assertEquals(await curl("-r", "1-3", `${url}/hello`), "ell");
  assertEquals(await curl("-r", "-3", `${url}/hello`), "lo\n");
  assertMatch(await curl("-I", `${url}/hello`), /Content-Length: 6\r?\nAccept-ranges: bytes/);
  assertEquals(await curl("-P", "-", `${url}/hello`), "hello\n");
  assertEquals(await curl("-P", "-", "--disable-eprt", `${url}/hello`), "hello\n");
  assertEquals(await curl("--disable-epsv", `${url}/hello`), "hello\n");
  assertEquals(await curl(`${url}/hello;type=a`), "hello\n");
  await curl("-T", "mine", "--ftp-create-dirs", `${url}/made/here/mine`);
  assertEquals(read(`${root}/made/here/mine`), MINE);
  await curl("-T", "mine", "-a", `${url}/made/here/mine`);
  assertEquals(read(`${root}/made/here/mine`), MINE + MINE);
  await Deno.truncate(`${root}/made/here/mine`, 77);
  await curl("-C", "-", "-T", "mine", `${url}/made/here/mine`);
  assertEquals(read(`${root}/made/here/mine`), MINE);
  await Deno.writeTextFile(`${local}/hello`, "hel");
  await curl("-C", "-", "-O", `${url}/hello`);
  assertEquals(read(`${local}/hello`), "hello\n");
  await curl("-Q", "-RNFR hello", "-Q", "-RNTO moved", `${url}/`);
  assertEquals(read(`${root}/moved`), "hello\n");
  assertEquals((await run("curl", ["-sS", `${url}/nothing`])).code, 78);
  assertEquals((await run("curl", ["-sS", `http://127.0.0.1:${port}/`, "--http0.9"])).code, 0);
});

clientTest("wget", "one file, the rest of one, and a whole tree", async (place) => {
  const { run, local, port } = place;
  const url = `ftp://127.0.0.1:${port}`;
  const wget = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await run("wget", ["-nv", ...args]);
    assertEquals(code, 0, stderr);
  };
  await wget("-r", "-nH", "-P", "tree", `${url}/`);
  const got = [...Deno.readDirSync(`${local}/tree`)].map(({ name }) => name).sort();
  assertEquals(got, [".hidden", "a b", "hello", "sub"]);
  assertEquals(read(`${local}/tree/sub/deep`), "deep");
  assertEquals(read(`${local}/tree/a b`), "blanks");
  await Deno.writeTextFile(`${local}/hello`, "hel");
  await wget("-c", `${url}/hello`);
  assertEquals(read(`${local}/hello`), "hello\n");
  await wget("--no-passive-ftp", "-O", "active", `${url}/hello`);
  assertEquals(read(`${local}/active`), "hello\n");
  await wget(`${url}/h*`, "-P", "glob");
  assertEquals(read(`${local}/glob/hello`), "hello\n");
});

const FTPLIB = `
import ftplib, io, sys
ftp = ftplib.FTP()
ftp.connect("127.0.0.1", int(sys.argv[1]))
ftp.login()
assert ftp.pwd() == "/"
ftp.cwd("sub")
assert ftp.nlst() == ["deep"], ftp.nlst()
ftp.cwd("/")
facts = dict(ftp.mlsd(facts=["type", "size"]))
assert facts["hello"] == {"type": "file", "size": "6"}, facts
lines = []
ftp.dir(lines.append)
assert any(line.endswith(" hello") for line in lines)
for passive in (True, False):
    ftp.set_pasv(passive)
    got = io.BytesIO()
    ftp.retrbinary("RETR hello", got.write)
    assert got.getvalue() == b"hello\\n"
    got = io.BytesIO()
    ftp.retrbinary("RETR hello", got.write, rest=2)
    assert got.getvalue() == b"llo\\n"
    ftp.storbinary("STOR stored", io.BytesIO(b"0123456789" * 50000))
    assert ftp.size("stored") == 500000
    ftp.storbinary("APPE stored", io.BytesIO(b"x"))
    assert ftp.size("stored") == 500001
ftp.retrlines("RETR hello", lines.append)
assert lines[-1] == "hello"
ftp.storlines("STOR text", io.BytesIO(b"a\\nb\\n"))
ftp.rename("text", "other")
ftp.voidcmd("TYPE I")
assert ftp.size("other") == 4
print(ftp.mkd('a "b"'))
ftp.rmd('a "b"')
ftp.delete("other")
sock = ftp.transfercmd("RETR stored")
sock.recv(1)
ftp.abort()
sock.close()
try:
    ftp.voidresp()
except ftplib.all_errors:
    pass
assert ftp.voidcmd("NOOP").startswith("2")
ftp.quit()
`;

clientTest("python3", "ftplib", async ({ run, port }) => {
  const { code, stdout, stderr } = await run("/usr/bin/python3", ["-c", FTPLIB, `${port}`]);
  assertEquals([code, stdout, stderr], [0, '/a "b"\n', ""]);
});
