/** The dialogue of the FTP client: its commands, and what they make of the server's answers. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../../clients/ftp/commands.ts";
import { type Script, sends } from "../../support/ftp_script.ts";
import { dialogue } from "../../support/ftp_shell.ts";

const LISTING = sends(
  "-rw-r--r-- 1 me users 5 Nov 23 2020 b.txt\r\n" +
    "-rw-r--r-- 1 me users 70 Nov 23 2020 a.txt\r\n" +
    "drwxr-xr-x 2 me users 0 Nov 23 2020 pub\r\n" +
    "-rw-r--r-- 1 me users 1 Nov 23 2020 c\r\n",
);
const LONG = [
  "-rw-r--r--  me  users  70  2020-11-23 00:00  a.txt",
  "-rw-r--r--  me  users   5  2020-11-23 00:00  b.txt",
  "-rw-r--r--  me  users   1  2020-11-23 00:00  c",
  "drwxr-xr-x  me  users   0  2020-11-23 00:00  pub/",
];

Deno.test("each command sends what it is for, and shows what it was asked for", async () => {
  const cases: [line: string, script: Script, sent: string[], out?: string][] = [
    ["pwd", { PWD: '257 "/a ""b""" is it' }, ["PWD"], '/a "b"\n'],
    ["cd pub", { CWD: "250 ok" }, ["CWD pub"]],
    ['cd "two words"', { CWD: "250 ok" }, ["CWD two words"]],
    ["cdup", { CDUP: "250 ok" }, ["CDUP"]],
    ["mkdir a", { MKD: '257 "/a" made' }, ["MKD a"]],
    ["rmdir a", { RMD: "250 ok" }, ["RMD a"]],
    ["delete a", { DELE: "250 ok" }, ["DELE a"]],
    ["rename a b", { RNFR: "350 to what?", RNTO: "250 ok" }, ["RNFR a", "RNTO b"]],
    ["chmod 0640 a", { SITE: "200 ok" }, ["SITE CHMOD 640 a"]],
    ["size a", { SIZE: "213 5" }, ["TYPE I", "SIZE a"], "5\n"],
    ["modtime a", { MDTM: "213 20261125092659" }, ["MDTM a"], "2026-11-25 09:26:59\n"],
    ["system", { SYST: "215 UNIX\x1b Type: L8" }, ["SYST"], "UNIX\\x1b Type: L8\n"],
    ["features", { FEAT: "211-x\r\n MDTM\r\n REST STREAM\r\n211 End" }, [], "MDTM\nREST STREAM\n"],
    ["site  a  b ", { SITE: "200 done" }, ["SITE a  b"], "200 done\n"],
    ["quote  HELP  x", { HELP: "214-a\r\n b\r\n214 c" }, ["HELP  x"], "214-a\n b\n214 c\n"],
    ["ls", { LIST: LISTING }, ["LIST -a"], "a.txt\nb.txt\nc\npub/\n"],
    ["ls x y", {}, [], ""],
    ["ls *.txt", { LIST: LISTING }, ["LIST -a"], "a.txt\nb.txt\n"],
    ["ls pub/?", { LIST: LISTING }, ["LIST -a pub/"], "c\n"],
    ["ls -l", { LIST: sends("as it\x07 comes\r\n") }, ["LIST"], "as it\\x07 comes\n"],
    ["ls -l pub", { LIST: sends("x\r\n") }, ["LIST pub"], "x\n"],
    ["ls -la pub", { LIST: sends("x\r\n") }, ["LIST -la pub"], "x\n"],
    ["dir", { LIST: LISTING }, ["LIST -a"], LONG.map((line) => `${line}\n`).join("")],
    [
      "dir b*",
      { LIST: LISTING },
      ["LIST -a"],
      "-rw-r--r--  me  users  5  2020-11-23 00:00  b.txt\n",
    ],
    ["mls pub", { NLST: sends("pub/b\r\npub/a\r\n") }, ["NLST pub"], "pub/a\npub/b\n"],
    ["mls *.txt", { LIST: LISTING }, ["LIST -a"], "a.txt\nb.txt\n"],
    ["mdelete *.txt", { LIST: LISTING, DELE: "250 ok" }, ["LIST -a", "DELE a.txt", "DELE b.txt"]],
    ["mdelete x '*'", { DELE: "250 ok" }, ["DELE x", "DELE *"]],
    ["close", {}, []],
    ["type", {}, [], "binary\n"],
    ["# a comment", {}, []],
    ["", {}, []],
  ];
  for (const [line, script, sent, out = ""] of cases) {
    const found = await dialogue(script, [line]);
    assertEquals([found.commands, found.out], [sent, out], `${line}: ${found.err}`);
  }
});

Deno.test("the commands that users of ftp know are there, each name once", () => {
  const known =
    "open user pwd cd cdup lcd ls dir mls get put reget mget mput append newer delete " +
    "mdelete mkdir rmdir rename chmod size modtime binary ascii type passive active hash verbose " +
    "trace quote site features system status ! bye exit quit help ? prompt close";
  const names = COMMANDS.commands.flatMap(({ names }) => names);
  assertEquals(new Set(names).size, names.length);
  for (const name of known.split(" ")) assert(COMMANDS.find(name).names.includes(name), name);
});

Deno.test("what goes wrong is one line, and the dialogue goes on", async () => {
  const cases: [line: string, script: Script, error: string, code?: number][] = [
    ["cd a", { CWD: "550 \x1b no" }, "cd: 550 \\x1b no\n", 1],
    ["cd a", { CWD: "450 later" }, "cd: 450 later\n", 5],
    ["quote x", {}, "quote: 502 no such command\n", 1],
    ["frob", {}, "ftp: frob: no such command (see help)\n", 2],
    ["frob\x1b", {}, "ftp: frob\\x1b: no such command (see help)\n", 2],
    ["qu", {}, "ftp: qu: which one: quit, quote?\n", 2],
    ["cd", {}, "ftp: usage: cd FOLDER\n", 2],
    ["pwd x", {}, "ftp: usage: pwd\n", 2],
    ["rename a b c", {}, "ftp: usage: rename FROM TO\n", 2],
    ['cd "a', {}, 'ftp: the quote " is not closed\n', 2],
    ["chmod u+x a", {}, "chmod: give a mode such as 644 or 0755\n", 2],
    ["ls a b", {}, "ls: usage: ls [-l] [FOLDER|PATTERN]\n", 2],
    ["ls */*", {}, "ls: a pattern can be in the last part of a path only\n", 2],
    ["ls *.gif", { LIST: LISTING }, "ls: *.gif: no such file\n", 1],
    ["mdelete *.gif", { LIST: LISTING }, "mdelete: *.gif: no such file\n", 1],
    ["type ebcdic", {}, "type: usage: type [ascii|binary]\n", 2],
    ["verbose maybe", {}, "verbose: usage: verbose [on|off]\n", 2],
    ["hash 1x", {}, "hash: give a size such as 512, 64K or 1G\n", 2],
    ["cd a\0b", {}, "cd: a command cannot hold a line end or NUL: CWD a\\x00b\n", 2],
    ["open other", {}, "open: connected to 192.0.2.1:21 already (close first)\n", 2],
  ];
  for (const [line, script, error, code = 2] of cases) {
    const found = await dialogue({ ...script, PWD: '257 "/"' }, [line, "pwd"]);
    assertEquals([found.err, found.out, found.code], [error, "/\n", code], line);
  }
});

Deno.test("a script ends with the code of the first command that failed", async () => {
  const script = { CWD: ["450 later", "550 no"], PWD: '257 "/"' };
  assertEquals((await dialogue(script, ["cd a", "cd b", "pwd"])).code, 5);
  assertEquals((await dialogue(script, ["pwd"])).code, 0);
  assertEquals((await dialogue(script, ["cd a"], { interactive: true })).code, 0);
  assertEquals((await dialogue(script, ["bye", "cd a"])).commands, []);
});

Deno.test("commands go by any beginning that is theirs alone", () => {
  const cases: [name: string, command: string][] = [
    ["b", ""],
    ["by", "bye"],
    ["quit", "bye"],
    ["exi", "bye"],
    ["LS", "ls"],
    ["cd", "cd"],
    ["cdu", "cdup"],
    ["?", "help"],
    ["!", "!"],
    ["mk", "mkdir"],
    ["reg", "reget"],
  ];
  for (const [name, command] of cases) {
    let found = "";
    try {
      found = COMMANDS.find(name).names[0];
    } catch {
      // More than one.
    }
    assertEquals(found, command, name);
  }
});

Deno.test("a login is asked for, and asked again by user", async () => {
  const asked = await dialogue({}, ["ftp", "guest@"], {
    interactive: true,
    user: undefined,
    noLogin: true,
  });
  assertEquals([asked.questions, asked.commands], [[], []]);
  const script = { USER: "331 password", PASS: ["530 wrong", "230 in"], PWD: '257 "/"' };
  const again = await dialogue(script, ["user ada", "wrong", "user ada lovelace", "pwd"], {
    interactive: true,
    noLogin: true,
    user: undefined,
  });
  assertEquals(again.questions, ["Password: "]);
  assertEquals(again.commands, ["USER ada", "PASS wrong", "USER ada", "PASS lovelace", "PWD"]);
  assertStringIncludes(again.err, "user: 530 wrong\n");
});

Deno.test("a script gives the password as its next line, and a guest may leave it out", async () => {
  const script = { PWD: '257 "/"', CWD: "250 ok" };
  const options = { noLogin: true, user: undefined };
  const known = await dialogue(script, ["user ada", "love lace", "pwd"], options);
  assertEquals(known.commands, ["USER ada", "PASS love lace", "PWD"]);
  const guest = await dialogue(script, ["user anonymous", "", "pwd"], options);
  assertEquals(guest.commands, ["USER anonymous", "PASS guest@", "PWD"]);
  const none = await dialogue(script, ["user ada"], options);
  assertEquals([none.commands, none.err, none.code], [[], "user: not logged in (see user)\n", 130]);
});

Deno.test("an account is asked for where the server wants one", async () => {
  const script = { PASS: "332 account?", ACCT: "230 in" };
  const found = await dialogue(script, ["user ada love", "money"], {
    noLogin: true,
    user: undefined,
    interactive: true,
  });
  assertEquals(found.questions, ["Account: "]);
  assertEquals(found.commands.slice(-1), ["ACCT money"]);
  assertStringIncludes(found.err, "230 in");
});

Deno.test("open takes a URL: logs in, and goes to its folder", async () => {
  const script = { CWD: "250 ok", PWD: '257 "/a/b"' };
  const found = await dialogue(
    ["ftp://ada:love%40@192.0.2.1/a/b", "ftp://ada:love%40@192.0.2.1/a/b/"].map(() => script),
    [
      "open ftp://ada:love%40@192.0.2.1/a/b",
      "close",
      "open ftp://ada:love%40@192.0.2.1/a/b/",
      "pwd",
    ],
    { host: "", noLogin: true, user: undefined },
  );
  const sent = ["USER ada", "PASS love@", "CWD a", "CWD b"];
  assertEquals(found.commands, [...sent, ...sent, "PWD"]);
});

Deno.test("a server that is gone is one line, and open connects again", async () => {
  const gone: [line: string, script: Script, error: string][] = [
    ["pwd", { PWD: "421 going down" }, "192.0.2.1:21: 421 going down (open connects again)\n"],
    [
      "pwd",
      { PWD: (_, server) => server.control.close() },
      "192.0.2.1:21: the server closed the connection (open connects again)\n",
    ],
    [
      "pwd",
      { PWD: (_, server) => server.control.reset() },
      "192.0.2.1:21: the peer reset the connection (open connects again)\n",
    ],
    [
      "ls",
      {
        LIST: async (_, server) => {
          await server.say("150 here");
          server.control.close();
        },
      },
      "192.0.2.1:21: the server closed the connection (open connects again)\n",
    ],
    [
      "pwd",
      { PWD: "what?" },
      "192.0.2.1:21: not an FTP reply: what? (open connects again)\n",
    ],
  ];
  for (const [line, script, error] of gone) {
    const found = await dialogue([script, { PWD: '257 "/again"' }], [
      line,
      "cdup",
      "open 192.0.2.1",
      "pwd",
    ]);
    assertEquals(found.err, `${error}cdup: not connected (open HOST connects)\n`, line);
    assertEquals(found.out, "/again\n");
  }
});

Deno.test("a script ends where it cannot connect: what follows may be a password", async () => {
  const found = await dialogue([], ["ada", "geheim"]);
  assertEquals(found.err, "ftp: 192.0.2.1:21: connection refused (is a server running there?)\n");
  assertEquals(found.code, 3);
  const later = await dialogue([{}], ["close", "open 192.0.2.1", "geheim"]);
  assertEquals([later.err.includes("geheim"), later.code], [false, 3]);
  const person = await dialogue([], ["open", "status"], { interactive: true });
  assertStringIncludes(person.out, "Not connected\n");
});

Deno.test("settings are changed, shown, and told to the server", async () => {
  const found = await dialogue(
    { EPRT: "500 no", PORT: "500 no" },
    ["ascii", "active", "verbose on", "trace on", "trace off", "prompt", "hash 2K", "status", "ls"],
  );
  assertStringIncludes(found.out, "Connected to 192.0.2.1:21\nLogged in as guest\n");
  assertStringIncludes(found.out, "Type: ascii; data: active\n");
  assertStringIncludes(found.out, "Verbose: on; trace: off; prompt: off; hash: 2048 bytes\n");
  assertEquals(found.err, "verbose is on\ntrace is on\ntrace is off\nprompt is off\nls: 500 no\n");
  assertMatch(found.commands.join(), /EPRT.*PORT/);
  const back = await dialogue({}, [
    "active",
    "passive",
    "type a",
    "type binary",
    "hash",
    "hash",
    "status",
  ]);
  assertStringIncludes(back.out, "Type: binary; data: passive\n");
  assertStringIncludes(back.out, "hash: off\n");
});

Deno.test("verbose shows the server's words, without what could steer a terminal", async () => {
  const script = { CWD: "250-first\r\n second\x1b\r\n250 third", MKD: '257 "/x\x1b"' };
  const found = await dialogue(script, ["cd a", "mkdir x"], { interactive: true });
  assertEquals(
    found.err,
    "220 ready\n230 welcome\n250-first\n second\\x1b\n250 third\n/x\\x1b: made\n",
  );
});

Deno.test("help lists every command, in lines that fit, and says what one does", async () => {
  const { out } = await dialogue([], ["help"], { host: "" });
  for (const { names } of COMMANDS.commands) assertStringIncludes(out, names[0]);
  const forms = COMMANDS.commands.map(({ names, usage }) => `${names.join(", ")} ${usage}`.length);
  for (const { help } of COMMANDS.commands) {
    assert(Math.max(...forms) + 2 + help.length <= 80, help);
  }
  assertEquals(
    (await dialogue([], ["help qui"], { host: "" })).out,
    "bye, quit, exit\n    End the session and the program.\n",
  );
});

Deno.test("what is typed is remembered, but never a password", async () => {
  const secret = [
    "user ada geheim",
    "user ada geheim account",
    "us ada geheim",
    "quote PASS geheim",
    "quote acct geheim",
    "site pswd geheim",
    "open ftp://ada:geheim@192.0.2.1/",
    "geheim",
    'cd "geheim',
  ];
  const typed = ["pwd", "pwd", " cd a ", ...secret, "user ada", "geheim", "open 192.0.2.1"];
  const { history } = await dialogue({ CWD: "250 ok" }, typed, { interactive: true });
  assertEquals(history, ["pwd", "cd a", "user ada", "open 192.0.2.1"]);
});
