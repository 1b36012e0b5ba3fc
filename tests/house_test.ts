/** The house: its arrows, its list of programs, and the README's table of them. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { walk } from "@std/fs/walk";
import { relative } from "@std/path";
import { command as labsock } from "../tools/labsock.ts";
import { PROGRAMS, union } from "../tools/labsock/registry.ts";
import { TEST_ONLY } from "../tools/compile.ts";
import type { Command } from "../tools/program/command.ts";
import type { Option } from "../tools/program/options.ts";
import { faults, type Files, imports, LONGEST_FILE } from "./support/house.ts";
import { testWith } from "./support/permissions.ts";
import { ROOT } from "./support/process.ts";

/** Every `.ts` file of the project. */
async function projectFiles(): Promise<Files> {
  const files = new Map<string, string>();
  for (const folder of ["clients", "servers", "tools", "tests"]) {
    for await (const { path } of walk(ROOT + folder, { includeDirs: false, exts: [".ts"] })) {
      files.set(relative(ROOT, path).replaceAll("\\", "/"), await Deno.readTextFile(path));
    }
  }
  return files;
}

testWith(
  ["read"],
  "the house: imports go one way, grammars are pure, files are short",
  async () => {
    const files = await projectFiles();
    assert(files.size > 50);
    assertEquals(faults(files), []);
  },
);

/** Files that break a rule, and how the fault is named; none when they are in order. */
const HOUSES: [files: Record<string, string>, faults: string[]][] = [
  [{
    "servers/ftp.ts":
      `import { s } from "./ftp/session.ts"; import type { X } from "../tools/net/x.ts";`,
    "servers/ftp/session.ts":
      `import { y } from "./y.ts"; import { z } from "../../tools/files/z.ts";`,
    "servers/ftp/y.ts": `import * as x from "../../tools/protocol/x.ts";`,
    "tools/net/x.ts": `export * from "../program/x.ts"; import "./y.ts";`,
    "tools/net/y.ts": `import fs from "node:fs"; import { a } from "@std/path";`,
    "tools/files/z.ts": `import "../program/x.ts";`,
    "tools/program/x.ts": `import "../protocol/x.ts";`,
    "tools/protocol/x.ts": `// Deno.cwd() is not for us, nor is import("./z.ts")\n/* Date.now() */`,
    "tools/labsock.ts": `import { P } from "./labsock/registry.ts";`,
    "tools/tour/chapter.ts": `import { P } from "../labsock/registry.ts"; Symbol.for("Deno.x")`,
    "tools/labsock/registry.ts": `load: () => import("../../servers/ftp.ts")`,
    "tests/servers/ftp_test.ts": `import "../../servers/ftp.ts"; import(name); import "npm:x";`,
  }, []],
  [{ "clients/a.ts": `import "../servers/a.ts";`, "servers/a.ts": "" }, [
    "clients/a.ts imports servers/a.ts",
  ]],
  [{ "servers/a.ts": `import type { A } from "../clients/a.ts";`, "clients/a.ts": "" }, [
    "servers/a.ts imports clients/a.ts",
  ]],
  [{ "servers/a.ts": `import "./b.ts";`, "servers/b.ts": "" }, [
    "servers/a.ts imports servers/b.ts",
  ]],
  [{ "servers/a.ts": `import "./b/c.ts";`, "servers/b/c.ts": "" }, [
    "servers/a.ts imports servers/b/c.ts",
  ]],
  [{ "servers/a/b.ts": `import "../a.ts";`, "servers/a.ts": "" }, [
    "servers/a/b.ts imports servers/a.ts",
  ]],
  [{ "servers/a/b.ts": `import "../c/d.ts";`, "servers/c/d.ts": "" }, [
    "servers/a/b.ts imports servers/c/d.ts",
  ]],
  [{ "tools/a.ts": `await import("../clients/a.ts")`, "clients/a.ts": "" }, [
    "tools/a.ts imports clients/a.ts",
  ]],
  [{ "servers/a.ts": `import "../tools/labsock/registry.ts";`, "tools/labsock/registry.ts": "" }, [
    "servers/a.ts imports tools/labsock/registry.ts",
  ]],
  [{ "tools/labsock/registry.ts": `import("../../servers/a/b.ts")`, "servers/a/b.ts": "" }, [
    "tools/labsock/registry.ts imports servers/a/b.ts",
  ]],
  [{ "tools/net/a.ts": `import "../labsock/registry.ts";`, "tools/labsock/registry.ts": "" }, [
    "tools/net/a.ts imports tools/labsock/registry.ts",
  ]],
  [{ "tools/labsock/registry.ts": `import("../tour.ts")`, "tools/tour.ts": "" }, [
    "tools/labsock/registry.ts imports tools/tour.ts",
  ]],
  [{ "tools/net/a.ts": `import "../files/a.ts";`, "tools/files/a.ts": `import "../net/a.ts";` }, [
    "tools/net/a.ts imports tools/files/a.ts",
    "tools/files/a.ts imports tools/net/a.ts",
    "tools/net/a.ts, tools/files/a.ts import each other",
  ]],
  [{ "tools/program/a.ts": `import "../net/a.ts";`, "tools/net/a.ts": "" }, [
    "tools/program/a.ts imports tools/net/a.ts",
  ]],
  [{ "tools/protocol/a.ts": `export { x } from '../program/a.ts';`, "tools/program/a.ts": "" }, [
    "tools/protocol/a.ts imports tools/program/a.ts",
  ]],
  [{ "tools/net/a.ts": `import "../../servers/a.ts";`, "servers/a.ts": "" }, [
    "tools/net/a.ts imports servers/a.ts",
  ]],
  [{ "clients/a.ts": `import "../tests/support/a.ts";`, "tests/support/a.ts": "" }, [
    "clients/a.ts imports tests/support/a.ts",
  ]],
  [{ "clients/a.ts": `import "../tools/net/gone.ts";` }, [
    "clients/a.ts imports tools/net/gone.ts, which is not there",
  ]],
  [{ "clients/a.ts": "await import(name); await import(`./${name}.ts`);" }, [
    "clients/a.ts imports what is no literal",
    "clients/a.ts imports what is no literal",
  ]],
  [{ "clients/a.ts": `import x from "npm:x@1"; import y from "https://x.y/z.ts";` }, [
    "clients/a.ts imports npm:x@1",
    "clients/a.ts imports https://x.y/z.ts",
  ]],
  ...[
    "Deno.",
    "Date.now",
    "new Date()",
    "Math.random",
    "setTimeout",
    "setInterval",
    "performance.",
    "crypto.randomUUID",
    "node:fs",
  ].map((what): [Record<string, string>, string[]] => [
    { "tools/protocol/a.ts": `x(${what});` },
    [`tools/protocol/a.ts uses ${what}`],
  ]),
  [{
    "tools/net/a.ts": `import "./b.ts";`,
    "tools/net/b.ts": `import "./c.ts"; import "./e.ts";`,
    "tools/net/c.ts": `import "./d.ts";`,
    "tools/net/d.ts": `import type { B } from "./b.ts";`,
    "tools/net/e.ts": "",
  }, ["tools/net/b.ts, tools/net/c.ts, tools/net/d.ts import each other"]],
  [{ "tests/long_test.ts": "\n".repeat(LONGEST_FILE) + "x" }, [
    `tests/long_test.ts has ${LONGEST_FILE + 1} lines`,
  ]],
];

Deno.test("the house's rules each notice what breaks them", () => {
  for (const [files, expected] of HOUSES) {
    assertEquals(faults(new Map(Object.entries(files))), expected);
  }
});

testWith(
  ["read"],
  "the registry names every program in clients/ and servers/, and no other",
  async () => {
    const programs = [...(await projectFiles()).keys()].filter((path) =>
      /^(clients|servers)\/[^/]+$/.test(path)
    );
    assertEquals(PROGRAMS.map(({ file }) => file).sort(), programs.sort());
    for (const { kind, file } of PROGRAMS) assertMatch(file, new RegExp(`^${kind}s/`));
    const names = PROGRAMS.flatMap(({ names }) => names);
    assertEquals(names.length, new Set(names).size);
  },
);

testWith(["read"], "the README's table of programs is the registry's", async () => {
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const rows = readme.split("\n").map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
  const order = (a: string[], b: string[]): number => `${a}` < `${b}` ? -1 : 1;
  assertEquals(
    rows.filter(([, kind]) => kind === "client" || kind === "server").sort(order),
    PROGRAMS.map(({ names, kind, file }) => [
      names.map((name) => `\`${name}\``).join(", "),
      kind,
      `\`${file}\``,
    ]).sort(order),
  );
});

/** The commands of all programs, with the names they can be called by. */
async function commands(): Promise<[command: Command, names: string[]][]> {
  return await Promise.all(
    PROGRAMS.map(async ({ names, load }) => [(await load()).command, names] as [Command, string[]]),
  );
}

Deno.test("every program says what it is, what its options do, and what it needs", async () => {
  for (const [command, names] of [...await commands(), [labsock, ["labsock"]] as const]) {
    const { name, summary, usage, options, examples, permissions, rfcs } = command;
    assertEquals(name, names[0]); // Messages carry the first of the names.
    assertMatch(summary, /^[A-Za-z].*[^.]$/, name);
    assert(usage.length > 0 && examples.length > 0 && rfcs.length > 0, name);
    for (const [line, what] of examples) {
      assert(names.some((name) => line === name || line.startsWith(`${name} `)), line);
      assertMatch(what, /^[A-Z].*\.$/, line);
    }
    for (const [option, { help, short = "x" }] of Object.entries<Option<unknown>>(options)) {
      assertMatch(option, /^[a-z][a-z0-9-]+$/, name);
      assertMatch(help, /^[A-Z].*\.$/s, `${name} --${option}`);
      assertMatch(short, /^[A-Za-z0-9]$/, `${name} --${option}`);
    }
    const letters = Object.values<Option<unknown>>(options).flatMap(({ short }) => short ?? []);
    assertEquals(letters.length, new Set(letters).size, name);
    for (const flag of permissions) {
      assertMatch(flag, /^--allow-(env|ffi|net|read|run|sys|write)(=\S+)?$/, name);
    }
    assertEquals(permissions.toSorted(), union([command]), name); // None twice.
  }
});

Deno.test("the labsock binary may do what its programs may, and no more", async () => {
  assertEquals<string[]>(
    labsock.permissions,
    union((await commands()).map(([command]) => command)),
  );
});

testWith(
  ["read"],
  "what only tests import is kept out of the binary, and nothing else",
  async () => {
    const { imports: known }: { imports: Record<string, string> } = JSON.parse(
      await Deno.readTextFile(`${ROOT}deno.json`),
    );
    // A package is embedded whole, whatever is imported of it.
    const [tests, programs] = [new Set<string>(), new Set<string>()];
    for (const [path, source] of await projectFiles()) {
      for (const specifier of imports(source)) {
        const [npmPackage] = /^npm:@?[^@]+@[^/]+/.exec(known[specifier] ?? "") ?? [];
        if (npmPackage) (path.startsWith("tests/") ? tests : programs).add(npmPackage);
      }
    }
    const testOnly = TEST_ONLY.map((name) => known[name] ?? name);
    assertEquals([...tests].filter((name) => !programs.has(name)).sort(), testOnly.sort());
  },
);
