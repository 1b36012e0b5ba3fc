/** Uploads, with a server that the test plays. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { TftpError } from "../../../clients/tftp/client.ts";
import { Failure } from "../../../tools/program/failure.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import {
  encodeAck,
  encodeData,
  encodeError,
  encodeOack,
} from "../../../tools/protocol/tftp_packet.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { bytes } from "../../support/stream.ts";
import { SERVICE, sourceOf, TID, Wire } from "./wire.ts";

const STRANGER = 4001;

function oack(options: Record<string, string>): Uint8Array {
  return encodeOack(new Map(Object.entries(options)));
}

Deno.test("a file goes block by block, without options as RFC 1350 has it", async () => {
  await using wire = await Wire.open();
  const progress: number[] = [];
  const put = wire.client.put("cake", sourceOf("a".repeat(515)), 515, {
    onProgress: (bytes) => progress.push(bytes),
  });
  await wire.takes("WRQ <file=cake, mode=octet>", SERVICE);
  wire.says(encodeAck(0));
  await wire.takes("DATA <block=1, 512 bytes>");
  wire.says(encodeAck(1));
  await wire.takes("DATA <block=2, 3 bytes>");
  wire.says(encodeAck(2));
  const { bytes, resent } = await put;
  assertEquals([bytes, resent, progress.at(-1)], [515, 0, 515]);
});

Deno.test("an empty file, and one that fills its last block, end with an empty block", async () => {
  for (const blocks of [0, 1, 2]) {
    await using wire = await Wire.open();
    const put = wire.client.put("cake", sourceOf("a".repeat(blocks * 512)), undefined);
    await wire.takes("WRQ <file=cake, mode=octet>", SERVICE);
    for (let block = 0; block < blocks; block++) {
      wire.says(encodeAck(block));
      await wire.takes(`DATA <block=${block + 1}, 512 bytes>`);
    }
    wire.says(encodeAck(blocks));
    await wire.takes(`DATA <block=${blocks + 1}, 0 bytes>`);
    wire.says(encodeAck(blocks + 1));
    assertEquals((await put).bytes, blocks * 512);
  }
});

Deno.test("the size is told, and windows are sent as agreed", async () => {
  await using wire = await Wire.open({ blksize: 16, windowsize: 4, tsize: true });
  const put = wire.client.put("cake", sourceOf("x".repeat(20)), 20);
  await wire.takes(
    "WRQ <file=cake, mode=octet, blksize=16, windowsize=4, tsize=20>",
    SERVICE,
  );
  wire.says(oack({ blksize: "8", windowsize: "2", tsize: "20" }));
  await wire.takes("DATA <block=1, 8 bytes>");
  await wire.takes("DATA <block=2, 8 bytes>");
  wire.says(encodeAck(1));
  await wire.takes("DATA <block=2, 8 bytes>");
  await wire.takes("DATA <block=3, 4 bytes>");
  wire.says(encodeAck(3));
  const { bytes, resent } = await put;
  assertEquals([bytes, resent], [20, 1]);
});

Deno.test("a server that knows no options, or refuses them, gets the file without", async () => {
  await using wire = await Wire.open({ blksize: 1428, windowsize: 32, tsize: true });
  const asked = "WRQ <file=cake, mode=octet, blksize=1428, windowsize=32, tsize=4>";
  const put = wire.client.put("cake", sourceOf("cake"), 4);
  await wire.takes(asked, SERVICE);
  wire.says(encodeAck(0));
  await wire.takes("DATA <block=1, 4 bytes>");
  wire.says(encodeAck(1));
  assertEquals((await put).terms.blksize, 512);

  const again = wire.client.put("cake", sourceOf("cake"), 4);
  while (wire.sockets.length < 2) await Promise.resolve();
  await wire.takes(asked, SERVICE);
  wire.says(encodeError(8, ""));
  while (wire.sockets.length < 3) await Promise.resolve();
  await wire.takes("WRQ <file=cake, mode=octet>", SERVICE);
  wire.says(encodeAck(0));
  await wire.takes("DATA <block=1, 4 bytes>");
  wire.says(encodeAck(1));
  await again;
});

Deno.test("an OACK with more than was asked for is refused by error 8", async () => {
  await using wire = await Wire.open({ blksize: 1024 });
  const put = wire.client.put("cake", sourceOf("cake"), 4);
  await wire.takes("WRQ <file=cake, mode=octet, blksize=1024>", SERVICE);
  wire.says(oack({ blksize: "65464" }));
  await wire.takes("ERROR <code=8, msg=that was not asked for>");
  await assertRejects(() => put, ProtocolError, "the server answered blksize 1024 with 65464");
});

Deno.test("text goes as lines end on the wire, and its size is not told", async () => {
  await using wire = await Wire.open({ mode: "netascii", tsize: true });
  const put = wire.client.put("notes", sourceOf(`${"x".repeat(511)}\ntwo\r`), 516);
  await wire.takes("WRQ <file=notes, mode=netascii>", SERVICE);
  wire.says(encodeAck(0));
  await wire.takes("DATA <block=1, 512 bytes>");
  wire.says(encodeAck(1));
  await wire.takes("DATA <block=2, 6 bytes>");
  wire.says(encodeAck(2));
  assertEquals((await put).bytes, 518);
});

Deno.test("what the server refuses is said, at once and later", async () => {
  for (const later of [false, true]) {
    await using wire = await Wire.open();
    const put = wire.client.put("cake", sourceOf("a".repeat(600)), 600);
    await wire.takes("WRQ <file=cake, mode=octet>", SERVICE);
    if (later) {
      wire.says(encodeAck(0));
      await wire.takes("DATA <block=1, 512 bytes>");
    }
    wire.says(encodeError(3, "No room"));
    const error = await assertRejects(() => put, TftpError, "No room (error 3)");
    assertEquals(error.exitCode, 5);
  }
});

Deno.test("only an answer to a write request begins the transfer, and strangers change nothing", async () => {
  await using wire = await Wire.open();
  const put = wire.client.put("cake", sourceOf("a".repeat(600)), 600);
  await wire.takes("WRQ <file=cake, mode=octet>", SERVICE);
  for (const packet of [encodeAck(1), encodeData(1, bytes("x")), bytes("\0\x04\0")]) {
    wire.says(packet, STRANGER);
  }
  wire.says(encodeAck(0));
  await wire.takes("DATA <block=1, 512 bytes>");
  wire.says(encodeAck(1), STRANGER);
  await wire.takes("ERROR <code=5, msg=unknown TID>", STRANGER);
  wire.says(encodeAck(1), TID, "192.0.2.2");
  wire.says(encodeAck(0)); // It came twice.
  wire.says(encodeAck(1));
  await wire.takes("DATA <block=2, 88 bytes>");
  wire.says(encodeAck(2));
  await put;
});

Deno.test("a block without an answer is sent again, and the server given up", async () => {
  using time = new FakeTime();
  await using wire = await Wire.open({ timeout: 5000 });
  const put = wire.client.put("cake", sourceOf("cake"), 4);
  const failed = assertRejects(() => put, Failure, "the server has fallen silent");
  await wire.takes("WRQ <file=cake, mode=octet>", SERVICE);
  await time.tick(1000);
  await wire.takes("WRQ <file=cake, mode=octet>", SERVICE);
  wire.says(encodeAck(0));
  await wire.takes("DATA <block=1, 4 bytes>");
  await time.tick(1000);
  await wire.takes("DATA <block=1, 4 bytes>");
  await time.tick(3999);
  const again = wire.left.length;
  assert(again > 0);
  for (let i = 0; i < again; i++) await wire.takes("DATA <block=1, 4 bytes>");
  await time.tick(1);
  await wire.takes("ERROR <code=0, msg=given up>");
  assertEquals((await failed).exitCode, 3);
});

Deno.test("an interruption ends it, and the server is told", async () => {
  await using wire = await Wire.open();
  const interruption = new AbortController();
  const put = wire.client.put("cake", sourceOf("cake"), 4, { signal: interruption.signal });
  const failed = assertRejects(() => put, Failure, "interrupted");
  await wire.takes("WRQ <file=cake, mode=octet>", SERVICE);
  wire.says(encodeAck(0));
  await wire.takes("DATA <block=1, 4 bytes>");
  interruption.abort();
  await wire.takes("ERROR <code=0, msg=interrupted>");
  assertEquals((await failed).exitCode, 130);
});

Deno.test("a file that cannot be read ends it", async () => {
  await using wire = await Wire.open();
  const error = new Failure(4, "/secret: the disk failed");
  const put = wire.client.put("cake", {
    read: () => {
      throw error;
    },
  }, 4);
  await wire.takes("WRQ <file=cake, mode=octet>", SERVICE);
  wire.says(encodeAck(0));
  await wire.takes("ERROR <code=0, msg=given up>");
  assert(await assertRejects(() => put) === error);
});
