import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import {
  formatExtended,
  formatExtendedPassive,
  formatSix,
  parseExtended,
  parseExtendedPassive,
  parsePassive,
  parseSix,
} from "../../../tools/protocol/ftp_address.ts";

Deno.test("parsePassive finds the six numbers in any text (RFC 1123 section 4.1.2.6)", () => {
  const address = { host: "192.168.1.2", port: 1025 };
  for (
    const text of [
      "Entering Passive Mode (192,168,1,2,4,1).",
      "Entering Passive Mode (192,168,1,2,4,1)",
      "Entering Passive Mode 192,168,1,2,4,1",
      "Entering Passive Mode, 192, 168, 1, 2, 4, 1.",
      "=192,168,1,2,4,1",
      "Ok (server 7) 192,168,1,2,4,1 go",
      "a\nEntering Passive Mode (192,168,1,2,4,1).",
    ]
  ) assertEquals(parsePassive(text), address, text);
  for (
    const text of [
      "",
      "Entering Passive Mode",
      "(1216,256,2,127,127,127)",
      "(1,2,3,4,5)",
      "(1,2,3,4,0,0)",
      "(1,2,3,4,256,1)",
      "(1,2,3,4,x,1)",
    ]
  ) assertThrows(() => parsePassive(text), ProtocolError, "no address");
});

Deno.test("parseExtendedPassive takes any delimiter, and fields that should be empty", () => {
  for (
    const text of [
      "Entering Extended Passive Mode (|||6446|)",
      "Entering Extended Passive Mode (|||6446|).",
      "Entering Extended Passive Mode (!!!6446!)",
      "(###6446#)",
      "|||6446|",
      "(|1|192.0.2.1|6446|)",
      "(|2|2001:db8::1|6446|)",
    ]
  ) assertEquals(parseExtendedPassive(text), 6446, text);
  for (
    const text of [
      "",
      "(|||)",
      "(|||0|)",
      "(|||65536|)",
      "(|||99999999999|)",
      "(||6446|)",
      "(|||6446!)",
      "6446",
      "(111644611)",
    ]
  ) assertThrows(() => parseExtendedPassive(text), ProtocolError, "no address");
});

Deno.test("PORT and EPRT arguments are written and read", () => {
  const six: [string, { host: string; port: number }][] = [
    ["127,0,0,1,4,1", { host: "127.0.0.1", port: 1025 }],
    ["255,255,255,255,255,255", { host: "255.255.255.255", port: 65535 }],
    ["10,0,0,1,0,20", { host: "10.0.0.1", port: 20 }],
  ];
  for (const [text, address] of six) {
    assertEquals(formatSix(address), text);
    assertEquals(parseSix(text), address);
  }
  const extended: [string, { host: string; port: number }][] = [
    ["|1|132.235.1.2|6275|", { host: "132.235.1.2", port: 6275 }],
    ["|2|1080::8:800:200c:417a|5282|", { host: "1080::8:800:200c:417a", port: 5282 }],
  ];
  for (const [text, address] of extended) {
    assertEquals(formatExtended(address), text);
    assertEquals(parseExtended(text), address);
    assertEquals(parseExtended(text.replaceAll("|", "!")), address);
  }
  assertEquals(formatExtendedPassive(6446), "|||6446|");
});

Deno.test("wrong PORT and EPRT arguments are refused", () => {
  for (
    const text of [
      "",
      "1,2,3,4,5",
      "1,2,3,4,5,6,7",
      "1,2,3,4,0,0",
      "1,2,3,256,4,5",
      "a,2,3,4,5,6",
      "-1,2,3,4,5,6",
      "1,2,3,4,5,0x1",
    ]
  ) {
    assertEquals(parseSix(text), undefined, text);
  }
  for (
    const text of [
      "",
      "|1|1.2.3.4|0|",
      "|1|1.2.3.4|65536|",
      "|1|1.2.3|20|",
      "|1|::1|20|",
      "|2|1.2.3.4|20|",
      "|1|1.2.3.4|20",
      "1|1.2.3.4|20|",
      "|1|example|20|",
      "|1|1.2.3.4|20|x",
    ]
  ) assertEquals(parseExtended(text), undefined, text);
  assertEquals(parseExtended("|3|1.2.3.4|20|"), "protocol");
});

Deno.test("address parsers throw nothing but ProtocolError", () => {
  const noise = fc.string({
    unit: fc.constantFrom("1", "255", ",", "|", "!", "(", ")", " ", ".", ":", "a"),
  });
  fc.assert(fc.property(noise, (text) => {
    for (const parse of [parsePassive, parseExtendedPassive]) {
      try {
        parse(text);
      } catch (error) {
        assert(error instanceof ProtocolError, String(error));
      }
    }
    parseSix(text);
    parseExtended(text);
  }));
});

Deno.test("addresses survive writing and reading", () => {
  const port = fc.integer({ min: 1, max: 65535 });
  fc.assert(fc.property(fc.ipV4(), port, (host, port) => {
    const address = { host, port };
    assertEquals(parsePassive(`x (${formatSix(address)}).`), address);
    assertEquals(parseExtended(formatExtended(address)), address);
    assertEquals(parseExtendedPassive(`(${formatExtendedPassive(port)})`), port);
  }));
  fc.assert(fc.property(fc.ipV6(), port, (host, port) => {
    assertEquals(parseExtended(formatExtended({ host, port })), { host, port });
  }));
});
