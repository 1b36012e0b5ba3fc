/** The transfers of the dialogue, with files on this side and scripted servers on the other. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { partName } from "../../../clients/ftp/target.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { type Act, type FtpServer, type Script, sends } from "../../support/ftp_script.ts";
import {
  type Dialogue,
  dialogue,
  type DialogueOptions,
  type Typed,
} from "../../support/ftp_shell.ts";
import { testWith } from "../../support/permissions.ts";
import { bytes, readText } from "../../support/stream.ts";

type Hold = (
  script: Script | Script[],
  typed: readonly Typed[],
  options?: DialogueOptions,
) => Promise<Dialogue>;

/** A test with an empty local folder, into which the dialogue goes first. */
function folderTest(name: string, fn: (folder: string, hold: Hold) => Promise<void>): void {
  testWith(["read", "write"], name, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await fn(
        folder,
        (script, typed, options) => dialogue(script, [`lcd ${folder}`, ...typed], options),
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

const FACTS: Script = { SIZE: "213 5", MDTM: "213 20010203040506" };
const TIME = new Date("2001-02-03T04:05:06Z");

/** Takes what is sent into `got`. */
function takes(got: string[]): Act {
  return async (_, server) => {
    await server.say("150 go on");
    got.push(await readText(await server.data()));
    return "226 done";
  };
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

folderTest("get fetches a file under its name, with the server's time", async (folder, hold) => {
  const { err, code } = await hold({ ...FACTS, RETR: sends("hello") }, ["get pub/f"]);
  assertEquals([err, code, names(folder)], ["", 0, ["f"]]);
  assertEquals(await Deno.readTextFile(`${folder}/f`), "hello");
  assertEquals((await Deno.stat(`${folder}/f`)).mtime, TIME);
});

folderTest("get takes another name, or shows the file", async (folder, hold) => {
  const script = { ...FACTS, RETR: sends("hello") };
  const found = await hold(script, [
    "get f g",
    "get f 'two words'",
    "get f -",
    `get f ${folder}/h`,
  ]);
  assertEquals([found.out, names(folder)], ["hello", ["g", "h", "two words"]]);
});

folderTest("get tells how fast it was", async (_, hold) => {
  const script = { ...FACTS, RETR: sends("hello") };
  const { err } = await hold(script, ["get f"], { interactive: true });
  assertMatch(err, /\nf: 5 B in \d+\.\d\d s \([\d.]+ (?:Ki|Mi)?B\/s\)\n$/);
  assertMatch((await hold(script, ["hash 2", "get f"], { verbose: true })).err, /\n##\nf: 5 B/);
});

folderTest("get asks for nothing that the server does not know", async (folder, hold) => {
  const { err, commands } = await hold({ RETR: sends("hello") }, ["get f"]);
  assertEquals([err, names(folder)], ["", ["f"]]);
  assertEquals(commands, ["TYPE I", "SIZE f", "MDTM f", "RETR f"]);
});

folderTest(
  "a name that would lead elsewhere is not taken for a local file",
  async (folder, hold) => {
    const script = { ...FACTS, RETR: sends("evil") };
    const found = await hold(script, [
      "get pub/..",
      "get ..",
      "get a/",
      'get "a\\\\b"',
      "get x\x1b",
    ]);
    assertEquals(found.commands, []);
    assertEquals(found.err.match(/a file cannot have this name here/g)?.length, 5);
    assertEquals([names(folder), found.code], [[], 4]);
  },
);

folderTest("no program is started for a transfer", async (folder, hold) => {
  const { err, commands } = await hold({ ...FACTS, RETR: sends("x") }, ['get f "|rm -r ."']);
  assertEquals(err, "get: no program is started here: get f -\n");
  assertEquals([commands, names(folder)], [[], []]);
});

folderTest("mget takes no name from a listing that leads elsewhere", async (folder, hold) => {
  const listing = ["../evil", "/evil", "a\\evil", "\x1bevil", "good"].map((name) =>
    `-rw-r--r-- 1 me users 5 Nov 23 2020 ${name}\r\n`
  ).join("");
  const script = { ...FACTS, LIST: sends(listing), RETR: sends("hello") };
  const { commands } = await hold(script, ["mget *evil *good"]);
  assertEquals(commands.filter((line) => line.startsWith("RETR")), ["RETR good"]);
  assertEquals(names(folder), ["good"]);
});

const LISTING = sends(
  ["a.txt", "b.txt", "c.txt", "d.txt"].map((name) =>
    `-rw-r--r-- 1 me users 5 Nov 23 2020 ${name}\r\n`
  )
    .join("") + "drwxr-xr-x 1 me users 0 Nov 23 2020 e.txt\r\n",
);

folderTest("mget asks for each file, until it is told not to", async (folder, hold) => {
  const script = { ...FACTS, LIST: LISTING, RETR: sends("hello") };
  const cases: [typed: Typed[], got: string[]][] = [
    [["y", "n", "a"], ["a.txt", "c.txt", "d.txt"]],
    [["", "q"], ["a.txt"]],
    [["no", "yes", null], ["b.txt"]],
  ];
  for (const [typed, got] of cases) {
    const { questions } = await hold(script, ["mget *.txt", ...typed], { interactive: true });
    assertEquals(names(folder), got);
    assertEquals(questions[0], "mget a.txt [y/n/a/q]? ");
    for (const name of got) await Deno.remove(`${folder}/${name}`);
  }
  const { questions } = await hold(script, ["prompt", "mget *.txt"], { interactive: true });
  assertEquals([questions, names(folder).length], [[], 4]);
  assertEquals((await hold(script, ["mget *.txt"])).questions, []);
});

folderTest("mget goes on after a file that fails", async (folder, hold) => {
  const script = {
    ...FACTS,
    LIST: LISTING,
    RETR: [sends("hello"), "550 no", "450 busy", sends("hello")],
  };
  const { err, code } = await hold(script, ["mget *.txt"]);
  assertEquals(err, "mget: b.txt: 550 no\nmget: c.txt: 450 busy\n");
  assertEquals([names(folder), code], [["a.txt", "d.txt"], 1]);
});

folderTest("a download that breaks off stays for reget", async (folder, hold) => {
  const broken: Act = async (_, server) => {
    await server.say("150 here");
    const data = await server.data();
    await writeAll(data, bytes("hel"));
    await data.closeWrite();
    return "426 broken";
  };
  const script = { ...FACTS, RETR: [broken, sends("lo")], REST: "350 ok" };
  const found = await hold(script, ["get f", "reget f"]);
  assertEquals(found.err, "get: f: 426 broken; 3 bytes are kept (reget goes on)\n");
  assertEquals(found.commands.filter((line) => /^RE/.test(line)), ["RETR f", "REST 3", "RETR f"]);
  assertEquals([names(folder), await Deno.readTextFile(`${folder}/f`)], [["f"], "hello"]);
});

folderTest("fewer bytes than the server promised are no success", async (folder, hold) => {
  const { err, code } = await hold({ ...FACTS, RETR: sends("hel") }, ["get f"]);
  assertEquals(err, "get: f: the server sent 3 of 5 bytes; 3 bytes are kept (reget goes on)\n");
  assertEquals([names(folder), code], [[".f.part"], 1]);
});

folderTest(
  "a server that goes in the middle leaves what came, and one line",
  async (folder, hold) => {
    const gone: Act = async (_, server) => {
      await server.say("150 here");
      const data = await server.data();
      await writeAll(data, bytes("hel"));
      await data.closeWrite();
      server.control.close();
    };
    const { err } = await hold({ ...FACTS, RETR: gone }, ["get f", "pwd"]);
    assertEquals(
      err,
      "192.0.2.1:21: the server closed the connection; 3 bytes are kept (open connects again)\n" +
        "pwd: not connected (open HOST connects)\n",
    );
    assertEquals(names(folder), [".f.part"]);
  },
);

/** A server that stops at ABOR. */
function aborts(verb: string): Script {
  let data: Awaited<ReturnType<FtpServer["data"]>>;
  return {
    [verb]: async (_, server) => {
      await server.say("150 open");
      data = await server.data();
      if (verb === "RETR") await writeAll(data, bytes("hel"));
    },
    ABOR: async (_, server) => {
      await data.closeWrite();
      await server.say("426 aborted");
      return "226 closed";
    },
  };
}

folderTest("Ctrl-C ends a transfer and not the dialogue", async (folder, hold) => {
  await Deno.writeTextFile(`${folder}/local`, "hello");
  for (
    const [line, verb, kept] of [
      ["get f", "RETR", "; 3 bytes are kept (reget goes on)"],
      ["put local f", "STOR", ""],
      ["append local f", "APPE", ""],
    ] as const
  ) {
    const script = { ...FACTS, ...aborts(verb), PWD: '257 "/"' };
    const { err, out } = await hold(script, [line, "pwd"], {
      interactive: true,
      verbose: false,
      onPiece: (shell) => shell.interrupt(),
    });
    assertEquals(err, `${line.split(" ")[0]}: f: the transfer was aborted${kept}\n`);
    assertEquals(out, "/\n");
  }
});

folderTest("Ctrl-C before a transfer keeps it from beginning", async (folder, hold) => {
  let interrupt = (): void => {};
  const script: Script = {
    ...aborts("RETR"),
    ...FACTS,
    MDTM: () => {
      interrupt();
      return "550 no";
    },
    PWD: '257 "/"',
  };
  const { err, out, commands } = await hold(script, ["get f", "pwd"], {
    interactive: true,
    verbose: false,
    onStart: (shell) => interrupt = () => shell.interrupt(),
  });
  assertEquals(err, "get: f: the transfer was aborted\n");
  assertEquals([out, names(folder)], ["/\n", []]);
  assertEquals(commands, ["TYPE I", "SIZE f", "MDTM f", "PWD"]);
});

folderTest("Ctrl-C ends mget, not just one of its files", async (folder, hold) => {
  const script = { ...FACTS, ...aborts("RETR"), LIST: LISTING };
  const { commands, err } = await hold(script, ["prompt", "mget *.txt"], {
    interactive: true,
    verbose: false,
    onPiece: (shell) => shell.interrupt(),
  });
  assertEquals(commands.filter((line) => line.startsWith("RETR")), ["RETR a.txt"]);
  assertEquals(err, "mget: a.txt: the transfer was aborted; 3 bytes are kept (reget goes on)\n");
  assertEquals(names(folder), [".a.txt.part"]);
});

folderTest("Ctrl-C ends what is done for each of several files", async (_, hold) => {
  let interrupt = (): void => {};
  const script: Script = {
    LIST: LISTING,
    DELE: () => {
      interrupt();
      return "250 gone";
    },
  };
  const { commands, err } = await hold(script, ["prompt", "mdelete *.txt"], {
    interactive: true,
    verbose: false,
    onStart: (shell) => interrupt = () => shell.interrupt(),
  });
  assertEquals(commands.filter((line) => line.startsWith("DELE")), ["DELE a.txt"]);
  assertEquals(err, "mdelete: interrupted\n");
});

folderTest("Ctrl-C twice ends the session, not the program", async (folder, hold) => {
  const silent: Script = {
    RETR: async (_, server) => {
      await server.say("150 open");
      await writeAll(await server.data(), bytes("hel"));
    },
    ABOR: () => {},
  };
  const { err, out } = await hold([{ ...FACTS, ...silent }, { PWD: '257 "/"' }], [
    "get f",
    "open 192.0.2.1",
    "pwd",
  ], {
    interactive: true,
    verbose: false,
    onPiece: (shell) => {
      shell.interrupt();
      shell.interrupt();
    },
  });
  assertEquals(
    err,
    "192.0.2.1:21: the session was closed; 3 bytes are kept (open connects again)\n",
  );
  assertEquals([out, names(folder)], ["/\n", [".f.part"]]);
});

folderTest("newer fetches what is newer there, or missing here", async (folder, hold) => {
  const script = { ...FACTS, RETR: sends("hello") };
  const path = `${folder}/f`;
  const cases: [local: Date | undefined, fetched: boolean][] = [
    [undefined, true],
    [new Date(TIME.getTime() - 1000), true],
    [TIME, false],
    [new Date(TIME.getTime() + 1000), false],
  ];
  for (const [local, fetched] of cases) {
    if (local) await Deno.utime(path, local, local);
    const { commands } = await hold(script, ["newer f"]);
    assertEquals(commands.includes("RETR f"), fetched, `${local}`);
  }
});

folderTest("put, append and reput send what they are for", async (folder, hold) => {
  await Deno.writeTextFile(`${folder}/local`, "hello");
  const cases: [line: string, size: string, verb: string, sent: string | undefined][] = [
    ["put local", "213 2", "STOR local", "hello"],
    ["put local 'there also'", "213 2", "STOR there also", "hello"],
    ["append local f", "213 2", "APPE f", "hello"],
    ["reput local", "213 2", "APPE local", "llo"],
    ["reput local", "550 no", "STOR local", "hello"],
    ["reput local", "213 0", "STOR local", "hello"],
  ];
  for (const [line, size, verb, sent] of cases) {
    const got: string[] = [];
    const found = await hold({ SIZE: size, STOR: takes(got), APPE: takes(got) }, [line]);
    assertEquals([found.err, found.commands.at(-1), got[0]], ["", verb, sent], line);
  }
  const { err } = await hold({ SIZE: "213 6" }, ["reput local"]);
  assertEquals(err, "reput: local: has 6 bytes, more than the 5 of local\n");
});

folderTest("mput sends the files that patterns stand for, and no folders", async (folder, hold) => {
  for (const name of ["a.txt", "b.txt", ".c.txt", "d"]) {
    await Deno.writeTextFile(`${folder}/${name}`, name);
  }
  await Deno.mkdir(`${folder}/e.txt`);
  await Deno.writeTextFile(`${folder}/e.txt/f`, "f");
  const got: string[] = [];
  const found = await hold({ STOR: takes(got) }, ["mput *.txt e.txt/* d", "mput *.gif"]);
  assertEquals(found.commands.filter((line) => line.startsWith("STOR")), [
    "STOR a.txt",
    "STOR b.txt",
    "STOR f",
    "STOR d",
  ]);
  assertEquals(found.err, "mput: *.gif: no such file\n");
});

folderTest("text is turned round in ascii, both ways", async (folder, hold) => {
  await Deno.writeTextFile(`${folder}/local`, "a\nb\n");
  const got: string[] = [];
  const script = { ...FACTS, RETR: sends("c\r\nd\r\n"), STOR: takes(got) };
  const found = await hold(script, ["ascii", "put local", "get f"]);
  assertEquals([got, await Deno.readTextFile(`${folder}/f`)], [["a\r\nb\r\n"], "c\nd\n"]);
  assertEquals(found.err, "");
});

folderTest("what fails on this side is told, and the dialogue goes on", async (folder, hold) => {
  await Deno.mkdir(`${folder}/sub`);
  await Deno.mkdir(partName(`${folder}/f`));
  const script = { ...FACTS, RETR: sends("hello"), PWD: '257 "/"' };
  const cases: [line: string, error: string][] = [
    ["put nosuch", `put: ${folder}/nosuch: no such file or folder`],
    ["put sub", `put: ${folder}/sub: is a folder`],
    ["get f", `get: ${partName(`${folder}/f`)}: is in the way`],
    ["get x sub", `get: ${folder}/sub: is a folder`],
    ["get x no/y", `get: ${folder}/no/y: no such file or folder`],
    ["lcd nosuch", `lcd: ${folder}/nosuch: no such file or folder`],
  ];
  for (const [line, error] of cases) {
    const found = await hold(script, [line, "pwd"]);
    assertEquals([found.err, found.out, found.code], [`${error}\n`, "/\n", 4], line);
  }
});

folderTest("lcd tells where it is", async (folder, hold) => {
  await Deno.mkdir(`${folder}/sub`);
  const { err, out } = await hold([], ["lcd sub", "lcd ..", "status"], { verbose: true, host: "" });
  const real = folder;
  assertStringIncludes(err, `Local folder: ${real}/sub\nLocal folder: ${real}\n`);
  assertStringIncludes(out, `Local folder: ${real}\n`);
});
