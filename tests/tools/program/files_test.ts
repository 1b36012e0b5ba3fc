import { assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../../tools/program/failure.ts";
import { checkFolder, readParsed } from "../../../tools/program/files.ts";
import { parseCount } from "../../../tools/protocol/units.ts";
import { testWith } from "../../support/permissions.ts";

testWith(
  ["read", "write"],
  "files that a command line names are there, and as they should be",
  async () => {
    const folder = await Deno.makeTempDir();
    const file = `${folder}/count`;
    await Deno.writeTextFile(file, "12");
    await checkFolder(folder);
    assertEquals(await readParsed(file, parseCount), 12);
    await Deno.writeTextFile(file, "many");
    const cases: [what: () => Promise<unknown>, message: string][] = [
      [() => checkFolder(file), `${file}: not a folder`],
      [() => checkFolder(`${folder}/none`), `${folder}/none: no such file or folder`],
      [() => readParsed(`${folder}/none`, parseCount), `${folder}/none: no such file or folder`],
      [() => readParsed(file, parseCount), `${file}: give a whole number, 0 or more`],
    ];
    for (const [what, message] of cases) {
      const error = await assertRejects(what, Failure);
      assertEquals([error.exitCode, error.message], [4, message]);
    }
    await Deno.remove(folder, { recursive: true });
  },
);
