/** How an upload takes its name, also where there are no hard links, and when it is stopped meanwhile. */
import { assertEquals, assertThrows } from "@std/assert";
import { FileError, type FileErrorKind } from "../../../tools/files/errors.ts";
import { Upload } from "../../../tools/files/upload.ts";
import { testWith } from "../../support/permissions.ts";

/** A test with an empty folder. */
function uploadTest(name: string, fn: (folder: string) => Promise<void>): void {
  testWith(["read", "write"], `upload: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await fn(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

function begin(folder: string, text: string, overwrite = false): Upload {
  const upload = Upload.begin(folder, "cake", overwrite);
  upload.file.writeSync(new TextEncoder().encode(text));
  return upload;
}

/** The files in `folder`, as name=text. */
async function content(folder: string): Promise<string[]> {
  return await Array.fromAsync(
    Deno.readDir(folder),
    async ({ name }) => `${name}=${await Deno.readTextFile(`${folder}/${name}`)}`,
  );
}

function refused(kind: FileErrorKind, upload: Upload): void {
  const error = assertThrows(() => upload.commit(), FileError);
  assertEquals(error.kind, kind);
}

uploadTest("who aborts when it has its name takes nothing back", async (folder) => {
  for (const overwrite of [false, true]) {
    const upload = begin(folder, "Flour", overwrite);
    upload.commit();
    upload.abort();
    assertEquals(await content(folder), ["cake=Flour"]);
    await Deno.remove(`${folder}/cake`);
  }
});

uploadTest("once aborted it takes no name any more", async (folder) => {
  const upload = begin(folder, "Flour");
  upload.abort();
  upload.commit();
  assertEquals(await content(folder), []);
});

uploadTest("when the hidden file is gone, nothing takes the name", async (folder) => {
  const upload = begin(folder, "Flour");
  for await (const { name } of Deno.readDir(folder)) await Deno.remove(`${folder}/${name}`);
  refused("not found", upload);
  assertEquals(await content(folder), []);
});

/** A new file gets its name where none has it, and a file that is there stays. */
async function takesOnlyFreeNames(folder: string): Promise<void> {
  const [one, other] = [begin(folder, "one"), begin(folder, "other")];
  one.commit();
  refused("exists", other);
  assertEquals(await content(folder), ["cake=one"]);
  begin(folder, "third", true).commit();
  assertEquals(await content(folder), ["cake=third"]);
}

uploadTest("a new file takes only a free name", takesOnlyFreeNames);

const { linkSync } = Deno;

uploadTest("so it is on a file system that refuses hard links", async (folder) => {
  const refusals = [
    Object.assign(new Deno.errors.PermissionDenied("EPERM"), { code: "EPERM" }), // exFAT
    Object.assign(new Error("ENOSYS"), { code: "ENOSYS" }),
    new Deno.errors.NotSupported("EOPNOTSUPP"),
  ];
  for (const refusal of refusals) {
    let asked = 0;
    Deno.linkSync = (): void => {
      asked++;
      throw refusal;
    };
    try {
      await takesOnlyFreeNames(folder);
    } finally {
      Deno.linkSync = linkSync;
    }
    assertEquals(asked, 2);
    await Deno.remove(`${folder}/cake`);
  }
});
