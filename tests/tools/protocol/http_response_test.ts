import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { Fields, parseFields } from "../../../tools/protocol/http_fields.ts";
import {
  contentRange,
  parseResponseHead,
  responseFraming,
} from "../../../tools/protocol/http_response.ts";

Deno.test("Fields compares names without case and joins lists", () => {
  const fields = parseFields([
    "Accept: a",
    "ACCEPT:  b , c ",
    "Empty:",
    "X: 1",
  ]);
  assertEquals(fields.get("accept"), "a, b , c");
  assertEquals(fields.list("accept"), ["a", "b", "c"]);
  assertEquals([fields.get("empty"), fields.get("none")], ["", undefined]);
  fields.set("x", "2");
  assertEquals(fields.all("X"), ["2"]);
  assertEquals([...fields.filter((name) => name === "accept")].length, 2);
});

Deno.test("contentRange() takes what RFC 9110 section 14.4 allows", () => {
  const range = (value: string): unknown =>
    contentRange(new Fields([{ name: "Content-Range", value }]));
  assertEquals(range("bytes 0-4/10"), { start: 0, end: 4, size: 10 });
  assertEquals(range("bytes 5-9/*"), { start: 5, end: 9, size: undefined });
  assertEquals(range("bytes */10"), {
    start: undefined,
    end: undefined,
    size: 10,
  });
  const nonsense = [
    "bytes */*",
    "bytes 4-0/10",
    "bytes 0-10/10",
    "items 0-4/10",
    "bytes 0-4",
    "",
  ];
  for (const value of nonsense) assertEquals(range(value), undefined, value);
});

Deno.test("a response of any bytes gives a head and a framing, or a ProtocolError", () => {
  const line = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "HTTP/1.1 200 OK",
      "Content-Length: 5",
      "Transfer-Encoding: chunked",
      " x",
    ),
  );
  fc.assert(fc.property(fc.array(line), (lines) => {
    try {
      responseFraming("GET", parseResponseHead(lines));
    } catch (error) {
      assert(error instanceof ProtocolError, String(error));
    }
  }));
});
