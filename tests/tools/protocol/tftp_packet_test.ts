import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import {
  encodeAck,
  encodeData,
  encodeError,
  encodeOack,
  encodeRequest,
  parseMode,
  parsePacket,
  type TftpPacket,
} from "../../../tools/protocol/tftp_packet.ts";

/** A packet as its bytes are written: one character for each. */
function packet(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

function request(kind: "RRQ" | "WRQ", options: [string, string][] = []): TftpPacket {
  return { kind, name: "cake", mode: "octet", options: new Map(options) };
}

/** Packets as everybody writes them, both ways. */
const PACKETS: [wire: string, packet: TftpPacket, encode: () => Uint8Array][] = [
  ["\0\x01cake\0octet\0", request("RRQ"), () => encodeRequest("RRQ", "cake", "octet", new Map())],
  [
    "\0\x02cake\0octet\0blksize\x001428\0tsize\x000\0",
    request("WRQ", [["blksize", "1428"], ["tsize", "0"]]),
    () => encodeRequest("WRQ", "cake", "octet", new Map([["blksize", "1428"], ["tsize", "0"]])),
  ],
  [
    "\0\x01caf\xc3\xa9\0netascii\0",
    { kind: "RRQ", name: "café", mode: "netascii", options: new Map() },
    () => encodeRequest("RRQ", "café", "netascii", new Map()),
  ],
  [
    "\0\x03\xff\xfeabc",
    { kind: "DATA", block: 65534, data: packet("abc") },
    () => encodeData(65534, packet("abc")),
  ],
  [
    "\0\x03\0\x01",
    { kind: "DATA", block: 1, data: new Uint8Array(0) },
    () => encodeData(1, new Uint8Array(0)),
  ],
  ["\0\x04\x01\x02", { kind: "ACK", block: 258 }, () => encodeAck(258)],
  [
    "\0\x05\0\x01File not found\0",
    { kind: "ERROR", code: 1, message: "File not found" },
    () => encodeError(1, "File not found"),
  ],
  [
    "\0\x06blksize\x001428\0",
    { kind: "OACK", options: new Map([["blksize", "1428"]]) },
    () => encodeOack(new Map([["blksize", "1428"]])),
  ],
  ["\0\x06", { kind: "OACK", options: new Map() }, () => encodeOack(new Map())],
];

Deno.test("TFTP packets are read and written", () => {
  for (const [wire, read, encode] of PACKETS) {
    assertEquals(parsePacket(packet(wire)), read, JSON.stringify(wire));
    assertEquals(encode(), packet(wire), JSON.stringify(wire));
  }
});

/** What some write, and what is made of it. */
const READ: [wire: string, packet: TftpPacket][] = [
  // The last NUL left out, and one too many.
  ["\0\x01cake\0octet", request("RRQ")],
  ["\0\x01cake\0octet\0\0", request("RRQ")],
  ["\0\x01cake\0octet\0\0\0blksize\x008\0\0", request("RRQ", [["blksize", "8"]])],
  ["\0\x06\0blksize\x001428\0\0", { kind: "OACK", options: new Map([["blksize", "1428"]]) }],
  // An option without a value.
  ["\0\x01cake\0octet\0blksize\0", request("RRQ")],
  ["\0\x01cake\0octet\0blksize\x008\0tsize", request("RRQ", [["blksize", "8"]])],
  // An empty value, and an option given twice.
  ["\0\x01cake\0octet\0blksize\0\0tsize\x000\0", request("RRQ", [["blksize", ""], ["tsize", "0"]])],
  ["\0\x01cake\0octet\0blksize\x008\0blksize\x009\0", request("RRQ", [["blksize", "9"]])],
  // Case does not matter in modes and options, but in names.
  [
    "\0\x01Cake\0OCTET\0BlkSize\x008\0",
    { kind: "RRQ", name: "Cake", mode: "octet", options: new Map([["blksize", "8"]]) },
  ],
  // A name that is no UTF-8.
  ["\0\x01\xe9.efi\xff\0octet\0", {
    kind: "RRQ",
    name: "é.efi\xff",
    mode: "octet",
    options: new Map(),
  }],
  // An ERROR without text, and without the NUL after it.
  ["\0\x05\0\x08", { kind: "ERROR", code: 8, message: "" }],
  ["\0\x05\0\x02no", { kind: "ERROR", code: 2, message: "no" }],
  ["\0\x05\x12\x34\0", { kind: "ERROR", code: 0x1234, message: "" }],
  // Bytes behind an ACK.
  ["\0\x04\0\x07more", { kind: "ACK", block: 7 }],
];

Deno.test("TFTP packets that are not quite right are understood", () => {
  for (const [wire, read] of READ) {
    assertEquals(parsePacket(packet(wire)), read, JSON.stringify(wire));
  }
});

const REFUSED: [wire: string, reason: string][] = [
  ["", "too short"],
  ["\0", "too short"],
  ["\0\x01", "names no file"],
  ["\0\x01\0octet\0", "names no file"],
  ["\0\x01cake", "has no mode"],
  ["\0\x02cake\0", "has no mode"],
  ["\0\x03", "too short"],
  ["\0\x03\0", "too short"],
  ["\0\x04\0", "too short"],
  ["\0\x05\0", "too short"],
  ["\0\0", "no operation 0"],
  ["\0\x07\0\0", "no operation 7"],
  ["\x01\x01cake\0octet\0", "no operation 257"],
];

Deno.test("TFTP packets that say nothing are refused", () => {
  for (const [wire, reason] of REFUSED) {
    assertThrows(() => parsePacket(packet(wire)), ProtocolError, reason);
  }
});

Deno.test("a TFTP request with 5,000 options is read, and each of them counts", () => {
  const options = new Map(Array.from({ length: 5000 }, (_, i) => [`option${i}`, `${i}`]));
  const read = parsePacket(encodeRequest("RRQ", "cake", "octet", options));
  assertEquals(read, { kind: "RRQ", name: "cake", mode: "octet", options });
});

Deno.test("reading a TFTP packet throws nothing but ProtocolError", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), fc.nat(7), (bytes, opcode) => {
    bytes.set([0, opcode].slice(0, bytes.length));
    try {
      parsePacket(bytes);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
    }
  }));
});

Deno.test("the modes are octet and netascii", () => {
  const modes = ["octet", "netascii", "mail", "binary", ""].map(parseMode);
  assertEquals(modes, ["octet", "netascii", undefined, undefined, undefined]);
});
