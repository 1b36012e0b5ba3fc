/** Dialogues of FTP clients with our server: patterns for names, appending, going on. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { clientTest, MINE, type Place, read } from "../support/ftp_clients.ts";
import { commandLine } from "../support/process.ts";

/** What is typed; all of these clients know the commands. */
const DIALOGUE = `user ftp me@
binary
mput m*
mget h?llo
mkdir made
cd made
put mine
append mine mine
rename mine moved
ls m*
cdup
reget hello part
rmdir made
delete made/moved
rmdir made
mdelete m?ne*
ls
quit
`;

/** After DIALOGUE. */
async function checkDialogue(
  { root, local, names, log, run, port }: Place,
  command: string,
  args: string[],
): Promise<void> {
  await Deno.writeTextFile(`${local}/mine2`, "2");
  await Deno.writeTextFile(`${local}/part`, "hel");
  await Deno.writeTextFile(`${root}/mune`, "");
  const { stdout, stderr } = await run(command, [...args, `${port}`], DIALOGUE);
  const said = stdout + stderr;
  assertEquals(read(`${local}/hello`), "hello\n", said);
  assertEquals(read(`${local}/part`), "hello\n", said);
  assertEquals(names(), [".hidden", "a b", "hello", "sub"], said);
  assertMatch(said, /moved[^]*hello/);
  const moved = [...log.text.matchAll(/ (\d+) (\/\S+) b _ ([io]) a anonymous ftp 0 \* c$/gm)];
  assertEquals(moved.map(([, bytes, path, way]) => [Number(bytes), path, way]), [
    [MINE.length, "/mine", "i"],
    [1, "/mine2", "i"],
    [6, "/hello", "o"],
    [MINE.length, "/made/mine", "i"],
    [MINE.length, "/made/mine", "i"],
    [3, "/hello", "o"],
  ], said);
  assert(!/failed|broke off/.test(log.text), log.text);
}

clientTest(
  "tnftp",
  "patterns, appending, going on",
  (place) => checkDialogue(place, "tnftp", ["-n", "-i", "-v", "127.0.0.1"]),
);

clientTest(
  "inetutils-ftp",
  "patterns, appending, going on",
  (place) => checkDialogue(place, "inetutils-ftp", ["-n", "-i", "-v", "-p", "127.0.0.1"]),
);

for (const mode of [[], ["--active"]]) {
  clientTest(
    undefined,
    `patterns, appending, going on ${mode}`,
    (place) =>
      checkDialogue(place, Deno.execPath(), [
        ...commandLine("clients/ftp.ts", ["-n", "-i", ...mode, "127.0.0.1", "--port"]),
      ]),
  );
}

clientTest("lftp", "patterns, appending, going on", async ({ run, port, local, names }) => {
  await Deno.writeTextFile(`${local}/mine2`, "2");
  await Deno.writeTextFile(`${local}/part`, "hel");
  const { code, stdout, stderr } = await run(
    "lftp",
    ["-u", "ftp,x", "-p", `${port}`, "127.0.0.1"],
    `
set net:max-retries 1
mput m*
mget h?llo
get -c hello -o part
mkdir made
cd made
put mine
ls m*
cd ..
mv mine made/moved
mrm mine2 made/*
rmdir made
cls -1
`,
  );
  assertEquals([code, stderr], [0, ""]);
  assertEquals(stdout.trimEnd().split("\n").slice(-3), ["a b", "hello", "sub/"]);
  assertEquals(read(`${local}/part`), "hello\n");
  assertEquals(names(), [".hidden", "a b", "hello", "sub"]);
});

clientTest("ncftp", "a session in its shell", async (place) => {
  const { run, local, root, names, port } = place;
  await Deno.writeTextFile(`${local}/mine2`, "2");
  const { code, stdout, stderr } = await run(
    "ncftp",
    ["-u", "ftp", "-p", "x", "-P", `${port}`, "127.0.0.1"],
    `ls
ls -la
dir sub
cd sub
get deep
cd ..
get hello
get h*
put -A mine
put mine2
rename mine moved
mkdir made
cd made
put m*
cd ..
rm made/*
rmdir made
chmod 600 moved
get -z hello other
ascii
get -z hello text
rm mine2 "a b"
quit
`,
  );
  assertEquals(code, 0, stdout + stderr);
  assertMatch(stdout, /hello +sub\/[^]* \.hidden[^]* deep/);
  for (
    const [name, content] of [["deep", "deep"], ["hello", "hello\n"], ["other", "hello\n"], [
      "text",
      "hello\n",
    ]]
  ) {
    assertEquals(read(`${local}/${name}`), content);
  }
  assertEquals(read(`${root}/moved`), MINE);
  assertEquals((Deno.statSync(`${root}/moved`).mode ?? 0) & 0o777, 0o600);
  assertEquals(names(), [".hidden", "hello", "moved", "sub"]);
});
