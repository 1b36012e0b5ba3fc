/** The TFTP client against atftp's and curl: files both ways by block size and window, with one atftpd. */
import type { Benchmark, Contender, Measure } from "./benchmark.ts";
import { makeFile, memoryFolder } from "./files.ts";
import { type CommandLine, freePort, ours, startServer, timed } from "./processes.ts";
import { answers } from "./tftp_ready.ts";

const MIB = 2 ** 20;

/** The files: sizes in bytes for about a second of work each. */
const FILES = { small: 32 * MIB, middle: 256 * MIB, large: 512 * MIB };
type File = keyof typeof FILES;

/** How it is asked for. */
interface Way {
  name: string;
  file: File;
  /** Undefined: as the program does by itself. */
  blksize?: number;
  /** 1 is lock-step. */
  windowsize?: number;
}

const WAYS: readonly Way[] = [
  { name: "as called", file: "small" },
  { name: "1428", file: "small", blksize: 1428, windowsize: 1 },
  { name: "1428 x 16", file: "middle", blksize: 1428, windowsize: 16 },
  { name: "1428 x 64", file: "middle", blksize: 1428, windowsize: 64 },
  { name: "65464 x 2", file: "large", blksize: 65464, windowsize: 2 },
];

type CommandOf = (way: Way) => CommandLine | undefined;

/** The benchmark `tftp`. */
export const benchmark: Benchmark = {
  summary: "files of one atftpd over loopback, the start of the program included",
  columns: WAYS.flatMap(({ name }) => [
    { name: down(name), unit: "MB/s", better: "more" },
    { name: up(name), unit: "MB/s", better: "more" },
  ]),

  async contenders(stack): Promise<Contender[]> {
    const folder = await memoryFolder(stack);
    await Deno.chmod(folder, 0o777);
    for (const [name, size] of Object.entries(FILES)) await makeFile(`${folder}/${name}`, size);
    const port = freePort();
    await startServer(stack, [
      ...["atftpd", "--daemon", "--no-fork", "--user", "root", "--group", "root"] as const,
      ...["--bind-address", "127.0.0.1", "--port", `${port}`],
      ...["--logfile", "/dev/null", "--verbose=0", folder],
    ], () => answers(port));
    const [saved, sent] = [`${folder}/saved`, `${folder}/sent`];
    const address = `127.0.0.1:${port}`;

    /** MB/s of a command that makes the file `made` anew. */
    const rate = (file: File, made: string, command: CommandLine): Measure => async () => {
      await Deno.remove(made).catch(() => {});
      const seconds = await timed(command);
      const { size } = await Deno.stat(made);
      if (size !== FILES[file]) throw new Error(`${size} bytes arrived`);
      return size / 1e6 / seconds;
    };
    const contender = (
      name: string,
      needs: string | undefined,
      get: CommandOf,
      put: CommandOf,
    ): Contender => ({
      name,
      ...needs === undefined ? {} : { needs },
      start: () => {
        const measures: Record<string, Measure> = {};
        for (const way of WAYS) {
          const [getting, putting] = [get(way), put(way)];
          if (getting) measures[down(way.name)] = rate(way.file, saved, getting);
          if (putting) measures[up(way.name)] = rate(way.file, sent, putting);
        }
        return Promise.resolve(measures);
      },
    });
    return [
      contender(
        "tftp",
        undefined,
        (way) => ours("tftp", address, "get", way.file, saved, ...ourOptions(way)),
        (way) => ours("tftp", address, "put", `${folder}/${way.file}`, "sent", ...ourOptions(way)),
      ),
      contender(
        "atftp",
        "atftp",
        (way) => [
          ...["atftp", ...atftpOptions(way), "-g", "-r", way.file, "-l", saved] as const,
          ...["127.0.0.1", `${port}`],
        ],
        (way) => [
          ...["atftp", ...atftpOptions(way), "-p", "-l", `${folder}/${way.file}`] as const,
          ...["-r", "sent", "127.0.0.1", `${port}`],
        ],
      ),
      contender(
        "curl",
        "curl",
        (way) => curl(way, "-o", saved, `tftp://${address}/${way.file}`),
        (way) => curl(way, "-T", `${folder}/${way.file}`, `tftp://${address}/sent`),
      ),
    ];
  },
};

function ourOptions({ blksize, windowsize }: Way): string[] {
  return blksize === undefined ? [] : ["-b", `${blksize}`, "-w", `${windowsize}`];
}

function atftpOptions({ blksize, windowsize }: Way): string[] {
  return blksize === undefined
    ? []
    : ["--option", `blksize ${blksize}`, "--option", `windowsize ${windowsize}`];
}

/** It knows no windows. */
function curl({ blksize, windowsize = 1 }: Way, ...args: string[]): CommandLine | undefined {
  if (windowsize > 1) return undefined;
  const options = blksize === undefined ? [] : ["--tftp-blksize", `${blksize}`];
  return ["curl", "-sS", ...options, ...args];
}

function down(name: string): string {
  return `${name} down`;
}

function up(name: string): string {
  return `${name} up`;
}
