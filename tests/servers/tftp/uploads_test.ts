/** Files that clients send to the TFTP server. */
import { assertEquals, assertMatch } from "@std/assert";
import { encodeAck, encodeData, encodeError } from "../../../tools/protocol/tftp_packet.ts";
import { QUIET } from "../../../tools/protocol/tftp_receiver.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { missingProgram, testWith } from "../../support/permissions.ts";
import { pattern } from "../../support/tftp_line.ts";
import { type RawClient, withTftpd } from "../../support/tftp_server.ts";

function test(name: string, fn: () => Promise<void>): void {
  testWith(["net", "sys", "read", "write"], name, fn);
}

const FILES = { cake: "Flour" };
const encoder = new TextEncoder();

/** Sends `data` in lock-step; returns the last answer. */
async function put(
  client: RawClient,
  name: string,
  data: Uint8Array | string,
  options: Record<string, string> = {},
): Promise<string> {
  const bytes = typeof data === "string" ? encoder.encode(data) : data;
  await client.request("WRQ", name, options);
  const blksize = Number(options.blksize ?? 512);
  for (let block = 0;; block++) {
    const answer = await client.line();
    const last = block * blksize > bytes.length;
    if (last || answer.startsWith("ERROR")) return answer;
    await client.send(
      encodeData(block + 1, bytes.subarray(block * blksize, (block + 1) * blksize)),
    );
  }
}

test("tftpd takes new files with --write, and others too with --overwrite", async () => {
  await withTftpd({ writing: "new" }, FILES, async ({ client, read, log, names }) => {
    assertEquals(await put(client(), "pie", "Apples"), "ACK 1");
    assertEquals(await put(client(), "cake", "Nothing"), "ERROR 6 File already exists");
    assertEquals([await read("pie"), await read("cake")], ["Apples", "Flour"]);
    assertEquals((await names()).sort(), ["cake", "pie"]);
    await log.says(
      / received peer=127\.0\.0\.1 port=\d+ request=write file=\/pie mode=octet bytes=6 blksize=512 windowsize=1 resent=0 seconds=\S+ rate=\d+\n/,
    );
    await log.says(/ refused .*file=\/cake mode=octet reason="File already exists"/);
  });
  await withTftpd({ writing: "overwrite" }, FILES, async ({ client, read }) => {
    assertEquals(await put(client(), "pie", "Apples"), "ACK 1");
    assertEquals(await put(client(), "cake", "Sugar"), "ACK 1");
    assertEquals([await read("pie"), await read("cake")], ["Apples", "Sugar"]);
  });
});

test("an upload has its name when it is whole, and not before", async () => {
  await withTftpd({ writing: "overwrite" }, FILES, async ({ client, read, names }) => {
    const one = client();
    await one.request("WRQ", "cake", { blksize: "8" });
    assertEquals(await one.line(), "OACK blksize=8");
    await one.send(encodeData(1, encoder.encode("Sugar, e")));
    assertEquals(await one.line(), "ACK 1");
    assertEquals(await read("cake"), "Flour");
    assertEquals((await names()).length, 2);
    assertEquals(await client().answer("RRQ", "cake"), "DATA 1 Flour");
    await one.send(encodeData(2, encoder.encode("ggs")));
    assertEquals(await one.line(), "ACK 2");
    assertEquals(await read("cake"), "Sugar, eggs");
    assertEquals(await names(), ["cake"]);
  });
});

test("an upload that breaks off leaves nothing, and what was there stays", async () => {
  await withTftpd({ writing: "overwrite" }, FILES, async ({ client, read, names, log }) => {
    for (const name of ["cake", "new"]) {
      const one = client();
      await one.request("WRQ", name);
      assertEquals(await one.line(), "ACK 0");
      await one.send(encodeData(1, new Uint8Array(512)));
      assertEquals(await one.line(), "ACK 1");
      await one.send(encodeError(0, `no more ${name}`));
      await log.says(new RegExp(` failed .*file=/${name} .*bytes=512 .*no more ${name}`));
    }
    assertEquals([await names(), await read("cake")], [["cake"], "Flour"]);
  });
});

test("of two that send a new file at once, the first to end has it", async () => {
  await withTftpd({ writing: "new" }, {}, async ({ client, read, names }) => {
    const [one, other] = [client(), client()];
    for (const each of [one, other]) {
      await each.request("WRQ", "pie");
      assertEquals(await each.line(), "ACK 0");
    }
    await one.send(encodeData(1, encoder.encode("one")));
    assertEquals(await one.line(), "ACK 1");
    await other.send(encodeData(1, encoder.encode("other")));
    assertEquals(await other.line(), "ERROR 6 File already exists");
    assertEquals([await names(), await read("pie")], [["pie"], "one"]);
  });
});

test("the last block that comes again is acknowledged again, for the answer may be lost", async () => {
  using time = new FakeTime();
  await withTftpd({ writing: "new" }, {}, async ({ client }) => {
    const one = client();
    assertEquals(await put(one, "pie", "Apples"), "ACK 1");
    await time.tick(QUIET);
    await one.send(encodeData(1, encoder.encode("Apples")));
    assertEquals(await one.line(), "ACK 1");
  });
});

test("windows of an upload are acknowledged at their end, and where there is a gap", async () => {
  const data = pattern(8 * 9 + 3);
  await withTftpd({ writing: "new" }, {}, async ({ client, folder }) => {
    const one = client();
    const send = async (...blocks: number[]): Promise<void> => {
      for (const block of blocks) {
        await one.send(encodeData(block, data.subarray((block - 1) * 8, block * 8)));
      }
    };
    await one.request("WRQ", "pie", { blksize: "8", windowsize: "4" });
    assertEquals(await one.line(), "OACK blksize=8 windowsize=4");
    await send(1, 2, 3, 4);
    assertEquals(await one.line(), "ACK 4");
    await send(5, 7, 8);
    assertEquals(await one.line(), "ACK 5");
    await send(6, 7, 8, 9);
    assertEquals(await one.line(), "ACK 9");
    await send(10);
    assertEquals(await one.line(), "ACK 10");
    assertEquals(await Deno.readFile(`${folder}/pie`), data);
  });
});

test("what is too large is refused: by its announced size, or when it has become so", async () => {
  await withTftpd({ writing: "new", maxFileSize: 1000 }, {}, async ({ client, names, log }) => {
    const full = "ERROR 3 Disk full or file too large";
    assertEquals(await put(client(), "a", pattern(1001), { tsize: "1001", blksize: "600" }), full);
    assertEquals(
      await put(client(), "b", pattern(1000), { tsize: "1000", blksize: "600" }),
      "ACK 2",
    );
    assertEquals(await put(client(), "c", pattern(1001)), full);
    assertEquals(await put(client(), "d", pattern(5000), { tsize: "10", blksize: "600" }), full);
    await log.says(/ failed .*file=\/d /);
    assertEquals(await names(), ["b"]);
  });
});

test("a block larger than agreed ends the transfer", async () => {
  await withTftpd({ writing: "new" }, {}, async ({ client }) => {
    const one = client();
    await one.request("WRQ", "pie", { blksize: "8" });
    assertEquals(await one.line(), "OACK blksize=8");
    await one.send(encodeData(1, pattern(9)));
    assertEquals(await one.line(), "ERROR 4 a block is larger than agreed");
  });
});

test("uploads can have a folder of their own", async () => {
  const uploads = await Deno.makeTempDir();
  try {
    await withTftpd({ writing: "new", uploads }, FILES, async ({ client, names }) => {
      assertEquals(await put(client(), "cake", "Sugar"), "ACK 1");
      assertEquals(await Deno.readTextFile(`${uploads}/cake`), "Sugar");
      assertEquals(await client().answer("RRQ", "cake"), "DATA 1 Flour");
      assertEquals(await names(), ["cake"]);
    });
  } finally {
    await Deno.remove(uploads, { recursive: true });
  }
});

test("no upload leaves the folder, and none replaces what is no file", async () => {
  await withTftpd({ writing: "overwrite" }, FILES, async ({ client, folder, read }) => {
    const outside = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${outside}/victim`, "safe");
      await Deno.symlink(`${outside}/victim`, `${folder}/link`);
      await Deno.symlink(outside, `${folder}/dir`);
      await Deno.symlink("cake", `${folder}/inside`);
      await Deno.mkdir(`${folder}/pub`);
      const rows: [name: string, answer: RegExp][] = [
        ["link", /^ERROR 2 Access violation/],
        ["inside", /^ACK 1/],
        ["dir/new", /^ERROR 2 Access violation/],
        ["pub", /^ERROR 2 Not a file/],
        ["/", /^ERROR 2 Access violation/],
        ["nosuch/new", /^ERROR 1 No such folder$/],
        ["cake/new", /^ERROR 1 No such folder$/],
        ["../up", /^ACK 1/],
      ];
      for (const [name, answer] of rows) assertMatch(await put(client(), name, "x"), answer, name);
      assertEquals(await Deno.readTextFile(`${outside}/victim`), "safe");
      assertEquals(await Array.fromAsync(Deno.readDir(outside), ({ name }) => name), ["victim"]);
      assertEquals([await read("cake"), await read("up")], ["x", "x"]);
      assertEquals(await Deno.readLink(`${folder}/inside`), "cake");
    } finally {
      await Deno.remove(outside, { recursive: true });
    }
  });
});

/** Why no file system of 500 kB can be mounted, or undefined. */
function cannotMount(): string | undefined {
  for (const name of ["run", "sys", "read", "env"] as const) {
    if (Deno.permissions.querySync({ name }).state !== "granted") return undefined;
  }
  if (Deno.uid() !== 0) return "needs root";
  return missingProgram("mount");
}

const missing = cannotMount();
if (missing !== undefined) {
  Deno.test({ name: `a full disk is error 3 (${missing})`, ignore: true, fn: () => {} });
} else {
  testWith(
    ["net", "sys", "read", "write", "run", "env"],
    "a full disk is error 3, leaves nothing, and hurts nobody else",
    async () => {
      await withTftpd({ writing: "new" }, {}, async ({ client, folder, log }) => {
        const mount = (...args: string[]): Promise<Deno.CommandOutput> =>
          new Deno.Command("mount", { args }).output();
        await Deno.mkdir(`${folder}/small`);
        const { success } = await mount("-t", "tmpfs", "-o", "size=500k", "x", `${folder}/small`);
        assertEquals(success, true);
        try {
          const large = pattern(1_000_000);
          const options = { blksize: "8192" };
          const answer = await put(client(), "small/a", large, options);
          assertEquals(answer, "ERROR 3 Disk full or file too large");
          await log.says(/ failed .*small\/a .*reason="Disk full or file too large"/);
          assertEquals(
            await put(client(), "small/b", large.subarray(0, 300_000), options),
            "ACK 37",
          );
          const names = await Array.fromAsync(Deno.readDir(`${folder}/small`), ({ name }) => name);
          assertEquals(names, ["b"]);
        } finally {
          await new Deno.Command("umount", { args: [`${folder}/small`] }).output();
        }
      });
    },
  );
}

test("a download goes on while the file is replaced: it was opened before", async () => {
  const large = pattern(2000);
  await withTftpd({ writing: "overwrite" }, { large }, async ({ client, read }) => {
    const one = client();
    await one.request("RRQ", "large");
    assertMatch(await one.line(), /^DATA 1 /);
    assertEquals(await put(client(), "large", "short"), "ACK 1");
    assertEquals(await read("large"), "short");
    for (let block = 1; block < 4; block++) {
      await one.send(encodeAck(block));
      const packet = await one.receive();
      if (packet.kind !== "DATA") throw new Error(packet.kind);
      assertEquals(packet.data, large.subarray(block * 512, (block + 1) * 512));
    }
  });
});
