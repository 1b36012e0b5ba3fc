import { assert, assertEquals } from "@std/assert";
import {
  EXIT,
  Failure,
  fileFailure,
  plainMessage,
  UsageError,
} from "../../../tools/program/failure.ts";
import { testWith } from "../../support/permissions.ts";

Deno.test("failure: a wrong command line has its own exit code", () => {
  const error = new UsageError("unknown option");
  assert(error instanceof Failure);
  assertEquals([error.exitCode, error.message], [EXIT.usage, "unknown option"]);
});

const withCode = (code: string, message: string): Error =>
  Object.assign(new Error(message), { code });

Deno.test("fileFailure() says in words what is wrong with a file", () => {
  const cases: [unknown, string][] = [
    [new Deno.errors.NotFound("x"), "no such file or folder"],
    [new Deno.errors.PermissionDenied("x"), "permission denied"],
    [
      new Deno.errors.NotCapable("x"),
      "this program was not given access to it (see --help, Permissions)",
    ],
    [new Deno.errors.AlreadyExists("x"), "exists already"],
    [new Deno.errors.IsADirectory("x"), "is a folder"],
    [new Deno.errors.NotADirectory("x"), "a part of the path is no folder"],
    [withCode("ENOSPC", "x"), "no space left on the disk"],
    [withCode("EROFS", "x"), "the disk is read-only"],
    [withCode("EIO", "Input/output error (os error 5): read '/secret'"), "input/output error"],
    [new RangeError("there is no certificate in it"), "there is no certificate in it"],
  ];
  for (const [error, words] of cases) {
    const failure = fileFailure("my file", error);
    assertEquals([failure.exitCode, failure.message], [EXIT.file, `my file: ${words}`]);
    assertEquals(failure.cause, error);
  }
});

Deno.test("fileFailure() leaves a Failure as it is", () => {
  const failure = new Failure(EXIT.refused, "the peer said no");
  assert(fileFailure("my file", failure) === failure);
});

testWith(["read", "write"], "fileFailure() knows what Deno throws", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/file`;
  await Deno.writeTextFile(file, "");
  const said = async (act: () => Promise<unknown>): Promise<string> => {
    try {
      await act();
      return "nothing";
    } catch (error) {
      return fileFailure("it", error).message;
    }
  };
  assertEquals(await said(() => Deno.readTextFile(`${folder}/none`)), "it: no such file or folder");
  assertEquals(await said(() => Deno.readTextFile(folder)), "it: is a folder");
  assertEquals(await said(() => Deno.mkdir(file)), "it: exists already");
  assertEquals(
    await said(() => Deno.readTextFile(`${file}/below`)),
    "it: a part of the path is no folder",
  );
  assertEquals(await said(() => Deno.remove(folder)), "it: directory not empty");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("plainMessage() is one line, and steers no terminal", () => {
  assertEquals(plainMessage(new Error("two\nlines\x1b[2J")), "two\\nlines\\x1b[2J");
  assertEquals(plainMessage("a word"), "a word");
  assertEquals(plainMessage(null), "null");
});
