import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import {
  announcedName,
  formatReply,
  LONGEST_REPLY,
  parseFeatures,
  parseSize,
  type Reply,
  ReplyParser,
} from "../../../tools/protocol/ftp_reply.ts";
import { bytes } from "../../support/stream.ts";

const decode = (data: Uint8Array): string => new TextDecoder().decode(data);

/** The replies in `wire`, in which lines end in CRLF. */
function parse(wire: string): Reply[] {
  const parser = new ReplyParser(decode);
  return wire.split("\r\n").slice(0, -1).flatMap((line) => parser.add(bytes(line)) ?? []);
}

/** Code, text, and the wire that says it. Each is read and written. */
const REPLIES: [code: number, text: string, wire: string][] = [
  [220, "ready", "220 ready\r\n"],
  [200, "", "200 \r\n"],
  [211, "Features:\n MDTM\n UTF8\nEnd", "211-Features:\r\n MDTM\r\n UTF8\r\n211 End\r\n"],
  [230, "Hello\n\n\u00fcn\u00ef", "230-Hello\r\n\r\n230 \u00fcn\u00ef\r\n"],
  [150, "two\nlines", "150-two\r\n150 lines\r\n"],
];

Deno.test("replies are read and written", () => {
  for (const [code, text, wire] of REPLIES) {
    assertEquals(formatReply(code, text), wire);
    const [reply] = parse(wire);
    assertEquals([reply?.code, reply?.text], [code, text]);
    assertEquals(reply?.lines.join("\r\n") + "\r\n", wire);
  }
});

Deno.test("ReplyParser takes replies as servers write them (RFC 959 section 4.2)", () => {
  const cases: [wire: string, code: number, text: string][] = [
    ["250\r\n", 250, ""],
    ["211-a\r\n211\r\n", 211, "a\n"],
    // Inner lines that begin with digits, or with another code.
    [
      "123-First line\r\nSecond line\r\n  234 A line\r\n123 The last\r\n",
      123,
      "First line\nSecond line\n  234 A line\nThe last",
    ],
    ["220-a\r\n230 b\r\n220x\r\n220-c\r\n220 d\r\n", 220, "a\n230 b\nx\nc\nd"],
    // The code on every line, blank lines, lines with the code and nothing else in front.
    ["230-a\r\n230-b\r\n\r\n230 c\r\n", 230, "a\nb\n\nc"],
    ["\r\n220 ready\r\n", 220, "ready"],
    ["550 \x1b[2J\0gone\r\n", 550, "\x1b[2J\0gone"],
  ];
  for (const [wire, code, text] of cases) {
    assertEquals(parse(wire).map((reply) => [reply.code, reply.text]), [[code, text]], wire);
  }
});

Deno.test("ReplyParser takes several replies in a row", () => {
  assertEquals(
    parse("150-a\r\n150 b\r\n226 c\r\n221 d\r\n").map(({ code, text }) => [code, text]),
    [[150, "a\nb"], [226, "c"], [221, "d"]],
  );
});

Deno.test("ReplyParser refuses what is no reply", () => {
  for (
    const wire of [
      "SSH-2.0-OpenSSH_9.2",
      "HTTP/1.1 400 Bad Request",
      "22 x",
      "2200 x",
      "600 x",
      "099 x",
      " 220 x",
      "220_x",
    ]
  ) {
    assertThrows(() => parse(`${wire}\r\n`), ProtocolError, "not an FTP reply");
  }
});

Deno.test("ReplyParser takes replies up to their limit and no further", () => {
  const line = bytes("x".repeat(1022));
  const parser = new ReplyParser(decode);
  parser.add(bytes("220-".padEnd(1022)));
  for (let size = 1024; size < LONGEST_REPLY - 1024; size += 1024) parser.add(line);
  assertEquals(parser.room, 1024);
  assertThrows(() => parser.add(bytes("x".repeat(1025))), ProtocolError, "longer than");
  assertEquals(parser.add(bytes("220 end"))?.code, 220);
  assertEquals(parser.room, LONGEST_REPLY);
});

Deno.test("formatReply makes one reply of any text", () => {
  const text = fc.string({
    unit: fc.constantFrom("a", " ", "2", "0", "-", "\n", "\r", "\0", "220 ", "\u00fc"),
  });
  fc.assert(fc.property(fc.integer({ min: 100, max: 599 }), text, (code, text) => {
    const replies = parse(formatReply(code, text) + "200 next\r\n");
    assertEquals(replies.map((reply) => reply.code), [code, 200]);
    assertEquals(replies[0]?.lines.length, text.split("\n").length);
  }));
});

Deno.test("ReplyParser throws nothing but ProtocolError", () => {
  const noise = fc.array(
    fc.constantFrom("2", "20", "0", " ", "-", "\r\n", "220 ", "220-", "x", "\0", "\xff"),
  );
  fc.assert(fc.property(noise, (parts) => {
    try {
      parse(parts.join("") + "\r\n");
    } catch (error) {
      assert(error instanceof ProtocolError, String(error));
    }
  }));
});

Deno.test("parseFeatures reads the lines between the first and the last", () => {
  const [reply] = parse(
    "211-Features:\r\n MLST type*;size*;\r\n REST STREAM\r\n  utf8 \r\n211-EPSV\r\n\tAUTH TLS\r\n211 End\r\n",
  );
  assertEquals([...parseFeatures(reply?.text ?? "")], [
    ["MLST", "type*;size*;"],
    ["REST", "STREAM"],
    ["UTF8", ""],
    ["EPSV", ""],
    ["AUTH", "TLS"],
  ]);
  assertEquals([...parseFeatures("no features")], []);
  assertEquals([...parseFeatures("")], []);
});

Deno.test("parseSize reads the number among what servers put around it", () => {
  const cases: [string, number | undefined][] = [
    ["0", 0],
    ["51", 51],
    [" 4294967296 ", 4294967296],
    ["51 bytes", 51],
    ["file: 213, Size =51", 51],
    ["", undefined],
    ["many", undefined],
    ["12x", undefined],
    ["99999999999999999999", undefined],
  ];
  for (const [text, size] of cases) assertEquals(parseSize(text), size, text);
});

Deno.test("announcedName reads the name that STOU made (RFC 1123 section 4.1.2.9)", () => {
  assertEquals(announcedName("FILE: upload.0001"), "upload.0001");
  assertEquals(announcedName("Opening; file: a b "), "a b");
  assertEquals(announcedName("Transfer complete"), undefined);
});
