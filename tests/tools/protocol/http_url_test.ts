import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { parseTarget, resolveLocation } from "../../../tools/protocol/http_url.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";

Deno.test("parseTarget() reads URLs and hosts as people type them", () => {
  const rows: [
    word: string,
    host: string,
    port: number,
    authority: string,
    path: string,
  ][] = [
    ["www", "www", 80, "www", "/"],
    ["www:8080/a?b=c#d", "www", 8080, "www:8080", "/a?b=c"],
    ["http://WWW.iiia.net", "www.iiia.net", 80, "www.iiia.net", "/"],
    ["HTTPS://www:443/", "www", 443, "www", "/"],
    ["http://café.fr/é", "xn--caf-dma.fr", 80, "xn--caf-dma.fr", "/%C3%A9"],
    ["::1", "::1", 80, "[::1]", "/"],
    ["[::1]:8080/x", "::1", 8080, "[::1]:8080", "/x"],
    ["http://[fe80::1%25eth0]:81/", "fe80::1%eth0", 81, "[fe80::1]:81", "/"],
    ["http://[fe80::1%eth0]/", "fe80::1%eth0", 80, "[fe80::1]", "/"],
    ["127.1", "127.0.0.1", 80, "127.0.0.1", "/"],
  ];
  for (const [word, host, port, authority, path] of rows) {
    const target = parseTarget(word);
    assertEquals([target.host, target.port, target.authority, target.path], [
      host,
      port,
      authority,
      path,
    ], word);
  }
});

Deno.test("parseTarget() takes the default port where the URL names none", () => {
  assertEquals(parseTarget("www", 8080).authority, "www:8080");
  assertEquals(parseTarget("http://www:81/", 8080).port, 81);
});

Deno.test("parseTarget() keeps name and password out of the URL", () => {
  const target = parseTarget("http://ada:p%40ss@www/");
  assertEquals([target.href, target.user?.name], ["http://www/", "ada"]);
  assertEquals(target.user?.password.reveal(), "p@ss");
});

Deno.test("parseTarget() says no in words", () => {
  const none = "this is not a URL or a host";
  const port = "a port is a number from 1 to 65535";
  const rows: [word: string, reason: string][] = [
    ["", none],
    ["http://", none],
    ["http://a b/", none],
    ["ftp://www/", "ftp:// is not known here (http and https are)"],
    ["www:99999", port],
    ["http://ada@[::1]:0/x", port],
    ["www:x", none],
    ["a\nb", "a URL holds no control characters"],
    ["http://[::1", none],
  ];
  for (const [word, reason] of rows) assertThrows(() => parseTarget(word), RangeError, reason);
});

Deno.test("resolveLocation() resolves, decodes UTF-8 and drops the fragment", () => {
  const base = parseTarget("http://www/a/b?c");
  assertEquals(resolveLocation(base, "../d#e").href, "http://www/d");
  assertEquals(resolveLocation(base, "?x").href, "http://www/a/b?x");
  assertEquals(resolveLocation(base, "/\xc3\xa9").href, "http://www/%C3%A9");
  assertEquals(resolveLocation(base, "//other/").host, "other");
  const local = parseTarget("http://[fe80::1%25eth0]/");
  assertEquals(resolveLocation(local, "//[fe80::1]:81/").host, "fe80::1%eth0");
  assertEquals(resolveLocation(local, "//[fe80::2]/").host, "fe80::2");
});

Deno.test("resolveLocation() throws nothing but ProtocolError", () => {
  const base = parseTarget("http://www/");
  fc.assert(fc.property(fc.string({ unit: "binary" }), (location) => {
    try {
      assert(/^https?:/.test(resolveLocation(base, location).href));
    } catch (error) {
      assert(error instanceof ProtocolError, String(error));
    }
  }));
});
