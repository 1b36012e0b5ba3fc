/** The local files of downloads and uploads. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { LONGEST_INPUT, openOrigin, readWhole } from "../../../clients/tftp/origin.ts";
import { openTarget } from "../../../clients/tftp/target.ts";
import { Failure } from "../../../tools/program/failure.ts";
import { missingProgram, processTestUnless, testWith } from "../../support/permissions.ts";
import { runCommand } from "../../support/process.ts";
import { bytes } from "../../support/stream.ts";

function fileTest(name: string, fn: (folder: string) => Promise<void> | void): void {
  testWith(["read", "write"], name, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await fn(folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

fileTest("a download appears when it is whole", (folder) => {
  const target = openTarget(`${folder}/cake`);
  target.write(bytes("Flour, "));
  assertEquals(names(folder).filter((name) => !name.startsWith(".tftp-")), []);
  target.write(bytes("x".repeat(300_000)));
  target.write(bytes("sugar."));
  target.end();
  target.abort();
  assertEquals(names(folder), ["cake"]);
  assertEquals(Deno.readTextFileSync(`${folder}/cake`), `Flour, ${"x".repeat(300_000)}sugar.`);
});

fileTest("a download that fails leaves what was there, and nothing else", (folder) => {
  Deno.writeTextFileSync(`${folder}/cake`, "old");
  for (const name of ["cake", "new"]) {
    const target = openTarget(`${folder}/${name}`);
    target.write(bytes("half"));
    target.abort();
    target.abort();
  }
  assertEquals(names(folder), ["cake"]);
  assertEquals(Deno.readTextFileSync(`${folder}/cake`), "old");
});

fileTest(
  "a file that is replaced keeps its permissions, and a link leads where it led",
  (folder) => {
    if (Deno.build.os === "windows") return;
    Deno.writeTextFileSync(`${folder}/secret`, "old", { mode: 0o600 });
    Deno.symlinkSync("secret", `${folder}/link`);
    const target = openTarget(`${folder}/link`);
    target.write(bytes("new"));
    target.end();
    assertEquals(Deno.readTextFileSync(`${folder}/secret`), "new");
    assertEquals(Number(Deno.statSync(`${folder}/secret`).mode) & 0o777, 0o600);
    assertEquals(Deno.lstatSync(`${folder}/link`).isSymlink, true);
  },
);

fileTest("two downloads of one name do not meet", (folder) => {
  const [one, two] = [openTarget(`${folder}/cake`), openTarget(`${folder}/cake`)];
  one.write(bytes("one"));
  two.write(bytes("two"));
  two.end();
  one.end();
  assertEquals(names(folder), ["cake"]);
  assertEquals(Deno.readTextFileSync(`${folder}/cake`), "one");
});

fileTest("what cannot be a target is one line", (folder) => {
  const cases: [path: string, reason: string][] = [
    [folder, "is a folder"],
    [`${folder}/none/cake`, "no such file or folder"],
  ];
  for (const [path, reason] of cases) {
    const failure = assertThrows(() => openTarget(path), Failure, `${path}: ${reason}`);
    assertEquals(failure.exitCode, 4);
  }
});

fileTest("a target that goes away in between is one line, and leaves nothing", (folder) => {
  Deno.mkdirSync(`${folder}/sub`);
  const target = openTarget(`${folder}/sub/cake`);
  Deno.removeSync(`${folder}/sub`, { recursive: true });
  target.write(bytes("cake"));
  const failure = assertThrows(() => target.end(), Failure, `${folder}/sub/cake: no such file`);
  assertEquals(failure.exitCode, 4);
  target.abort();
});

processTestUnless(
  missingProgram("mkfifo") ?? missingProgram("cat"),
  "a FIFO gets the data as its reader takes it",
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      await runCommand("mkfifo", [`${folder}/pipe`]);
      const reader = runCommand("cat", [`${folder}/pipe`]);
      const target = openTarget(`${folder}/pipe`);
      const part = "x".repeat(100_000);
      for (let i = 0; i < 3; i++) {
        target.write(bytes(part));
        // The first one is on its way at once; the server waits for what is held beside it.
        assertEquals(target.busy !== undefined, i > 0);
      }
      target.end();
      assert(target.busy);
      await target.busy;
      assertEquals(target.busy, undefined);
      target.abort();
      assertEquals((await reader).stdout, part.repeat(3));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

testWith(["read", "write"], "a device that is full is one line", () => {
  if (Deno.build.os !== "linux") return;
  for (const length of [10, 100_000]) {
    const target = openTarget("/dev/full");
    assertThrows(
      () => {
        target.write(new Uint8Array(length));
        target.end();
      },
      Failure,
      "/dev/full: no space left",
    );
    target.abort();
  }
});

fileTest("an upload is read in any pieces, and its size is known", async (folder) => {
  const text = Array.from({ length: 50_000 }, (_, i) => `${i}\n`).join("");
  Deno.writeTextFileSync(`${folder}/file`, text);
  for (const step of [1000, 65464, 1_000_000]) {
    using origin = await openOrigin(`${folder}/file`);
    assertEquals(origin.size, text.length);
    const buffer = new Uint8Array(step);
    let read = "";
    for (let length = step; length === step;) {
      length = origin.read(buffer);
      read += new TextDecoder().decode(buffer.subarray(0, length));
    }
    assert(read === text);
  }
});

fileTest("what cannot be an origin is one line", async (folder) => {
  const cases: [path: string, reason: string][] = [
    [folder, "is a folder"],
    [`${folder}/none`, "no such file or folder"],
    ...Deno.build.os === "linux"
      ? [["/dev/null", "is no file (try: tftp HOST put - < /dev/null)"] as [string, string]]
      : [],
  ];
  for (const [path, reason] of cases) {
    const failure = await assertRejects(() => openOrigin(path), Failure, `${path}: ${reason}`);
    assertEquals(failure.exitCode, 4);
  }
});

/** Gives `parts`, and then what `end` does. */
function inputOf(
  parts: Iterable<Uint8Array>,
  end: (controller: ReadableStreamDefaultController<Uint8Array>) => void,
): ReadableStream<Uint8Array> {
  const waiting = [...parts];
  return new ReadableStream({
    pull(controller): void {
      const part = waiting.shift();
      if (part) controller.enqueue(part);
      else end(controller);
    },
  });
}

Deno.test("standard input is sent as it came, and its size is known before", async () => {
  using origin = await readWhole(
    inputOf(["Flour, ", "eggs, ", "sugar."].map(bytes), (input) => input.close()),
  );
  const buffer = new Uint8Array(8);
  let text = "";
  for (let length = 8; length === 8;) {
    length = origin.read(buffer);
    text += new TextDecoder().decode(buffer.subarray(0, length));
  }
  assertEquals([origin.size, text], [19, "Flour, eggs, sugar."]);
});

Deno.test("of standard input 1 GiB is taken, and not a byte more", async () => {
  const piece = new Uint8Array(LONGEST_INPUT / 64);
  const most = Array.from({ length: 64 }, () => piece);
  // The end of the file that fits: to put it together would take the memory for it.
  const fits = inputOf(most, (input) => input.error(new Error("the last byte was read")));
  await assertRejects(() => readWhole(fits), Failure, "the last byte was read");
  const more = inputOf([...most, bytes("x")], (input) => input.close());
  const failure = await assertRejects(() => readWhole(more), Failure);
  assertEquals([failure.exitCode, failure.message], [
    4,
    "standard input: is longer than 1 GiB (put a file instead)",
  ]);
});

Deno.test("who types into standard input can be interrupted", async () => {
  const interruption = new AbortController();
  // Nothing more comes, and it does not end.
  const typed = inputOf([bytes("Flo")], () => interruption.abort());
  const failure = await assertRejects(() => readWhole(typed, interruption.signal), Failure);
  assertEquals([failure.exitCode, failure.message], [130, "interrupted"]);
});
