/** The compiled binary, as its user meets it. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { PROGRAMS } from "../../tools/labsock/registry.ts";
import { VERSION } from "../../tools/program/version.ts";
import { missingProgram, processTest, processTestUnless } from "../support/permissions.ts";
import { ROOT, run, runCommand, ServerProcess } from "../support/process.ts";

/** The versions of Deno whose base binary for `deno compile` is in Deno's cache. */
function cachedBases(): string[] {
  const home = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  const releases = `${Deno.env.get("DENO_DIR") ?? `${home}/deno`}/dl/release`;
  try {
    return [...Deno.readDirSync(releases)].map(({ name }) => name).filter((version) =>
      [...Deno.readDirSync(`${releases}/${version}`)]
        .some(({ name }) => name === `denort-${Deno.build.target}.zip`)
    ).map((version) => version.replace(/^v/, ""));
  } catch {
    return [];
  }
}

/** A Deno that can compile here without asking anybody: the command, or why there is none. */
function compiler(): { command: string[]; missing?: string } {
  const granted = (["read", "env"] as const).every((name) =>
    Deno.permissions.querySync({ name }).state === "granted"
  );
  const versions = granted ? cachedBases() : [];
  if (!granted || versions.includes(Deno.version.deno)) return { command: [Deno.execPath()] };
  const [version] = versions;
  if (version === undefined) {
    return { command: [], missing: "no base binary for deno compile is in Deno's cache" };
  }
  const missing = missingProgram("npx");
  return { command: ["npx", "-y", `deno@${version}`], ...missing === undefined ? {} : { missing } };
}

const { command: [deno = "", ...denoArgs], missing } = compiler();

/** Compiles programs of the project at `root` into `folder`. */
async function compile(folder: string, root = ROOT, ...names: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(deno, [
    ...denoArgs,
    ...["run", "-A", "--quiet", `--config=${root}deno.json`, `${root}tools/compile.ts`],
    ...["--output", folder, ...names],
  ]);
  assertEquals(code, 0, stderr);
  return stdout;
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const NAMES = PROGRAMS.flatMap(({ names }) => names);

processTestUnless(
  missing,
  "the labsock binary is all programs, by name and by symlink",
  () =>
    inFolder(async (folder) => {
      assertMatch(await compile(folder), /\/labsock {2}[\d.]+ MiB {2}--allow-env --allow-net /);
      const binary = `${folder}/labsock`;

      const listed = await runCommand(binary, ["--list"]);
      assertEquals(
        listed.stdout.split("\n").filter(Boolean).map((line) => line.split(/,? /)[0]),
        PROGRAMS.map(({ names: [name] }) => name),
      );
      const help = await runCommand(binary, ["daytimed", "--help"]);
      assertMatch(help.stdout, /^daytimed: daytime server/);

      const bin = `${folder}/bin`;
      await Deno.mkdir(bin);
      const installed = await runCommand(binary, ["--install", bin]);
      assertEquals(installed, {
        code: 0,
        stdout: NAMES.map((name) => `${bin}/${name}\n`).join(""),
        stderr: "",
      });
      for (const name of NAMES) {
        const { stdout } = await runCommand(`${bin}/${name}`, ["--version"]);
        assertStringIncludes(stdout, ` (labsock) ${VERSION}\n`);
      }

      await using server = new ServerProcess(`${bin}/daytimed`, [
        ...["--host", "127.0.0.1", "--port", "0", "--utc", "--format", "%F"],
      ]);
      const client = await runCommand(`${bin}/daytime`, [`127.0.0.1:${await server.port()}`]);
      assertMatch(client.stdout, /^\d{4}-\d\d-\d\d\n$/);
      assertEquals([client.code, client.stderr], [0, ""]);
      const byUdp = [`127.0.0.1:${await server.port("udp")}`, "--udp"];
      assertMatch((await runCommand(binary, ["daytime", ...byUdp])).stdout, /^\d{4}-\d\d-\d\d\n$/);
      assertEquals(await server.stop("SIGTERM"), 0);

      // Again: what is there already is left alone, what is something else is not overwritten.
      assertEquals((await runCommand(binary, ["--install", bin])).stdout, "");
      await Deno.remove(`${bin}/http`);
      await Deno.writeTextFile(`${bin}/http`, "mine");
      const refused = await runCommand(binary, ["--install", bin]);
      assertEquals([refused.code, refused.stderr], [
        4,
        `labsock: ${bin}/http: is something else; nothing was overwritten\n`,
      ]);
      const nowhere = await runCommand(binary, ["--install", `${folder}/no`]);
      assertEquals(nowhere.code, 4);
      assertMatch(nowhere.stderr, /^labsock: \S+\/no\/\w+: no such file or folder\n$/);

      await embedsNothingOfTests(binary);
    }),
);

/** What only tests need would be carried around by every user. */
async function embedsNothingOfTests(binary: string): Promise<void> {
  const text = new TextDecoder("latin1").decode(await Deno.readFile(binary));
  // This one is there: the search finds what it should.
  assert(text.includes("cli-progress"));
  for (const name of ["fast-check", "fake-timers", "processTestUnless"]) {
    assert(!text.includes(name), name);
  }
}

processTestUnless(
  missing ?? missingProgram("script"),
  "a compiled program that lacks a permission says so in one line and asks nobody",
  () =>
    inFolder(async (folder) => {
      // The project with a mistake: daytime does not ask for the network.
      for (const part of ["clients", "servers", "tools", "deno.json", "npm_types.d.ts"]) {
        await runCommand("cp", ["-R", ROOT + part, folder]);
      }
      const file = `${folder}/clients/daytime.ts`;
      const source = await Deno.readTextFile(file);
      await Deno.writeTextFile(file, source.replace('["--allow-net"]', "[]"));
      assertMatch(await compile(folder, `${folder}/`, "daytime"), /\/daytime {2}[\d.]+ MiB {2}\n$/);

      // script(1) gives it a terminal, on which Deno would ask, and get "n" for an answer.
      const line = `'${folder}/daytime' 127.0.0.1:1`;
      const { code, stdout } = await runCommand("script", ["-qec", line, "/dev/null"], {
        stdin: "n\n",
      });
      assertEquals([code, stdout.replace("n\r\n", "")], [
        3,
        "daytime: 127.0.0.1:1: this program was not given access to the network " +
        "(see --help, Permissions)\r\n",
      ]);
    }),
);

processTest("compile: every mistake is one clear line and its exit code", async () => {
  const rows: [args: string[], line: RegExp][] = [
    [["htp"], /^compile: there is no program "htp"\n$/],
    [["daytime", "htp"], /^compile: there is no program "htp"\n$/],
    [["--targt=x"], /^compile: unknown option --targt; is it --target\?/],
  ];
  for (const [args, line] of rows) {
    const { code, stdout, stderr } = await run("tools/compile.ts", args);
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, line);
  }
});
