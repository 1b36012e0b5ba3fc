/** `ftp URL...` against scripted servers. */
import { assertEquals, assertRejects } from "@std/assert";
import { type JobOptions, jobsFor } from "../../../clients/ftp/command_line.ts";
import { OneShot } from "../../../clients/ftp/one_shot.ts";
import { RateLimit } from "../../../clients/ftp/rate.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { Secret } from "../../../tools/protocol/secret.ts";
import { type Act, connect, FtpServer, type Script, sends } from "../../support/ftp_script.ts";
import { testWith } from "../../support/permissions.ts";
import { bytes, readText } from "../../support/stream.ts";

const OPTIONS: JobOptions = {
  output: undefined,
  continueAt: undefined,
  uploadFile: undefined,
  append: false,
  createDirs: false,
  listOnly: false,
  head: false,
  recursive: false,
  delete: false,
  include: [],
  exclude: [],
  dryRun: false,
  parallel: 4,
  ascii: false,
  encoding: "utf-8",
  tls: false,
  port: undefined,
  user: { name: "guest", password: new Secret("secret") },
};

/** What came of it. */
interface Outcome {
  code: number;
  /** What the servers got, after each login. */
  commands: string[][];
  /** The waits between attempts, in seconds. */
  waits: number[];
}

/** Does `words` with servers, one for each connection, that follow `scripts`; then connections are refused. */
async function shoot(
  scripts: Script[],
  words: string[],
  { retries = 0, onPiece, ...options }: Partial<JobOptions> & {
    retries?: number;
    onPiece?: (shot: OneShot) => void;
  } = {},
): Promise<Outcome> {
  const servers = scripts.map((script) => new FtpServer(script));
  const waiting = [...servers];
  const waits: number[] = [];
  const jobs = await jobsFor(words, { ...OPTIONS, ...options });
  const shot: OneShot = new OneShot({
    connect: async (server) => {
      const next = waiting.shift();
      if (!next) throw new Deno.errors.ConnectionRefused("refused");
      return await connect(next, server);
    },
    retries,
    createDirs: options.createDirs ?? false,
    rate: onPiece && new RateLimit(Infinity, () => 0, () => Promise.resolve(onPiece(shot))),
    wait: (milliseconds) => Promise.resolve(void waits.push(milliseconds / 1000)),
  });
  const code = await shot.run(jobs);
  for (const server of servers) if (!waiting.includes(server)) await server.finished();
  const commands = servers.map(({ commands }) =>
    commands.filter((line) => !/^(?:USER guest|PASS secret|FEAT|TYPE I|EPSV|QUIT)/.test(line))
  );
  return { code, commands, waits };
}

function folderTest(name: string, fn: (folder: string) => Promise<void>): void {
  testWith(["read", "write"], name, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await fn(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

const FACTS: Script = { SIZE: "213 5", MDTM: "213 20010203040506" };

/** Sends `text`, then breaks off as `how` says. */
function breaksOff(text: string, how: "control" | "data"): Act {
  return async (_, server) => {
    await server.say("150 here");
    const data = await server.data();
    await writeAll(data, bytes(text));
    await data.closeWrite();
    if (how === "data") return "426 broken";
    server.control.close();
  };
}

function takes(got: string[]): Act {
  return async (_, server) => {
    await server.say("150 go on");
    got.push(await readText(await server.data()));
    return "226 done";
  };
}

folderTest(
  "a URL goes through its folders, one CWD each (RFC 1738 section 3.2.2)",
  async (folder) => {
    const script = { ...FACTS, CWD: "250 ok", RETR: sends("hello") };
    const output = `${folder}/f`;
    const { code, commands } = await shoot([script], ["ftp://h/a/two%20words/%2Fb/f"], { output });
    assertEquals(code, 0);
    assertEquals(commands, [
      ["CWD a", "CWD two words", "CWD /b", "SIZE f", "MDTM f", "RETR f"],
    ]);
    assertEquals(await Deno.readTextFile(output), "hello");
  },
);

Deno.test("URLs of one server share a session as far as their folders lead on", async () => {
  const script = { CWD: "250 ok", NLST: sends("") };
  const { commands } = await shoot([script, script, script], [
    "ftp://h/a/",
    "ftp://h/a/b/",
    "ftp://h/c/",
    "ftp://other/c/",
  ], { listOnly: true });
  assertEquals(commands, [
    ["CWD a", "NLST", "CWD b", "NLST"],
    ["CWD c", "NLST"],
    ["CWD c", "NLST"],
  ]);
});

Deno.test("the exit code is that of the first URL that failed, and the others are done", async () => {
  const script = { CWD: ["550 no", "250 ok", "450 busy"], NLST: sends("") };
  const { code, commands } = await shoot(
    [script],
    ["ftp://h/a/", "ftp://h/b/", "ftp://h/b/c/"],
    { listOnly: true },
  );
  assertEquals([code, commands], [1, [["CWD a", "CWD b", "NLST", "CWD c"]]]);
  assertEquals((await shoot([], ["ftp://h/"])).code, 3);
  assertEquals((await shoot([{ USER: "421 full" }], ["ftp://h/"])).code, 5);
  assertEquals((await shoot([{ PASS: "530 who?" }], ["ftp://h/"])).code, 1);
  assertEquals((await shoot([{ PWD: "what?", CWD: "eh?" }], ["ftp://h/a/"])).code, 1);
});

for (const how of ["control", "data"] as const) {
  folderTest(`a download goes on where it broke off (${how})`, async (folder) => {
    const output = `${folder}/f`;
    const again: Script = { ...FACTS, RETR: [breaksOff("hel", how), sends("lo")], REST: "350 ok" };
    const scripts = how === "control" ? [again, { ...again, RETR: sends("lo") }] : [again];
    const { code, commands, waits } = await shoot(scripts, ["ftp://h/f"], { output, retries: 1 });
    assertEquals([code, waits], [0, [1]]);
    assertEquals(commands.flat().filter((line) => /^RE/.test(line)), [
      "RETR f",
      "REST 3",
      "RETR f",
    ]);
    assertEquals(await Deno.readTextFile(output), "hello");
  });
}

folderTest("an upload goes on where it broke off", async (folder) => {
  const path = `${folder}/local`;
  await Deno.writeTextFile(path, "hello");
  const got: string[] = [];
  const broken: Act = async (_, server) => {
    await server.say("150 go on");
    await (await server.data()).read(new Uint8Array(3));
    server.control.close();
  };
  const scripts = [{ STOR: broken }, { SIZE: "213 3", APPE: takes(got) }];
  const { code, commands } = await shoot(scripts, ["ftp://h/f"], { uploadFile: path, retries: 1 });
  assertEquals([code, got], [0, ["lo"]]);
  assertEquals(commands, [["STOR f"], ["SIZE f", "APPE f"]]);
});

folderTest("an upload that never began is sent whole, whatever is there", async (folder) => {
  const path = `${folder}/local`;
  await Deno.writeTextFile(path, "hello");
  const got: string[] = [];
  const script = { SIZE: "213 3", STOR: ["425 busy" as Act, takes(got)] };
  const { code } = await shoot([script], ["ftp://h/f"], { uploadFile: path, retries: 1 });
  assertEquals([code, got], [0, ["hello"]]);
});

folderTest("what was added to a file is not added again", async (folder) => {
  const path = `${folder}/local`;
  await Deno.writeTextFile(path, "hello");
  const broken: Act = async (_, server) => {
    await server.say("150 go on");
    await readText(await server.data());
    return "450 disk is busy";
  };
  const { code, waits } = await shoot([{ APPE: broken }], ["ftp://h/f"], {
    uploadFile: path,
    append: true,
    retries: 3,
  });
  assertEquals([code, waits], [5, []]);
});

Deno.test("attempts wait longer and longer, and end", async () => {
  const { code, waits } = await shoot([], ["ftp://h/"], { retries: 8 });
  assertEquals([code, waits], [3, [1, 2, 4, 8, 16, 32, 60, 60]]);
});

Deno.test("what is refused for good is not tried again", async () => {
  const { code, waits } = await shoot([{ CWD: "550 no" }], ["ftp://h/a/"], { retries: 3 });
  assertEquals([code, waits], [1, []]);
});

folderTest("a file that changes between two attempts is not patched together", async (folder) => {
  const script = {
    SIZE: "213 5",
    MDTM: ["213 20010203040506" as Act, "213 20010203040507"],
    RETR: [breaksOff("hel", "data"), sends("lo")],
    REST: "350 ok",
  };
  const { code } = await shoot([script], ["ftp://h/f"], { output: `${folder}/f`, retries: 1 });
  assertEquals(code, 1);
  await assertRejects(() => Deno.stat(`${folder}/f`), Deno.errors.NotFound);
});

folderTest("-C goes on with what an earlier run left", async (folder) => {
  const output = `${folder}/f`;
  const first = { ...FACTS, RETR: breaksOff("hel", "control") };
  assertEquals((await shoot([first], ["ftp://h/f"], { output })).code, 3);
  assertEquals(await Deno.readTextFile(`${folder}/.f.part`), "hel");
  const rest = { ...FACTS, RETR: sends("lo"), REST: "350 ok" };
  const { code, commands } = await shoot([rest], ["ftp://h/f"], { output, continueAt: "-" });
  assertEquals([code, commands], [0, [["SIZE f", "MDTM f", "REST 3", "RETR f"]]]);
  assertEquals(await Deno.readTextFile(output), "hello");
  const whole = await shoot([FACTS], ["ftp://h/f"], { output, continueAt: "-" });
  assertEquals([whole.code, whole.commands], [0, [["SIZE f", "MDTM f"]]]);
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["f"]);
});

folderTest("-C sends the rest of a file, or nothing when all is there", async (folder) => {
  const path = `${folder}/local`;
  await Deno.writeTextFile(path, "hello");
  const cases: [size: string, sent: string[], code: number][] = [
    ["213 2", ["llo"], 0],
    ["550 no", ["hello"], 0],
    ["213 5", [], 0],
    ["213 6", [], 1],
  ];
  for (const [size, sent, expected] of cases) {
    const got: string[] = [];
    const script = { SIZE: size, STOR: takes(got), APPE: takes(got) };
    const { code } = await shoot([script], ["ftp://h/f"], { uploadFile: path, continueAt: "-" });
    assertEquals([code, got], [expected, sent], size);
  }
});

folderTest("--create-dirs makes what is missing", async (folder) => {
  const path = `${folder}/local`;
  await Deno.writeTextFile(path, "hello");
  const got: string[] = [];
  const script: Script = {
    CWD: ["250 ok", "550 no", "250 ok", "550 no", "250 ok"],
    MKD: '257 "/x" made',
    STOR: takes(got),
  };
  const { code, commands } = await shoot([script], ["ftp://h/a/b/c/"], {
    uploadFile: path,
    createDirs: true,
  });
  assertEquals([code, got], [0, ["hello"]]);
  assertEquals(commands, [
    ["CWD a", "CWD b", "MKD b", "CWD b", "CWD c", "MKD c", "CWD c", "STOR local"],
  ]);
});

folderTest("text is turned round, and not gone on with", async (folder) => {
  const output = `${folder}/f`;
  const script = { ...FACTS, RETR: sends("a\r\nb\r\n") };
  const { code, commands } = await shoot([script], ["ftp://h/f;type=a"], { output });
  assertEquals([code, await Deno.readTextFile(output)], [0, "a\nb\n"]);
  assertEquals(commands, [["SIZE f", "MDTM f", "TYPE A", "RETR f"]]);
});

folderTest("an interruption keeps what has arrived, and tells", async (folder) => {
  let said: string | undefined;
  const { code } = await shoot(
    [{ ...FACTS, RETR: breaksOff("hel", "control") }],
    ["ftp://h/f"],
    { output: `${folder}/f`, onPiece: (shot) => said = shot.interrupt() },
  );
  assertEquals([said, code], ["; 3 bytes are kept (-C - goes on)", 3]);
  assertEquals(await Deno.readTextFile(`${folder}/.f.part`), "hel");
});
