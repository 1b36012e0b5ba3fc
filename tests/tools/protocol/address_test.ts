import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  formatHostPort,
  type HostPort,
  isIPv4,
  isIPv6,
  parseHostPort,
  unmapped,
  zoneOf,
} from "../../../tools/protocol/address.ts";

const TABLE: [text: string, read: HostPort | "refused"][] = [
  ["server", { host: "server" }],
  ["server.iiia.net:21", { host: "server.iiia.net", port: 21 }],
  ["127.0.0.1:8080", { host: "127.0.0.1", port: 8080 }],
  ["::1", { host: "::1" }],
  ["[::1]", { host: "::1" }],
  ["[::1]:53", { host: "::1", port: 53 }],
  ["fe80::1%eth0", { host: "fe80::1%eth0" }],
  ["[fe80::1%eth0]:80", { host: "fe80::1%eth0", port: 80 }],
  ["", "refused"],
  [":80", "refused"],
  ["server:", "refused"],
  ["server:0", "refused"],
  ["server:99999", "refused"],
  ["server:http", "refused"],
  ["a:b:c", "refused"],
  ["[server]:80", "refused"],
  ["[::1", "refused"],
  ["::1]", "refused"],
  ["[::1]80", "refused"],
  ["two words", "refused"],
  ["user@server", "refused"],
  ["server/path", "refused"],
];

Deno.test("parseHostPort: what is read and what is refused", () => {
  for (const [text, read] of TABLE) {
    if (read === "refused") {
      assertThrows(() => parseHostPort(text), RangeError, undefined, text);
    } else assertEquals(parseHostPort(text), read, text);
  }
});

Deno.test("parseHostPort: any text gives a host or a RangeError", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    try {
      assert(parseHostPort(text).host.length > 0);
    } catch (error) {
      assert(error instanceof RangeError, String(error));
    }
  }));
});

Deno.test("formatHostPort writes what parseHostPort reads", () => {
  for (const host of ["server", "192.0.2.1", "2001:db8::1"]) {
    const text = formatHostPort(host, 25);
    assertEquals(parseHostPort(text), { host, port: 25 });
  }
});

Deno.test("isIPv4 and isIPv6: addresses in the forms sockets take", () => {
  const v4 = ["0.0.0.0", "127.0.0.1", "255.255.255.255"];
  const v6 = ["::", "::1", "2001:db8::1", "::ffff:192.0.2.1", "fe80::1%eth0"];
  const neither = [
    "",
    "256.0.0.1",
    "1.2.3",
    "1.2.3.4.",
    "1.2.3.4.5",
    "server",
    ":",
    "1::2::3",
    "g::1",
  ];
  for (const text of [...v4, ...v6, ...neither]) {
    assertEquals(isIPv4(text), v4.includes(text), text);
    assertEquals(isIPv6(text), v6.includes(text), text);
  }
});

Deno.test("zoneOf: the zone with its %, or nothing", () => {
  const table = [["fe80::1%eth0", "%eth0"], ["fe80::1%2", "%2"], ["fe80::1", ""], [
    "192.0.2.1",
    "",
  ]];
  for (const [address = "", zone] of table) assertEquals(zoneOf(address), zone);
});

Deno.test("unmapped: an IPv4 peer of a dual-stack socket is IPv4", () => {
  const table: [string, string][] = [
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:192.0.2.1", "192.0.2.1"],
    ["192.0.2.1", "192.0.2.1"],
    ["::1", "::1"],
    ["::ffff:c000:201", "::ffff:c000:201"],
    ["::ffff:999.0.2.1", "::ffff:999.0.2.1"],
  ];
  for (const [address, plain] of table) assertEquals(unmapped(address), plain);
});
