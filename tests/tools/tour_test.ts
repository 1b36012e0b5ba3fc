/** The tour, and that it notices what goes wrong. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { PROGRAMS } from "../../tools/labsock/registry.ts";
import { listens, until } from "../../tools/bench/processes.ts";
import { type Chapter, play } from "../../tools/tour/chapter.ts";
import { processTest } from "../support/permissions.ts";
import { commandLine, run } from "../support/process.ts";

/** Plays a chapter of a test's own: what went wrong, and what was shown. */
async function played(
  chapter: Omit<Chapter, "title" | "about">,
  patience = 30_000,
): Promise<{ wrong: string[]; shown: string }> {
  let shown = "";
  const wrong = await play({ title: "A test", about: "It is played.", ...chapter }, {
    write: (text) => Promise.resolve(void (shown += text)),
    patience,
  });
  return { wrong, shown };
}

const SERVER = { program: "daytimed", args: ["--host", "127.0.0.1", "--port", "0"] };
const YEAR = /\d{4}/;

processTest("the tour visits every program, and all goes well", async () => {
  const { code, stdout, stderr } = await run("tools/tour.ts", []);
  assertEquals([code, stderr], [0, ""], stdout);
  for (const { file } of PROGRAMS) assertStringIncludes(stdout, `\n$ deno run -A ${file} `);
  assertStringIncludes(stdout, " steps: all went well ==\n");
});

processTest("a chapter shows its commands and what came of them", async () => {
  const { wrong, shown } = await played({
    servers: [SERVER],
    steps: [{ what: "By UDP.", program: "daytime", args: ["-u", "{daytimed.udp}"], shows: YEAR }],
  });
  assertEquals(wrong, []);
  assertEquals(
    shown.replace(/:\d{3,5}\b/g, ":PORT").replace(/^ .*\d{4}.*$/gm, "  THE TIME"),
    "\n== A test ==\nIt is played.\n\n" +
      "$ deno run -A servers/daytime.ts --host 127.0.0.1 --port 0\n" +
      "  daytimed: listening on tcp 127.0.0.1:PORT\n" +
      "  daytimed: listening on udp 127.0.0.1:PORT\n" +
      "\nBy UDP.\n$ deno run -A clients/daytime.ts -u 127.0.0.1:PORT\n  THE TIME\n" +
      "\nWhat daytimed said meanwhile:\n  THE TIME\n",
  );
});

processTest("a chapter says what went wrong", async () => {
  const step = { what: "Ask.", program: "daytime", args: ["{daytimed}"], shows: YEAR };
  const rows: [chapter: Omit<Chapter, "title" | "about">, wrong: string[]][] = [
    [{ servers: [SERVER], steps: [step] }, []],
    [{ servers: [SERVER], steps: [{ ...step, shows: /nonsense/ }, step] }, [
      '"Ask." showed something else than expected',
    ]],
    [{ servers: [SERVER], steps: [{ ...step, code: 1 }] }, ['"Ask." ended with exit code 0']],
    [{ servers: [{ ...SERVER, args: ["--bogus"] }], steps: [step] }, [
      "daytimed did not start",
      "daytimed ended with exit code 2",
    ]],
  ];
  for (const [chapter, wrong] of rows) assertEquals((await played(chapter)).wrong, wrong);
});

processTest("a chapter gives up on a step that does not end", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const args = [`127.0.0.1:${silent.addr.port}`, "--timeout", "10m"];
  const step = { what: "Ask.", program: "daytime", args, shows: YEAR };
  assertEquals((await played({ steps: [step] }, 1)).wrong, ['"Ask." took too long']);
});

processTest(
  "a chapter that is stopped ends what it has started, and leaves no folder",
  async () => {
    const folder = await Deno.makeTempDir();
    const chapter = new Deno.Command(Deno.execPath(), {
      args: commandLine("tests/support/endless_chapter.ts", []),
      env: { TMPDIR: folder },
      stdin: "null",
      stdout: "piped",
    }).spawn();
    let shown = "";
    for await (const text of chapter.stdout.pipeThrough(new TextDecoderStream())) {
      shown += text;
      if (/proxy\.ts 0 /.test(shown)) break;
    }
    const port = Number(/tcp \S+:(\d+)/.exec(shown)?.[1]);
    assertEquals([await listens(port), [...Deno.readDirSync(folder)].length], [true, 1]);
    chapter.kill("SIGTERM");
    assertEquals((await chapter.status).code, 130);
    assertEquals([...Deno.readDirSync(folder)], []);
    await until("the server to end", async () => !await listens(port));
    await Deno.remove(folder);
  },
);

processTest("a chapter gives its programs files, input, and arguments as they are", async () => {
  const { wrong, shown } = await played({
    files: { cake: "flour\n" },
    web: (request) => new Response(request.body),
    steps: [
      {
        what: "From a file.",
        program: "http",
        args: ["-d", "@cake", "http://{web}/a b'c"],
        shows: /^flour$/m,
      },
      {
        what: "From the keyboard.",
        program: "http",
        args: ["-d", "@-", "{web}"],
        input: "eggs",
        shows: /^eggs/,
      },
      {
        what: "From its folder.",
        program: "http",
        args: ["-d", "@{folder}/cake", "{web}"],
        shows: /^flour$/m,
      },
    ],
  });
  assertEquals(wrong, []);
  assertStringIncludes(shown, "/a b'\\''c'\n");
});
