/** The chat server against ncat --chat, with 50 and with 500 people: lines delivered by the second. */
import type { Benchmark, Contender, Measure } from "./benchmark.ts";
import { memoryFolder } from "./files.ts";
import { compileLoad, figures } from "./load.ts";
import { type CommandLine, freePort, ours, startServer } from "./processes.ts";

/** What the people do, as `chat_load` knows it, and how many lines take the slower server about a second with 50. */
const KINDS = [
  { kind: "blocks", name: "lines in blocks", lines: 200_000 },
  { kind: "single", name: "single lines", lines: 100_000 },
  { kind: "turns", name: "all talk in turn", lines: 20 },
  { kind: "lines", name: "wait for each line", lines: 2000 },
] as const;
const SIZES = [50, 500];

const TESTS = SIZES.flatMap((people) =>
  KINDS.map(({ kind, name, lines }) => ({
    column: `${people}: ${name}`,
    people,
    kind,
    // Ten times the people hear ten times as much; and when all talk, ten times as many do.
    lines: Math.max(1, lines * 50 / people / (kind === "turns" ? people / 50 : 1)),
  }))
);

/** The command line of a chat server that listens on `port`. */
type Server = (port: number) => CommandLine;

/** The benchmark `chatd`. */
export const benchmark: Benchmark = {
  summary: "lines of 64 bytes over loopback, by how many millions a second they are delivered",
  columns: TESTS.map(({ column }) => ({ name: column, unit: "M/s", better: "more" })),

  async contenders(stack): Promise<Contender[]> {
    const load = await compileLoad(await memoryFolder(stack), "chat_load.c");
    // Nobody is slowed down: this measures the server, not its manners.
    const options = ["--host", "127.0.0.1", "--rate", "1000000000", "--quiet"];
    const chatd: Server = (port) => ours("chatd", ...options, "--port", `${port}`);
    const ncat: Server = (port) => ["ncat", "--chat", "-m", "1000", "-l", "127.0.0.1", `${port}`];
    const start = (server: Server) => (): Promise<Record<string, Measure>> =>
      Promise.resolve(Object.fromEntries(TESTS.map(({ column, people, kind, lines }) => [
        column,
        () => {
          const port = freePort();
          return measured(server(port), [load, `${port}`, `${people}`, kind, `${lines}`]);
        },
      ])));
    return [
      { name: "chatd", start: start(chatd) },
      { name: "ncat --chat", needs: "ncat", start: start(ncat) },
    ];
  },
};

/** Takes a figure of a server of its own: ncat may end when somebody leaves, so it cannot be used again. */
async function measured(server: CommandLine, load: CommandLine): Promise<number> {
  await using stack = new AsyncDisposableStack();
  // The load waits for it: ncat would take a connection that looks whether it listens for a person.
  await startServer(stack, server, () => Promise.resolve(true));
  const [program, ...args] = load;
  return (await figures(program, ...args))[0] ?? NaN;
}
