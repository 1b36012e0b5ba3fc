import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { concat } from "../../../tools/protocol/bytes.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import {
  decodeProxyHeader,
  encodeProxyV1,
  encodeProxyV2,
  LONGEST_V1,
  LONGEST_V2,
  type Proxied,
} from "../../../tools/protocol/proxy_protocol.ts";
import { latin1Bytes } from "../../../tools/protocol/text.ts";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const V4 = pair("127.0.0.1", 58270, "127.0.0.1", 27801);
const V6 = pair("2001:db8::1", 65535, "::1", 0);
const MIXED = pair("2001:db8::1", 1, "::ffff:10.0.1.1", 2);

function pair(source: string, from: number, destination: string, to: number): Proxied {
  return {
    source: { hostname: source, port: from },
    destination: { hostname: destination, port: to },
  };
}

const v2 = (hex: string): Uint8Array => Uint8Array.fromHex(SIGNATURE + hex);

const TABLE: [proxied: Proxied | undefined, v1: string, v2: Uint8Array][] = [
  [
    V4,
    "PROXY TCP4 127.0.0.1 127.0.0.1 58270 27801\r\n",
    v2("2111000c" + "7f000001" + "7f000001" + "e39e" + "6c99"),
  ],
  [
    V6,
    "PROXY TCP6 2001:db8::1 ::1 65535 0\r\n",
    v2("21210024" + "20010db8000000000000000000000001" + "1".padStart(32, "0") + "ffff" + "0000"),
  ],
  [
    MIXED,
    "PROXY TCP6 2001:db8::1 ::ffff:10.0.1.1 1 2\r\n",
    v2(
      "21210024" + "20010db8000000000000000000000001" + "ffff0a000101".padStart(32, "0") +
        "0001" + "0002",
    ),
  ],
  [undefined, "PROXY UNKNOWN\r\n", v2("20000000")],
];

/** Reads as a socket would: never more than was asked for, `most` bytes at a time. Returns what was read, and how much of it. */
function read(bytes: Uint8Array, most = Infinity): { proxied?: Proxied; taken: number } {
  let taken = 0;
  for (;;) {
    const header = decodeProxyHeader(bytes.subarray(0, taken));
    if (typeof header !== "number") {
      assertEquals(header.length, taken, "read beyond the header");
      return { ...(header.proxied ? { proxied: header.proxied } : {}), taken };
    }
    assert(header > 0);
    assert(taken < bytes.length, "waits for more than there is");
    taken = Math.min(taken + Math.min(header, most), bytes.length);
  }
}

Deno.test("PROXY protocol: both versions, both ways, whole and byte by byte, and not a byte more is read", () => {
  for (const [proxied, first, second] of TABLE) {
    assertEquals(encodeProxyV1(proxied), latin1Bytes(first));
    assertEquals(encodeProxyV2(proxied), second);
    for (const header of [latin1Bytes(first), second]) {
      const expected = { ...(proxied ? { proxied } : {}), taken: header.length };
      for (const most of [Infinity, 1, 3]) {
        assertEquals(read(concat([header, latin1Bytes("PROXY\r\n")]), most), expected);
      }
      const { taken: length, ...rest } = expected;
      assertEquals(decodeProxyHeader(concat([header, header])), { ...rest, length });
    }
  }
});

Deno.test("PROXY protocol: an IPv4 client of a dual-stack socket is an IPv4 client", () => {
  const mapped = pair("::ffff:127.0.0.1", 58270, "127.0.0.1", 27801);
  assertEquals(encodeProxyV1(mapped), encodeProxyV1(V4));
  assertEquals(encodeProxyV2(mapped), encodeProxyV2(V4));
});

Deno.test("PROXY protocol: what a header may hold besides", () => {
  const table: [header: Uint8Array, proxied: Proxied | undefined][] = [
    [latin1Bytes(`PROXY UNKNOWN ${"f:".repeat(45)}\r\n`), undefined],
    [latin1Bytes(`PROXY UNKNOWN${" ".repeat(92)}\r\n`), undefined], // 107 bytes.
    [latin1Bytes("PROXY TCP6 2001:DB8:0::1 0:0:0:0:0:0:0:1 65535 0\r\n"), V6],
    // More after the addresses, as a certificate's name.
    [concat([v2("21110011"), Uint8Array.fromHex("7f0000017f000001e39e6c99" + "0400020000")]), V4],
    [v2("20110003" + "010203"), undefined],
    [v2("2112000c" + "7f0000017f000001e39e6c99"), undefined], // Datagrams.
    [concat([v2("213100d8"), new Uint8Array(216)]), undefined], // A Unix socket.
    [v2("21000000"), undefined],
    [concat([v2("20000ff0"), new Uint8Array(LONGEST_V2 - 16)]), undefined],
  ];
  for (const [header, proxied] of table) {
    assertEquals(read(header, 1), { ...(proxied ? { proxied } : {}), taken: header.length });
  }
  assertEquals(LONGEST_V1, 107);
});

Deno.test("PROXY protocol: what is no header is refused at its first wrong byte, and taken until then", () => {
  const text = (good: string, bad: string): [Uint8Array, Uint8Array] => [
    latin1Bytes(good),
    latin1Bytes(bad),
  ];
  const hex = (good: string, bad: string): [Uint8Array, Uint8Array] => [
    v2(good),
    Uint8Array.fromHex(bad),
  ];
  const table: [good: Uint8Array, bad: Uint8Array][] = [
    text("", "G"),
    text("", "\n"),
    text("PROX", "y"),
    text("PROXY", "\r"),
    text("PROXY ", " "),
    text("PROXY TCP", "5"),
    text("PROXY TCP4", "\r"),
    text("PROXY TCP4 1.2.3.4", "5.6.7.8.9.10"),
    text("PROXY TCP4 ", ":"),
    text("PROXY TCP4 1.2.3.256", " "),
    text("PROXY TCP4 1.2.3.4 1.2.3", " "),
    text("PROXY TCP4 1.2.3.4 1.2.3.4", "\r"),
    text("PROXY TCP4 1.2.3.4 1.2.3.4 1", "\r"),
    text("PROXY TCP4 1.2.3.4 1.2.3.4 0", "1"),
    text("PROXY TCP4 1.2.3.4 1.2.3.4 6553", "6"),
    text("PROXY TCP4 1.2.3.4 1.2.3.4 ", "x"),
    text("PROXY TCP4 1.2.3.4 1.2.3.4 1 2", "\n"),
    text("PROXY TCP4 1.2.3.4 1.2.3.4 1 ", "\r"),
    text("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r", "\r"),
    text("PROXY TCP4 1.2.3.4 1.2.3.4 1 2", " "),
    text("PROXY TCP6 ::1 ", "%"),
    text("PROXY TCP6 ::1::", " "),
    text("PROXY TCP6 1.2.3.4", " "),
    text("PROXY UNKNOW", "L"),
    text("PROXY UNKNOWN", "S"),
    text(`PROXY UNKNOWN ${"x".repeat(91)}`, "x"),
    [Uint8Array.fromHex(SIGNATURE.slice(0, 22)), Uint8Array.of(11)],
    hex("", "11"),
    hex("", "22"),
    hex("21", "41"),
    hex("20", "03"),
    hex("211100", "0b"),
    hex("212100", "23"),
    hex("213100", "d7"),
    hex("20000f", "f1"),
  ];
  for (const [good, bad] of table) {
    const name = JSON.stringify(String.fromCharCode(...good));
    assert(typeof decodeProxyHeader(good) === "number", name);
    const error = assertThrows(() => decodeProxyHeader(concat([good, bad])), ProtocolError);
    assert(error.message.includes("PROXY header"), error.message);
  }
});

Deno.test("PROXY protocol: nothing but ProtocolError is thrown, and no wait lasts beyond the longest header", () => {
  const word = fc.constantFrom("PROXY", "TCP4", "TCP6", "UNKNOWN", "1.2.3.4", "::1", "80", "", "x");
  const first = fc.array(word, { maxLength: 8 }).map((words) =>
    latin1Bytes(words.join(" ") + "\r")
  );
  const second = fc.uint8Array({ maxLength: 60 }).map((rest) => concat([v2(""), rest]));
  fc.assert(
    fc.property(fc.oneof(first, second, fc.uint8Array()), (bytes) => {
      try {
        const header = decodeProxyHeader(bytes);
        if (typeof header !== "number") assert(header.length <= bytes.length);
        else assert(header > 0 && bytes.length + header <= LONGEST_V2);
      } catch (error) {
        assert(error instanceof ProtocolError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("PROXY protocol: every address comes back", () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  const port = fc.nat(65535);
  fc.assert(fc.property(address, port, address, port, (...parts) => {
    const proxied = pair(...parts);
    const first = read(encodeProxyV1(proxied)).proxied;
    assert(first);
    assertEquals(read(encodeProxyV2(proxied)).proxied, first);
    assertEquals(encodeProxyV2(first), encodeProxyV2(proxied));
  }));
});
