/** The TFTP server against tftpd-hpa and atftpd: files by curl and atftp, many clients at once, and a line that loses. */
import type { Benchmark, Contender, Measure } from "./benchmark.ts";
import { makeFile, memoryFolder } from "./files.ts";
import {
  type CommandLine,
  findInstalled,
  freePort,
  ours,
  startServer,
  timed,
} from "./processes.ts";
import { answers } from "./tftp_ready.ts";

const MIB = 2 ** 20;
const LOCK_STEP = "1428, curl";
const ONE_CORE = "1428, curl, one core";
const LARGE_BLOCKS = "65464, curl";
const WINDOW_16 = "1428 x 16, atftp";
const WINDOW_64 = "1428 x 64, atftp";
const CROWD = "200 clients";
const LOSS = "1 % lost";

const CLIENTS = 200;

/** The files: sizes in bytes for about a second of work each. */
const FILES = {
  lockStep: 32 * MIB,
  large: 512 * MIB,
  windows: 64 * MIB,
  crowd: MIB,
  lossy: MIB / 4,
};

/** The benchmark `tftpd`. */
export const benchmark: Benchmark = {
  summary:
    "downloads by block size and window, over loopback; of a line that loses, by the server's own client",
  columns: [
    ...[LOCK_STEP, ONE_CORE, LARGE_BLOCKS, WINDOW_16, WINDOW_64].map((name) => (
      { name, unit: "MB/s", better: "more" } as const
    )),
    { name: CROWD, unit: "s", better: "less" },
    { name: LOSS, unit: "kB/s", better: "more" },
  ],

  async contenders(stack): Promise<Contender[]> {
    const folder = await memoryFolder(stack);
    await Deno.chmod(folder, 0o755);
    for (const [name, size] of Object.entries(FILES)) await makeFile(`${folder}/${name}`, size);
    const contender = (
      name: string,
      needs: string | undefined,
      command: (port: number) => CommandLine,
      lossyGet?: (port: number) => CommandLine,
    ): Contender => ({
      name,
      ...(needs === undefined ? {} : { needs }),
      async start(stack): Promise<Record<string, Measure>> {
        const port = freePort();
        const pid = await startServer(stack, command(port), () => answers(port));
        return {
          ...await measures(port, pid),
          ...lossyGet && { [LOSS]: await lossy(stack, port, lossyGet) },
        };
      },
    });
    return [
      contender(
        "tftpd",
        undefined,
        (port) => ours("tftpd", folder, "--quiet", "--host", "127.0.0.1", "--port", `${port}`),
        (port) => ours("tftp", `127.0.0.1:${port}`, "get", "lossy", "/dev/null"),
      ),
      contender(
        "tftpd-hpa",
        "in.tftpd",
        (port) => ["in.tftpd", "-L", "-u", "root", "-a", `127.0.0.1:${port}`, "-s", folder],
        (
          port,
        ) => ["tftp", "-m", "octet", "127.0.0.1", `${port}`, "-c", "get", "lossy", "/dev/null"],
      ),
      contender("atftpd", "atftpd", (port) => [
        ...["atftpd", "--daemon", "--no-fork", "--user", "root", "--group", "root"] as const,
        ...["--bind-address", "127.0.0.1", "--port", `${port}`],
        ...["--logfile", "/dev/null", "--verbose=0", folder],
      ]),
    ];
  },
};

async function measures(port: number, pid: number): Promise<Record<string, Measure>> {
  const url = `tftp://127.0.0.1:${port}`;
  const curl = (file: keyof typeof FILES, blksize: number): CommandLine => [
    ...["curl", "-sS", "-o", "/dev/null", "--tftp-blksize", `${blksize}`] as const,
    `${url}/${file}`,
  ];
  const atftp = (windowsize: number): CommandLine => [
    ...["atftp", "--option", "blksize 1428", "--option", `windowsize ${windowsize}`] as const,
    ...["-g", "-r", "windows", "-l", "/dev/null", "127.0.0.1", `${port}`],
  ];
  const rate = (file: keyof typeof FILES, command: CommandLine): Measure => async () =>
    FILES[file] / 1e6 / await timed(command);
  return {
    [LOCK_STEP]: rate("lockStep", curl("lockStep", 1428)),
    [LARGE_BLOCKS]: rate("large", curl("large", 65464)),
    ...await findInstalled("taskset") && {
      // Else what is measured is how long an idle core takes to wake up.
      async [ONE_CORE](): Promise<number> {
        await timed(["taskset", "-a", "-cp", "0", `${pid}`]);
        try {
          return await rate("lockStep", ["taskset", "-c", "0", ...curl("lockStep", 1428)])();
        } finally {
          const last = navigator.hardwareConcurrency - 1;
          await timed(["taskset", "-a", "-cp", `0-${last}`, `${pid}`]);
        }
      },
    },
    ...await findInstalled("atftp") && {
      [WINDOW_16]: rate("windows", atftp(16)),
      [WINDOW_64]: rate("windows", atftp(64)),
    },
    [CROWD]: () =>
      timed([
        "sh",
        "-c",
        // Each of them is waited for, and the last failure is the shell's.
        `for i in $(seq ${CLIENTS}); do ${
          curl("crowd", 1428).join(" ")
        } & pids="$pids $!"; done; ` +
        "rc=0; for pid in $pids; do wait $pid || rc=1; done; exit $rc",
      ]),
  };
}

/** Fetches by way of our proxy, which loses packets both ways by the same rule for all. */
async function lossy(
  stack: AsyncDisposableStack,
  server: number,
  get: (port: number) => CommandLine,
): Promise<Measure> {
  const port = freePort();
  const proxy = ours(
    ...["proxy", `${port}`, "127.0.0.1", `${server}`, "--host", "127.0.0.1"] as const,
    ...["--udp", "--quiet", "--fault", "drop=1%,seed=7"],
  );
  await startServer(stack, proxy, () => answers(port));
  return async () => FILES.lossy / 1000 / await timed(get(port));
}
