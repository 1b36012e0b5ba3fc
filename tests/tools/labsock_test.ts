/** labsock run as a script; the compiled binary has its own tests. */
import { assertEquals, assertMatch } from "@std/assert";
import { PROGRAMS, union } from "../../tools/labsock/registry.ts";
import { command } from "../../tools/labsock.ts";
import type { Command } from "../../tools/program/command.ts";
import { processTest } from "../support/permissions.ts";
import { type Ended, ROOT, run, runCommand } from "../support/process.ts";

function labsock(...args: string[]): Promise<Ended> {
  return run("tools/labsock.ts", args, { permissions: command.permissions });
}

/** Runs labsock under another name, as a symlink to the compiled binary does. */
function calledAs(name: string, ...args: string[]): Promise<Ended> {
  const script = `import { main } from ${JSON.stringify(`file://${ROOT}tools/labsock.ts`)};
    Deno.exit(await main(${JSON.stringify(args)}, ${JSON.stringify(name)}));`;
  return runCommand(Deno.execPath(), ["eval", `--config=${ROOT}deno.json`, script]);
}

processTest("labsock runs a program by its name, with what follows", async () => {
  for (const { names } of PROGRAMS) {
    for (const name of names) {
      const { code, stdout } = await labsock(name, "--version");
      assertEquals([code, stdout.split(" ")[0]], [0, names[0]]);
    }
  }
  const { code, stderr } = await labsock("daytimed", "--port", "99999");
  assertEquals(code, 2);
  assertMatch(stderr, /^daytimed: --port 99999: a port is/);
});

processTest("labsock is the program it was called by the name of", async () => {
  const server = await calledAs("daytimed", "--version");
  assertMatch(server.stdout, /^daytimed \(labsock\) /);
  // Even when its first word is the name of another one.
  const client = await calledAs("daytime", "http", "www");
  assertMatch(client.stderr, /^daytime: too many words/);
  // Any other name means nothing: the binary may be called as its user likes.
  for (const name of ["labsock", "labsock-0.1", "deno"]) {
    assertMatch((await calledAs(name, "daytimed", "--version")).stdout, /^daytimed \(labsock\) /);
  }
});

processTest("labsock --list names every program and says what it does", async () => {
  const { code, stdout, stderr } = await labsock("--list");
  assertEquals([code, stderr], [0, ""]);
  const lines = await Promise.all(PROGRAMS.map(async ({ names, load }) => {
    const { command: { summary } } = await load();
    return `${names.join(", ").padEnd(14)} ${summary.replace(/ \(RFC .*\)/, "")}\n`;
  }));
  assertEquals(stdout, lines.join(""));
  assertEquals(lines.filter((line) => line.trimEnd().length > 80), []);
});

processTest("labsock: every mistake is one clear line and exit code 2", async () => {
  const rows: [args: string[], line: RegExp][] = [
    [[], /^labsock: name a program \(labsock --list shows them\)\n$/],
    [["htp", "-O", "www"], /^labsock: there is no program "htp" \(labsock --list shows them\)\n$/],
    [["toString"], /^labsock: there is no program "toString"/],
    [["--lst"], /^labsock: unknown option --lst; is it --list\?/],
    [["--install"], /^labsock: --install needs a value: --install DIR\n$/],
    [["--install", "."], /^labsock: --install is for the compiled binary \(deno task compile\)\n$/],
  ];
  for (const [args, line] of rows) {
    const { code, stdout, stderr } = await labsock(...args);
    assertEquals([code, stdout], [2, ""]);
    assertMatch(stderr, line);
  }
});

processTest("labsock's help is its own, and says what it needs", async () => {
  const { code, stdout } = await labsock("--help");
  assertEquals(code, 0);
  assertMatch(stdout, /^labsock: the classic Internet protocols in one program\n/);
  assertMatch(stdout, new RegExp(`Permissions .*:\\n  ${command.permissions.join(" ")}\n`));
});

Deno.test("union() holds every flag once, and none that another one covers", () => {
  const commands = [
    ["--allow-net", "--allow-sys=networkInterfaces"],
    ["--allow-net", "--allow-read"],
    ["--allow-read=x", "--allow-sys=uid"],
  ].map((permissions) => ({ permissions }) as Command);
  assertEquals(union(commands), [
    "--allow-net",
    "--allow-read",
    "--allow-sys=networkInterfaces",
    "--allow-sys=uid",
  ]);
  assertEquals(union([]), []);
});
