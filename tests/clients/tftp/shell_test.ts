/** The dialogue, with a user, or a script, and a server in memory. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { TftpClient } from "../../../clients/tftp/client.ts";
import { COMMANDS } from "../../../clients/tftp/commands.ts";
import type { TftpSettings } from "../../../clients/tftp/options.ts";
import { Shell } from "../../../clients/tftp/shell.ts";
import type { Console } from "../../../tools/program/console.ts";
import { EXIT, Failure } from "../../../tools/program/failure.ts";
import { History } from "../../../tools/program/history.ts";
import { Trace } from "../../../tools/program/trace.ts";
import { largestWindow } from "../../../tools/protocol/tftp_options.ts";
import { encodeAck, encodeData, encodeError } from "../../../tools/protocol/tftp_packet.ts";
import { testWith } from "../../support/permissions.ts";
import { ROOT } from "../../support/process.ts";
import { bytes } from "../../support/stream.ts";
import { SERVICE, Wire } from "./wire.ts";

/** What is typed, and what is shown. */
class MemoryConsole implements Console {
  readonly columns = 80;
  readonly interactive: boolean;
  out = "";
  err = "";
  readonly #typed: string[];

  constructor(typed: readonly string[], interactive: boolean) {
    this.#typed = [...typed];
    this.interactive = interactive;
  }

  command(): Promise<string | null> {
    return Promise.resolve(this.#typed.shift() ?? null);
  }

  ask(): Promise<null> {
    return Promise.resolve(null);
  }

  secret(): Promise<null> {
    return Promise.resolve(null);
  }

  write(data: Uint8Array | string): Promise<void> {
    this.out += typeof data === "string" ? data : new TextDecoder().decode(data);
    return Promise.resolve();
  }

  say(line: string): void {
    this.mark(`${line}\n`);
  }

  mark(text: string): void {
    this.err += text;
  }
}

interface Held {
  out: string;
  err: string;
  code: number;
  settings: TftpSettings;
  history: readonly string[];
}

/** Holds a dialogue of `typed`, in which `serve` plays the server. */
async function dialogue(
  typed: readonly string[],
  { serve, interactive = false, server = true }: {
    serve?: (wire: Wire, shell: Shell) => Promise<void>;
    interactive?: boolean;
    server?: boolean;
  } = {},
): Promise<Held> {
  await using wire = await Wire.open();
  const console = new MemoryConsole(typed, interactive);
  const history = History.open(undefined);
  const shell = new Shell({
    commands: COMMANDS,
    connect: ({ host }): Promise<TftpClient> =>
      host === "nowhere"
        ? Promise.reject(new Failure(EXIT.unreachable, "nowhere:69: no such host"))
        : Promise.resolve(wire.client),
    console,
    history,
    settings: wire.settings,
    trace: new Trace(false),
  });
  const [code] = await Promise.all([
    shell.run(server ? { host: "192.0.2.1", port: SERVICE } : undefined),
    serve?.(wire, shell),
  ]);
  return {
    out: console.out,
    err: console.err,
    code,
    settings: wire.settings,
    history: history.lines,
  };
}

function fileTest(name: string, fn: (folder: string) => Promise<void>): void {
  testWith(["read", "write"], name, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await fn(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("the commands that users of tftp know are there, each name once", () => {
  const known = "connect mode binary ascii get put verbose trace status timeout rexmt blksize " +
    "windowsize tsize quit help ? mget mput exit bye";
  const names = COMMANDS.commands.flatMap(({ names }) => names);
  assertEquals(new Set(names).size, names.length);
  for (const name of known.split(" ")) assert(COMMANDS.find(name).names.includes(name), name);
});

Deno.test("help fits on a screen", async () => {
  const { out } = await dialogue(["help"]);
  const lines = out.trimEnd().split("\n");
  assertEquals(lines.length, COMMANDS.commands.length);
  assert(lines.every((line) => line.length <= 80));
});

Deno.test("settings are shown and changed, and say what they are now", async () => {
  const cases: [typed: string[], out: string, answers: string[], changed: Partial<TftpSettings>][] =
    [
      [["mode"], "octet", [], {}],
      [["mode ascii"], "", ["mode is netascii"], { mode: "netascii" }],
      [["ascii", "mode"], "netascii", [], { mode: "netascii" }],
      [["ascii", "binary", "mode"], "octet", [], {}],
      [["blksize"], "512", [], {}],
      [["blksize 1428", "blksize"], "1428", ["blksize is 1428"], { blksize: 1428 }],
      [["windowsize 16", "windowsize"], "16", ["windowsize is 16"], { windowsize: 16 }],
      [["rexmt"], "as measured", [], {}],
      [["rexmt 500ms", "rexmt"], "0.5 s", ["rexmt is 0.5 s"], { rexmt: 500 }],
      [["rexmt 100ms"], "", ["rexmt is 0.1 s"], { rexmt: 100 }],
      [["rexmt 255"], "", ["rexmt is 255 s"], { rexmt: 255_000 }],
      [["timeout"], "25 s", [], {}],
      [["timeout 5", "timeout"], "5 s", ["timeout is 5 s"], { timeout: 5000 }],
      [["tsize"], "", ["tsize is on"], { tsize: true }],
      [["tsize on", "tsize off"], "", ["tsize is on", "tsize is off"], {}],
      [["verbose", "verbose"], "", ["verbose is on", "verbose is off"], {}],
    ];
  const { settings: standard } = await dialogue([]);
  for (const [typed, shown, answers, changed] of cases) {
    for (const interactive of [false, true]) {
      const { out, err, code, settings } = await dialogue(typed, { interactive });
      const name = typed.at(-1)?.split(" ")[0];
      const greeting = interactive ? ["Server: 192.0.2.1:69"] : [];
      assertEquals(
        [out, err.split("\n").slice(0, -1), code],
        [shown && `${name} is ${shown}\n`, [...greeting, ...answers], 0],
        `${typed}`,
      );
      assertEquals(settings, { ...standard, ...changed });
    }
  }
});

Deno.test("status shows server and settings", async () => {
  assertEquals(
    (await dialogue(["trace", "verbose", "status"])).out,
    `Server: 192.0.2.1:69
Mode: octet; verbose: on; trace: on
Blksize: 512; windowsize: 1; tsize: off
Rexmt: as measured; timeout: 25 s
`,
  );
  assertStringIncludes(
    (await dialogue(["status"], { server: false })).out,
    "Server: none (connect names it)\n",
  );
});

Deno.test("what goes wrong is one line, and the dialogue goes on", async () => {
  const cases: [line: string, error: string, code: number][] = [
    ["frob", "tftp: frob: no such command (see help)", 2],
    ["b", "tftp: b: which one: binary, blksize, bye?", 2],
    ["get", "tftp: usage: get REMOTE [LOCAL]", 2],
    ["get a b c", "get: usage: get REMOTE [LOCAL] (for several files: mget REMOTE...)", 2],
    ["get ..", "get: ..: say which name it gets here: get REMOTE LOCAL", 2],
    ["get 'a", "tftp: the quote ' is not closed", 2],
    ["mode mail", "mode: give octet or netascii", 2],
    ["mode constructor", "mode: give octet or netascii", 2],
    ["blksize 7", "blksize: give a number from 8 to 65464", 2],
    ["blksize 65465", "blksize: give a number from 8 to 65464", 2],
    ["windowsize 0", "windowsize: give a number from 1 to 65535", 2],
    [
      "windowsize 60000",
      `windowsize: a socket's buffer does not hold 60000 blocks of 512 bytes: no more than ${
        largestWindow(512)
      }`,
      2,
    ],
    ["rexmt 99ms", "rexmt: give a time from 100ms to 255s", 2],
    ["rexmt 256", "rexmt: give a time from 100ms to 255s", 2],
    ["timeout soon", "timeout: give a duration such as 250ms, 5s or 2m", 2],
    [
      "put - cake",
      "put: the commands come from standard input (try: tftp HOST put - REMOTE)",
      2,
    ],
    ["trace maybe", "trace: usage: trace [on|off]", 2],
    ["connect a b", "connect: a port is a number from 1 to 65535", 2],
    ["connect nowhere", "connect: nowhere:69: no such host", 3],
  ];
  for (const [line, error, code] of cases) {
    const held = await dialogue([line, "mode"]);
    assertEquals([held.err, held.out, held.code], [`${error}\n`, "mode is octet\n", code]);
    assertEquals((await dialogue([line], { interactive: true })).code, 0);
  }
  const held = await dialogue(["get cake"], { server: false });
  assertEquals([held.err, held.code], ["get: name the server first: connect HOST\n", 2]);
});

Deno.test("connect names another server, quit ends the dialogue, comments are nothing", async () => {
  const held = await dialogue(["# a comment", "", "connect other", "quit", "frob"], {
    interactive: true,
    server: false,
  });
  assertEquals([held.err, held.code], ["Server: 192.0.2.1:69\n", 0]);
  assertEquals(held.history, ["connect other", "quit"]);
});

testWith(["read"], "a local file that is missing is one line", async () => {
  const cases: [line: string, error: string][] = [
    ["put /nosuch/file", "put: /nosuch/file: no such file or folder"],
    ["mput /nosuch/*.txt", "mput: /nosuch/: no such file or folder"],
    ["mput FOLDER*.nothing", "mput: FOLDER*.nothing: no such file"],
  ];
  for (const [line, error] of cases) {
    const { err, code } = await dialogue([line.replace("FOLDER", ROOT)]);
    assertEquals([err, code], [`${error.replace("FOLDER", ROOT)}\n`, 4]);
  }
});

fileTest(
  "files are fetched and sent, and how fast is said to a user, or when asked",
  async (folder) => {
    const serve = async (wire: Wire): Promise<void> => {
      while (wire.sockets.length < 1) await turn();
      await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
      wire.says(encodeData(1, bytes("Flour.")));
      await wire.takes("ACK <block=1>");
      while (wire.sockets.length < 2) await turn();
      await wire.takes("WRQ <file=pie, mode=octet>", SERVICE);
      wire.says(encodeAck(0));
      await wire.takes("DATA <block=1, 6 bytes>");
      wire.says(encodeAck(1));
    };
    const transfers = [`get cake ${folder}/cake`, `put ${folder}/cake pie`];
    const got = "cake: 6 B in TIME\n", put = "/cake: 6 B in TIME\n";
    const verbose = "verbose is on\n" +
      `getting from 192.0.2.1:69:cake to /cake [octet]\n${got}` +
      `putting /cake to 192.0.2.1:69:pie [octet]\n${put}`;
    const cases: [typed: string[], interactive: boolean, said: string][] = [
      [transfers, true, `Server: 192.0.2.1:69\n${got}${put}`],
      [["verbose", ...transfers], true, `Server: 192.0.2.1:69\n${verbose}`],
      [transfers, false, ""],
      [["verbose", ...transfers], false, verbose],
    ];
    for (const [typed, interactive, said] of cases) {
      const { err } = await dialogue(typed, { interactive, serve });
      assertEquals(await Deno.readTextFile(`${folder}/cake`), "Flour.");
      assertEquals(err.replace(/ in .*/g, " in TIME").replaceAll(folder, ""), said);
    }
  },
);

fileTest("one of several files that fails does not stop the others", async (folder) => {
  for (const name of ["a.txt", "b.txt", "c.bin"]) await Deno.writeTextFile(`${folder}/${name}`, "");
  await Deno.mkdir(`${folder}/d.txt`);
  const held = await dialogue([`mput ${folder}/*.txt`], {
    serve: async (wire) => {
      while (wire.sockets.length < 1) await turn();
      await wire.takes("WRQ <file=a.txt, mode=octet>", SERVICE);
      wire.says(encodeError(2, "no"));
      while (wire.sockets.length < 2) await turn();
      await wire.takes("WRQ <file=b.txt, mode=octet>", SERVICE);
      wire.says(encodeAck(0));
      await wire.takes("DATA <block=1, 0 bytes>");
      wire.says(encodeAck(1));
    },
  });
  assertEquals([held.err, held.code], ["mput: 192.0.2.1:69: a.txt: no (error 2)\n", 1]);
});

fileTest(
  "Ctrl-C ends the transfer, with what would follow, and not the dialogue",
  async (folder) => {
    const held = await dialogue([`get cake ${folder}/cake`, "mode"], {
      interactive: true,
      serve: async (wire, shell) => {
        while (wire.sockets.length < 1) await turn();
        await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
        wire.says(encodeData(1, new Uint8Array(512)));
        await wire.takes("ACK <block=1>");
        const interrupted = shell.interrupt();
        await wire.takes("ERROR <code=0, msg=interrupted>");
        await interrupted;
      },
    });
    assertEquals(held.err, "Server: 192.0.2.1:69\nget: 192.0.2.1:69: cake: interrupted\n");
    assertEquals(held.out, "mode is octet\n");
    assertEquals([...Deno.readDirSync(folder)], []);
  },
);

fileTest(
  "completion knows commands, local names, and the server's names that were used",
  async (folder) => {
    await Deno.writeTextFile(`${folder}/notes.txt`, "");
    const found: string[][] = [];
    await dialogue([`get pub/cake ${folder}/cake`], {
      serve: async (wire, shell) => {
        while (wire.sockets.length < 1) await turn();
        await wire.takes("RRQ <file=pub/cake, mode=octet>", SERVICE);
        wire.says(encodeError(1, ""));
        for (
          const line of [
            "wi",
            `put ${folder}/no`,
            "get p",
            "get pub/",
            "get x",
            "put /nosuch/",
            "connect s",
          ]
        ) {
          found.push((await shell.complete(line)).words);
        }
      },
    });
    assertEquals(found, [
      ["windowsize "],
      [`${folder}/notes.txt `],
      ["pub/"],
      ["pub/cake "],
      [],
      [],
      [],
    ]);
  },
);

async function turn(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve));
}
