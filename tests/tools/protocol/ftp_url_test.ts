import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { charset } from "../../../tools/protocol/ftp_charset.ts";
import { type FtpUrl, parseFtpUrl } from "../../../tools/protocol/ftp_url.ts";

function parse(word: string, encoding = "utf-8"): FtpUrl {
  return parseFtpUrl(word, charset(encoding).decode);
}

Deno.test("parseFtpUrl() tells the folders and the file (RFC 1738 section 3.2.2)", () => {
  const cases: [url: string, folders: string[], name: string | undefined, type?: string][] = [
    ["ftp://h", [], undefined],
    ["ftp://h/", [], ""],
    ["ftp://h/a", [], "a"],
    ["ftp://h/pub/rfc/rfc/rfc99.txt", ["pub", "rfc", "rfc"], "rfc99.txt"],
    ["ftp://h/pub/", ["pub"], ""],
    ["FTP://h/a//b", ["a"], "b"],
    ["ftp://h/%2Fetc/motd", ["/etc"], "motd"],
    ["ftp://h//etc/motd", ["/", "etc"], "motd"],
    ["ftp://h/two%20words/a b", ["two words"], "a b"],
    ["ftp://h/%c3%A9/é", ["é"], "é"],
    ["ftp://h/a%2Fb", [], "a/b"],
    ["ftp://h/a;type=A", [], "a", "a"],
    ["ftp://h/a;type=i", [], "a", "i"],
    ["ftp://h/pub;TYPE=d", [], "pub", "d"],
    ["ftp://h/a;type=x", [], "a;type=x"],
    ["ftp://h/a%3btype=a", [], "a;type=a"],
    ["ftp://h/what?", [], "what?"],
    ["ftp://h/../..", [".."], ".."],
    ["ftp://h/me@home", [], "me@home"],
  ];
  for (const [url, folders, name, type] of cases) {
    const parsed = parse(url);
    assertEquals([parsed.folders, parsed.name, parsed.type], [
      folders,
      name,
      type as FtpUrl["type"],
    ], url);
  }
});

Deno.test("parseFtpUrl() decodes by the character set of names", () => {
  assertEquals(parse("ftp://h/%E9", "latin1").name, "é");
  assertThrows(() => parse("ftp://h/%E9"), RangeError, "%E9 is not in the character set");
});

Deno.test("parseFtpUrl() tells the server and who logs in", () => {
  const cases: [url: string, host: string, port: number | undefined, who: string | undefined][] = [
    ["ftp://Server.Example/", "server.example", undefined, undefined],
    ["ftp://server:2121/", "server", 2121, undefined],
    ["ftp://server:/", "server", undefined, undefined],
    ["ftp://[::1]/", "::1", undefined, undefined],
    ["ftp://[fe80::1%eth0]:2121/", "fe80::1%eth0", 2121, undefined],
    ["ftp://[fe80::1%25eth0]:2121/", "fe80::1%eth0", 2121, undefined],
    ["ftp://bücher.example/", "xn--bcher-kva.example", undefined, undefined],
    ["ftp://ftp:guest%40@server/", "server", undefined, "ftp guest@"],
    ["ftp://ftp:guest@@server/", "server", undefined, "ftp guest@"],
    ["ftp://me@server/", "server", undefined, "me undefined"],
    ["ftp://me:@server/", "server", undefined, "me "],
    ["ftp://me:a:b%2F@server/", "server", undefined, "me a:b/"],
  ];
  for (const [url, host, port, who] of cases) {
    const parsed = parse(url);
    const { user } = parsed;
    assertEquals([parsed.host, parsed.port], [host, port], url);
    assertEquals(user && `${user.name} ${user.password?.reveal()}`, who, url);
    assert(!parsed.secure);
  }
  assert(parse("ftps://server/").secure);
});

Deno.test("parseFtpUrl() shows neither name nor password", () => {
  assertEquals(parse("ftp://me:secret@h:21/a%20b;type=a").shown, "ftp://h:21/a%20b;type=a");
});

Deno.test("parseFtpUrl() refuses what would end a command, and what is no such URL", () => {
  const cases: [url: string, message: string][] = [
    ["ftp://h/a%0ab", "%00, %0a or %0d"],
    ["ftp://h/a%0Db", "%00, %0a or %0d"],
    ["ftp://h/%00", "%00, %0a or %0d"],
    ["ftp://h/%e9%0a", "%00, %0a or %0d"],
    ["ftp://me:a%0Ab@h/", "%00, %0a or %0d"],
    ["ftp://me%0d@h/", "%00, %0a or %0d"],
    ["ftp://h/a\nb", "control characters"],
    ["ftp://h/100%", "%25"],
    ["ftp://h/%zz", "%25"],
    ["ftp://h/c#", "%23"],
    ["http://h/", "give ftp://"],
    ["server", "give ftp://"],
    ["ftp:///a", "give HOST"],
    ["ftp://h:x/", "a port is"],
    ["ftp://h:70000/", "a port is"],
    ["ftp://[h]/", "give HOST"],
  ];
  for (const [url, message] of cases) assertThrows(() => parse(url), RangeError, message, url);
});

Deno.test("parseFtpUrl() throws nothing but RangeError, and never the password", () => {
  const piece = fc.constantFrom(
    "ftp://",
    "u:geheim@",
    "h",
    ":21",
    "/",
    "%",
    "41",
    "\r",
    ";type=a",
    "é",
    "[",
    "]",
    "#",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join("")), (word) => {
      try {
        assert(!parse(word).shown.includes("geheim@"));
      } catch (error) {
        assert(error instanceof RangeError, `${error}`);
        assert(!error.message.includes("geheim"));
      }
    }),
  );
  assertStringIncludes(assertThrows(() => parse("ftp://u:geheim@h:x/")).message, "a port is");
});
