/** Downloads, with a server that the test plays. */
import { assertEquals, assertRejects } from "@std/assert";
import { TftpError, type TftpSettings } from "../../../clients/tftp/client.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import {
  encodeAck,
  encodeData,
  encodeError,
  encodeOack,
  encodeRequest,
} from "../../../tools/protocol/tftp_packet.ts";
import { bytes } from "../../support/stream.ts";
import { SERVICE, TextSink, TID, Wire } from "./wire.ts";

const A = "a".repeat(512);
const STRANGER = 4001;

function data(block: number, text: string): Uint8Array {
  return encodeData(block, bytes(text));
}

function oack(options: Record<string, string>): Uint8Array {
  return encodeOack(new Map(Object.entries(options)));
}

Deno.test("a file comes block by block, without options as RFC 1350 has it", async () => {
  await using wire = await Wire.open();
  const sink = new TextSink();
  const progress: number[] = [];
  const got = wire.client.get("cake", sink, { onProgress: (bytes) => progress.push(bytes) });
  await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  wire.says(data(1, A));
  await wire.takes("ACK <block=1>");
  wire.says(data(2, "end"));
  await wire.takes("ACK <block=2>");
  const { bytes, resent, terms } = await got;
  assertEquals([bytes, resent, terms.blksize, sink.text, sink.ended], [
    515,
    0,
    512,
    `${A}end`,
    true,
  ]);
  assertEquals([progress[0], progress.at(-1)], [512, 515]);
});

Deno.test("an empty file, and one that fills its last block, end with an empty block", async () => {
  for (const blocks of [0, 1, 2]) {
    await using wire = await Wire.open();
    const sink = new TextSink();
    const got = wire.client.get("cake", sink);
    await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
    for (let block = 1; block <= blocks; block++) {
      wire.says(data(block, A));
      await wire.takes(`ACK <block=${block}>`);
    }
    wire.says(data(blocks + 1, ""));
    await wire.takes(`ACK <block=${blocks + 1}>`);
    assertEquals([(await got).bytes, sink.text], [blocks * 512, A.repeat(blocks)]);
  }
});

Deno.test("options are asked for, and what the server makes of them holds", async () => {
  await using wire = await Wire.open({ blksize: 16, windowsize: 4, tsize: true, rexmt: 2000 });
  const sink = new TextSink();
  const sizes: (number | undefined)[] = [];
  const got = wire.client.get("cake", sink, { onStart: ({ size }) => void sizes.push(size) });
  await wire.takes(
    "RRQ <file=cake, mode=octet, blksize=16, windowsize=4, timeout=2, tsize=0>",
    SERVICE,
  );
  wire.says(oack({ blksize: "8", windowsize: "2", tsize: "20" }));
  await wire.takes("ACK <block=0>");
  assertEquals(sizes, [20]);
  wire.says(data(1, "12345678"));
  wire.says(data(2, "12345678"));
  await wire.takes("ACK <block=2>");
  wire.says(data(3, "1234"));
  await wire.takes("ACK <block=3>");
  const { bytes, terms } = await got;
  assertEquals([bytes, sink.text], [20, "12345678123456781234"]);
  // It did not promise to keep to the time, so that only we do.
  assertEquals([terms.blksize, terms.windowsize, terms.timeout], [8, 2, 2000]);
});

Deno.test("a server that knows no options is taken as it is", async () => {
  await using wire = await Wire.open({ blksize: 1428, windowsize: 32, tsize: true });
  const sink = new TextSink();
  const got = wire.client.get("cake", sink);
  await wire.takes("RRQ <file=cake, mode=octet, blksize=1428, windowsize=32, tsize=0>", SERVICE);
  wire.says(data(1, A));
  await wire.takes("ACK <block=1>");
  wire.says(data(2, ""));
  await wire.takes("ACK <block=2>");
  assertEquals([(await got).terms.windowsize, sink.text], [1, A]);
});

Deno.test("a server that refuses options is asked again without, by another socket", async () => {
  await using wire = await Wire.open({ blksize: 1428 });
  const sink = new TextSink();
  const got = wire.client.get("cake", sink);
  await wire.takes("RRQ <file=cake, mode=octet, blksize=1428>", SERVICE);
  wire.says(encodeError(8, "no options here"));
  await until(() => wire.sockets.length === 2);
  await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  wire.says(data(1, "cake"), TID + 1);
  await wire.takes("ACK <block=1>", TID + 1);
  await got;
  assertEquals(sink.text, "cake");

  // Who refuses the options of a request without any cannot be helped.
  const again = wire.client.get("cake", sink);
  await until(() => wire.sockets.length === 3);
  await wire.takes("RRQ <file=cake, mode=octet, blksize=1428>", SERVICE);
  wire.says(encodeError(8, ""));
  await until(() => wire.sockets.length === 4);
  await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  wire.says(encodeError(8, ""));
  await assertRejects(() => again, TftpError, "the server refuses the options (error 8)");
});

/** Waits until `holds`. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await Promise.resolve();
}

/** Answers to a request for blksize 1024, windowsize 8, timeout 2 and tsize 0. */
const BAD_OACKS: [options: Record<string, string>, message: string][] = [
  [{ blksize: "1025" }, "the server answered blksize 1024 with 1025"],
  [{ blksize: "7" }, "the server answered blksize 1024 with 7"],
  [{ blksize: "" }, "the server answered blksize 1024 with "],
  [{ blksize: "-1" }, "the server answered blksize 1024 with -1"],
  [{ windowsize: "9" }, "the server answered windowsize 8 with 9"],
  [{ windowsize: "0" }, "the server answered windowsize 8 with 0"],
  [{ timeout: "3" }, "the server answered timeout 2 with 3"],
  [{ rollover: "0" }, "the server accepted the option rollover, which was not asked for"],
];

Deno.test("an OACK that takes more than was asked for is refused by error 8", async () => {
  for (const [options, message] of BAD_OACKS) {
    await using wire = await Wire.open({ blksize: 1024, windowsize: 8, rexmt: 2000, tsize: true });
    const got = wire.client.get("cake", new TextSink());
    await wire.takes(
      "RRQ <file=cake, mode=octet, blksize=1024, windowsize=8, timeout=2, tsize=0>",
      SERVICE,
    );
    wire.says(oack(options));
    await wire.takes("ERROR <code=8, msg=that was not asked for>");
    await assertRejects(() => got, ProtocolError, message);
  }
});

Deno.test("an OACK with less, in capitals, or with NULs too many, is fine", async () => {
  const oacks: [packet: Uint8Array, blksize: number][] = [
    [oack({}), 512],
    [oack({ BLKSIZE: "8" }), 8],
    [oack({ blksize: "8", tsize: "rubbish" }), 8],
    [bytes("\0\x06blksize\x008\0\0\0"), 8],
  ];
  for (const [packet, blksize] of oacks) {
    await using wire = await Wire.open({ blksize: 1024, tsize: true });
    const got = wire.client.get("cake", new TextSink());
    await wire.takes("RRQ <file=cake, mode=octet, blksize=1024, tsize=0>", SERVICE);
    wire.says(packet);
    await wire.takes("ACK <block=0>");
    wire.says(data(1, "cake"));
    await wire.takes("ACK <block=1>");
    assertEquals((await got).terms.blksize, blksize);
  }
});

Deno.test("text comes as lines end here, and its size is not asked for", async () => {
  await using wire = await Wire.open({ mode: "netascii", tsize: true });
  const sink = new TextSink();
  const got = wire.client.get("notes", sink);
  await wire.takes("RRQ <file=notes, mode=netascii>", SERVICE);
  wire.says(data(1, `${"x".repeat(511)}\r`));
  await wire.takes("ACK <block=1>");
  wire.says(data(2, "\ntwo\r\0\r\n"));
  await wire.takes("ACK <block=2>");
  await got;
  assertEquals(sink.text, `${"x".repeat(511)}\ntwo\r\n`);
});

Deno.test("what the server refuses is said, with its code", async () => {
  const errors: [code: number, message: string, shown: string, atOnce: number, later?: number][] = [
    [1, "File not found", "File not found (error 1)", 1],
    [1, "", "no such file (error 1)", 1],
    [2, "", "access denied (error 2)", 1],
    [3, "", "the server's disk is full (error 3)", 5],
    [0, "\x1b[2Jgo away", "\\x1b[2Jgo away (error 0)", 1, 5],
    [99, "", "refused (error 99)", 1],
  ];
  for (const [code, message, shown, atOnce, later = atOnce] of errors) {
    for (const when of ["at once", "after OACK", "later"]) {
      await using wire = await Wire.open(when === "after OACK" ? { blksize: 8 } : {});
      const got = wire.client.get("cake", new TextSink());
      if (when === "after OACK") {
        await wire.takes("RRQ <file=cake, mode=octet, blksize=8>", SERVICE);
        wire.says(oack({ blksize: "8" }));
        await wire.takes("ACK <block=0>");
      } else await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
      if (when === "later") {
        wire.says(data(1, A));
        await wire.takes("ACK <block=1>");
      }
      wire.says(encodeError(code, message));
      const error = await assertRejects(() => got, TftpError);
      const exitCode = when === "at once" ? atOnce : later;
      assertEquals([error.message, error.code, error.exitCode], [shown, code, exitCode]);
    }
  }
});

Deno.test("strangers change nothing: another port gets error 5, another address nothing", async () => {
  await using wire = await Wire.open();
  const sink = new TextSink();
  const got = wire.client.get("cake", sink);
  await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  wire.says(encodeError(1, "wrong address"), TID, "192.0.2.2");
  wire.says(data(1, "x".repeat(512)), TID, "192.0.2.2");
  wire.says(data(1, A));
  await wire.takes("ACK <block=1>");
  wire.says(data(2, "wrong port"), STRANGER);
  await wire.takes("ERROR <code=5, msg=unknown TID>", STRANGER);
  wire.says(bytes("?"), STRANGER);
  await wire.takes("ERROR <code=5, msg=unknown TID>", STRANGER);
  // Nobody answers an ERROR, and only the server's own counts.
  wire.says(encodeError(0, "wrong port"), STRANGER);
  wire.says(data(2, "wrong address"), TID, "192.0.2.2");
  wire.says(data(2, "end"));
  await wire.takes("ACK <block=2>");
  await got;
  assertEquals(sink.text, `${A}end`);
});

Deno.test("what answers no request does not choose the port", async () => {
  await using wire = await Wire.open();
  const sink = new TextSink();
  const got = wire.client.get("cake", sink);
  await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  const noAnswers = [
    data(2, A),
    data(0, A),
    encodeAck(0),
    encodeRequest("RRQ", "a", "octet", new Map()),
    bytes("\0\x09abcd"),
    bytes("\0\x03\0"),
    bytes(""),
  ];
  for (const packet of noAnswers) wire.says(packet, STRANGER);
  wire.says(data(1, "cake"));
  await wire.takes("ACK <block=1>");
  await got;
  assertEquals(sink.text, "cake");
});

Deno.test("an address is known in whichever form it comes", async () => {
  for (
    const [host, reported] of [
      ["2001:db8:0:0::1", "2001:db8::1"],
      ["192.0.2.1", "::ffff:192.0.2.1"],
    ] as const
  ) {
    await using wire = await Wire.open({}, host);
    const got = wire.client.get("cake", new TextSink());
    await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
    wire.says(data(1, "cake"), TID, reported);
    await wire.takes("ACK <block=1>");
    await got;
  }
});

Deno.test("a name that a packet cannot hold is refused here", async () => {
  await using wire = await Wire.open();
  for (const name of ["", "a\0octet\0b"]) {
    await assertRejects(() => wire.client.get(name, new TextSink()), RangeError);
    await assertRejects(
      () => wire.client.put(name, { read: () => 0 }, 0),
      RangeError,
      "a file cannot have this name",
    );
  }
  assertEquals(wire.sockets.length, 0);
});

Deno.test("several files come at once, each by a socket of its own", async () => {
  await using wire = await Wire.open();
  const sinks = [new TextSink(), new TextSink()];
  const one = wire.client.get("one", sinks[0] ?? new TextSink());
  await wire.takes("RRQ <file=one, mode=octet>", SERVICE);
  const two = wire.client.get("two", sinks[1] ?? new TextSink());
  await wire.takes("RRQ <file=two, mode=octet>", SERVICE);
  wire.says(data(1, "two"));
  await wire.takes("ACK <block=1>");
  await two;
  wire.sockets[0]?.arrive(data(1, "one"), { transport: "udp", hostname: "192.0.2.1", port: TID });
  assertEquals((await wire.sockets[0]?.next())?.words, "ACK <block=1>");
  await one;
  assertEquals(sinks.map(({ text }) => text), ["one", "two"]);
});

Deno.test("settings are those at the beginning of a transfer", async () => {
  await using wire = await Wire.open();
  const changes: Partial<TftpSettings>[] = [{ blksize: 8 }, { mode: "netascii", blksize: 512 }];
  const asked = ["RRQ <file=a, mode=octet, blksize=8>", "RRQ <file=a, mode=netascii>"];
  for (const [i, change] of changes.entries()) {
    Object.assign(wire.settings, change);
    const got = wire.client.get("a", new TextSink());
    await wire.takes(asked[i] ?? "", SERVICE);
    wire.says(encodeError(1, ""));
    await assertRejects(() => got, TftpError);
  }
});
