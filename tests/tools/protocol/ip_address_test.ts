import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { unmapped } from "../../../tools/protocol/address.ts";
import { ipBytes, ipPair, ipText } from "../../../tools/protocol/ip_address.ts";

const TABLE: [text: string, hex: string][] = [
  ["0.0.0.0", "00000000"],
  ["10.0.1.254", "0a0001fe"],
  ["255.255.255.255", "ffffffff"],
  ["::", "0".repeat(32)],
  ["::1", "1".padStart(32, "0")],
  ["1::", "0001".padEnd(32, "0")],
  ["2001:db8::ff00:42:8329", "20010db8000000000000ff0000428329"],
  ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
  ["1:0:3:4:5:6:7:8", "00010000000300040005000600070008"],
  ["1:0:0:4::7:8", "00010000000000040000000000070008"],
  ["::ffff:127.0.0.1", "ffff7f000001".padStart(32, "0")],
];

Deno.test("ipBytes, ipText: addresses and bytes, both ways", () => {
  for (const [text, hex] of TABLE) {
    const bytes = Uint8Array.fromHex(hex);
    assertEquals(ipBytes(text), bytes, text);
    // RFC 5952 shortens the longest run of zeros, and of equal ones the first.
    assertEquals(ipText(bytes), text === "1:0:0:4::7:8" ? "1::4:0:0:7:8" : text);
  }
  fc.assert(fc.property(fc.ipV4(), (text) => assertEquals(ipText(ipBytes(text)), text)));
  const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 });
  fc.assert(fc.property(sixteen, (bytes) => assertEquals(ipBytes(ipText(bytes)), bytes)));
});

Deno.test("ipBytes leaves out the zone; what is no address is refused", () => {
  assertEquals(ipBytes("fe80::1%eth0"), ipBytes("fe80::1"));
  for (const text of ["", "server", "1.2.3", "1.2.3.256", "1:2", "[::1]", "::1:80:"]) {
    assertThrows(() => ipBytes(text), RangeError, "not an IP address");
  }
  assertThrows(() => ipText(new Uint8Array(6)), RangeError);
});

Deno.test("ipPair gives two addresses of one family", () => {
  const table: [string, string, string, string][] = [
    ["10.0.1.11", "10.0.1.1", "10.0.1.11", "10.0.1.1"],
    ["::ffff:10.0.1.11", "10.0.1.1", "10.0.1.11", "10.0.1.1"],
    ["::ffff:a00:10b", "::FFFF:10.0.1.1", "10.0.1.11", "10.0.1.1"],
    ["2001:db8::1", "10.0.1.1", "2001:db8::1", "::ffff:10.0.1.1"],
    ["10.0.1.1", "2001:db8::1", "::ffff:10.0.1.1", "2001:db8::1"],
    ["::ffff:10.0.1.1", "::1", "::ffff:10.0.1.1", "::1"],
    ["::1", "fe80::1%eth0", "::1", "fe80::1"],
  ];
  for (const [one, other, first, second] of table) {
    assertEquals(ipPair(one, other).map(ipText), [first, second]);
  }
  assertEquals(unmapped(ipText(ipBytes("::ffff:7f00:1"))), "127.0.0.1");
});
