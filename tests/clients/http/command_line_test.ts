/** The words of http's command line. */
import { assertEquals, assertThrows } from "@std/assert";
import { byteRange, fieldLine, resolveEntry } from "../../../clients/http/command_line.ts";

Deno.test("fieldLine() reads a field, or one to leave out", () => {
  assertEquals(fieldLine("X-Two:  2 3 "), { name: "X-Two", value: "2 3" });
  assertEquals(fieldLine("Accept:"), { name: "Accept", value: "" });
  for (const line of ["", ":x", "no colon", "a b: c", "A: \0", "transfer-encoding: chunked"]) {
    assertThrows(() => fieldLine(line), RangeError);
  }
});

Deno.test("byteRange() reads one range", () => {
  for (const range of ["0-0", "0-499", "500-", "-500"]) assertEquals(byteRange(range), range);
  for (const range of ["", "-", "5", "5-1", "0-1,3-4", "a-b"]) {
    assertThrows(() => byteRange(range), RangeError);
  }
});

Deno.test("resolveEntry() knows hosts as URLs have them", () => {
  const rows: [word: string, where: string, address: string][] = [
    ["www:80:127.0.0.1", "www:80", "127.0.0.1"],
    ["WWW.iiia.net:8080:::1", "www.iiia.net:8080", "::1"],
    ["café.fr:443:[2001:db8::1]", "xn--caf-dma.fr:443", "2001:db8::1"],
    ["[::2]:80:::1", "[::2]:80", "::1"],
  ];
  for (const [word, ...entry] of rows) assertEquals(resolveEntry(word), entry);
  for (const word of ["", "www", "www:80", "www:80:localhost", "www:0:::1", "a b:80:::1"]) {
    assertThrows(() => resolveEntry(word), RangeError);
  }
});
