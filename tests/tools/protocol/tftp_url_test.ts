import { assertEquals, assertThrows } from "@std/assert";
import { isTftpUrl, parseTftpUrl, type TftpUrl } from "../../../tools/protocol/tftp_url.ts";

Deno.test("parseTftpUrl() knows server, file and mode", () => {
  const cases: [url: string, parts: Partial<TftpUrl>][] = [
    ["tftp://server/cake", {}],
    ["TFTP://server/cake", {}],
    ["tftp://server:6969/cake", { port: 6969 }],
    ["tftp://[::1]:6969/cake", { host: "::1", port: 6969 }],
    ["tftp://[fe80::1%25eth0]/cake", { host: "fe80::1%eth0" }],
    ["tftp://192.0.2.1/cake", { host: "192.0.2.1" }],
    ["tftp://server/pub/two%20words", { name: "pub/two words" }],
    ["tftp://server//srv/cake", { name: "/srv/cake" }],
    ["tftp://server/cake;mode=netascii", { mode: "netascii" }],
    ["tftp://server/cake;MODE=Octet", { mode: "octet" }],
    ["tftp://server/cake;mode=mail", { name: "cake;mode=mail" }],
    ["tftp://server/cake%3Bmode=octet", { name: "cake;mode=octet" }],
    ["tftp://server/caf%C3%A9", { name: "café" }],
  ];
  for (const [url, parts] of cases) {
    assertEquals(isTftpUrl(url), true);
    assertEquals(
      parseTftpUrl(url),
      { host: "server", port: undefined, name: "cake", mode: undefined, ...parts },
      url,
    );
  }
});

Deno.test("parseTftpUrl() refuses what names no server or no file", () => {
  const cases: [url: string, message: string][] = [
    ["tftp://server", "give tftp://HOST/FILE"],
    ["tftp://server/", "give tftp://HOST/FILE"],
    ["tftp:///cake", "give HOST, HOST:PORT or [IPv6]:PORT"],
    ["tftp://me@server/cake", "give HOST, HOST:PORT or [IPv6]:PORT"],
    ["tftp://server:0/cake", "a port is a number from 1 to 65535"],
    ["tftp://server/100%", "a % in a name is written %25, and other characters in UTF-8"],
    ["tftp://server/%E9", "a % in a name is written %25, and other characters in UTF-8"],
  ];
  for (const [url, message] of cases) assertThrows(() => parseTftpUrl(url), RangeError, message);
  for (const word of ["server", "server:69", "ftp://server/cake", "tftp"]) {
    assertEquals(isTftpUrl(word), false);
  }
});
