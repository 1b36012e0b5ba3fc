/** The program ftp as its user meets it, with the permissions of its help and the server of this project. */
import { assertEquals } from "@std/assert";
import { command } from "../../clients/ftp.ts";
import { processTest } from "../support/permissions.ts";
import { commandLine, type Ended, run, ServerProcess } from "../support/process.ts";
import { pattern } from "../support/tftp_line.ts";

const PROGRAM = "clients/ftp.ts";
const LARGE = pattern(500_000);

/** A server, the folder it serves, and the one the user is in. */
interface Setting {
  url: string;
  served: string;
  cwd: string;
  ftp(...args: string[]): Promise<Ended>;
}

function ftpTest(name: string, test: (setting: Setting) => Promise<void>): void {
  processTest(`ftp: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const [served, cwd] = [`${folder}/served`, `${folder}/cwd`];
      await Deno.mkdir(`${served}/pub`, { recursive: true });
      await Deno.mkdir(cwd);
      await Deno.writeTextFile(`${served}/cake`, "Flour, eggs, sugar.\n");
      await Deno.writeFile(`${served}/pub/large`, LARGE);
      await using process = await ServerProcess.start("servers/ftp.ts", [
        served,
        "--write",
        ...["--host", "127.0.0.1", "--port", "0"],
      ]);
      await test({
        url: `ftp://127.0.0.1:${await process.port()}`,
        served,
        cwd,
        ftp: (...args) => run(PROGRAM, args, { permissions: command.permissions, cwd }),
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

ftpTest("a folder that is asked for as a file is said to be one", async (setting) => {
  const { ftp, url, served, cwd } = setting;
  const down = "is a folder: end it with / to list it, or fetch all of it by -r";
  const up = "is a folder: end it with / to send into it";
  const file = `${cwd}/file`;
  await Deno.writeTextFile(file, "file");
  const cases: [args: string[], message: string][] = [
    [[], down],
    [["-o", "copy"], down],
    [["-o", "-"], down],
    [["-C", "-"], down],
    [["--ascii"], down],
    [["-T", file], up],
    [["-a", "-T", file], up],
  ];
  for (const [args, message] of cases) {
    const ended = await ftp(...args, `${url}/pub`);
    assertEquals(ended, { code: 1, stdout: "", stderr: `ftp: ${url}/pub: ${message}\n` });
  }
  assertEquals([names(cwd), names(`${served}/pub`)], [["file"], ["large"]]);
  // What is not there at all is no folder, and what follows is done all the same.
  const { code, stdout, stderr } = await ftp("-o", "-", `${url}/no`, `${url}/pub`, `${url}/cake`);
  assertEquals([code, stdout], [1, "Flour, eggs, sugar.\n"]);
  assertEquals(stderr, `ftp: ${url}/no: 550 No such file or folder.\nftp: ${url}/pub: ${down}\n`);
});

ftpTest("-I of what is not there is no success", async ({ ftp, url }) => {
  assertEquals(await ftp("-I", `${url}/no`), {
    code: 1,
    stdout: "",
    stderr: `ftp: ${url}/no: the server tells nothing of it (is it there?)\n`,
  });
});

processTest("ftp: what is neither a server nor a URL is told how it is meant", async () => {
  for (const word of ["server/cake", "127.0.0.1:2121/cake", "ftp:/server/cake"]) {
    assertEquals(await run(PROGRAM, [word], { permissions: command.permissions }), {
      code: 2,
      stdout: "",
      stderr: `ftp: "${word}": give ftp://HOST/PATH or ftps://HOST/PATH\n`,
    });
  }
});

ftpTest("a mirror that is interrupted says that the same command goes on", async (setting) => {
  const { ftp, url, cwd } = setting;
  const args = ["-r", `${url}/pub/`];
  const slow = new ServerProcess(
    Deno.execPath(),
    commandLine(PROGRAM, [...args, "--limit-rate", "100K"], command.permissions),
    { cwd },
  );
  using watcher = Deno.watchFs(cwd);
  const part = (): string => `${cwd}/${names(cwd)[0] ?? "none"}`;
  const isBegun = (): boolean => names(cwd).length > 0 && Deno.statSync(part()).size > 0;
  while (!isBegun()) await watcher[Symbol.asyncIterator]().next();
  assertEquals(await slow.stop("SIGINT"), 130);
  assertEquals(
    slow.stderr,
    "ftp: interrupted; what was moved is kept (the same command goes on from there)\n",
  );
  const { size } = await Deno.stat(part());
  const { code, stderr } = await ftp("-v", ...args);
  assertEquals([code, /^> REST (\d+)$/m.exec(stderr)?.[1]], [0, `${size}`]);
  assertEquals(names(cwd), ["large"]);
  assertEquals(await Deno.readFile(`${cwd}/large`), LARGE);
});
