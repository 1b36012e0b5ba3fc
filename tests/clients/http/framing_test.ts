/**
 * Nasty responses, and what RFC 9112 says about each: the body, or the error.
 * Each comes in one piece, and byte by byte.
 */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { HttpClient } from "../../../clients/http/client.ts";
import { standardFields } from "../../../clients/http/request.ts";
import { Trace } from "../../../tools/program/trace.ts";
import { concat } from "../../../tools/protocol/bytes.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { parseTarget } from "../../../tools/protocol/http_url.ts";
import { latin1 } from "../../../tools/protocol/text.ts";
import { scripted } from "../../support/scripted.ts";

interface Case {
  name: string;
  method?: string;
  wire: string;
  /** What the body must be, or the error must say. */
  body?: string;
  error?: RegExp;
  end?: "reset";
  /** Byte by byte takes too long. */
  large?: true;
}

const OK = "HTTP/1.1 200 OK\r\n";
const chunked = (body: string): string => `${OK}Transfer-Encoding: chunked\r\n\r\n${body}`;

const CASES: Case[] = [
  {
    name: "Content-Length",
    wire: `${OK}Content-Length: 5\r\n\r\nhello`,
    body: "hello",
  },
  {
    name: "bytes after Content-Length are not the body",
    wire: `${OK}Content-Length: 5\r\n\r\nhelloEXTRA`,
    body: "hello",
  },
  {
    name: "up to the end of the connection",
    wire: `${OK}\r\nhello`,
    body: "hello",
  },
  { name: "chunked", wire: chunked("5\r\nhello\r\n0\r\n\r\n"), body: "hello" },
  {
    name: "chunked with extensions, upper and lower case",
    wire: chunked(
      'A;a=1\r\n0123456789\r\nb ; q="x"\r\nhello world\r\n00\r\n\r\n',
    ),
    body: "0123456789hello world",
  },
  {
    name: "chunked with trailers",
    wire: chunked("5\r\nhello\r\n0\r\nDigest: abc\r\nX: y\r\n\r\n"),
    body: "hello",
  },
  {
    name: "chunked, truncated in a chunk",
    wire: chunked("5\r\nhel"),
    error: /ended after 3 bytes, before its last chunk/,
  },
  {
    name: "chunked, truncated before the last chunk",
    wire: chunked("5\r\nhello\r\n"),
    error: /ended after 5 bytes/,
  },
  {
    name: "chunked, truncated before the end of the trailers",
    wire: chunked("5\r\nhello\r\n0\r\n"),
    error: /ended after 5 bytes/,
  },
  {
    name: "Content-Length, truncated",
    wire: `${OK}Content-Length: 10\r\n\r\nhello`,
    error: /ended after 5 of 10 bytes/,
  },
  {
    name: "a reset within the body",
    wire: `${OK}Content-Length: 10\r\n\r\nhello`,
    end: "reset",
    error: /connection broke after 5 bytes/,
  },
  {
    name: "a reset in place of the end of the connection",
    wire: `${OK}\r\nhello`,
    end: "reset",
    error: /connection broke after 5 bytes/,
  },
  {
    name: "bad chunk size",
    wire: chunked("ZZ\r\nhello\r\n0\r\n\r\n"),
    error: /size of a chunk/,
  },
  {
    name: "empty chunk size",
    wire: chunked("\r\nhello"),
    error: /size of a chunk/,
  },
  {
    name: "signed chunk size",
    wire: chunked("-5\r\nhello"),
    error: /size of a chunk/,
  },
  {
    name: "chunk size 0x5",
    wire: chunked("0x5\r\nhello"),
    error: /size of a chunk/,
  },
  {
    name: "chunk size beyond all numbers",
    wire: chunked("FFFFFFFFFFFFFFFFFF\r\nhello"),
    error: /size of a chunk/,
  },
  {
    name: "a chunk longer than its size",
    wire: chunked("3\r\nhello\r\n0\r\n\r\n"),
    error: /longer than its size/,
  },
  {
    name: "a size line without an end",
    wire: chunked(`5;${"a".repeat(5000)}`),
    error: /size is longer than 4096/,
  },
  {
    name: "a size of nothing but noughts",
    wire: chunked("0".repeat(5000)),
    error: /size is longer than 4096/,
  },
  {
    name: "whitespace after the size of a chunk",
    wire: chunked("5 \r\nhello\r\n0\r\n\r\n"),
    error: /does not belong in the size of a chunk/,
  },
  {
    name: "NUL in a chunk extension",
    wire: chunked("5;a\0\r\nhello\r\n0\r\n\r\n"),
    error: /does not belong in the size of a chunk/,
  },
  {
    name: "trailers without an end",
    wire: chunked(`0\r\n${"X: y\r\n".repeat(12_000)}`),
    error: /trailers are longer than 65536/,
    large: true,
  },
  {
    name: "bare LF in the chunk framing",
    wire: chunked("5\nhello\n0\n\n"),
    error: /does not end in CRLF/,
  },
  {
    name: "bare LF after the data of a chunk",
    wire: chunked("5\r\nhello\n0\r\n\r\n"),
    error: /does not end in CRLF/,
  },
  {
    name: "bare CR in a chunk extension",
    wire: chunked("5;a\rb\r\nhello\r\n0\r\n\r\n"),
    error: /does not end in CRLF/,
  },
  {
    name: "Transfer-Encoding overrides Content-Length",
    wire: `${OK}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    body: "hello",
  },
  {
    name: "Transfer-Encoding in HTTP/1.0 is processed, then the connection ends",
    wire: "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    body: "hello",
  },
  {
    name: "Content-Length 5, 5 in two lines",
    wire: `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
    body: "hello",
  },
  {
    name: "Content-Length 5, 5 in a list",
    wire: `${OK}Content-Length: 5, 5\r\n\r\nhello`,
    body: "hello",
  },
  {
    name: "Content-Length 5 and 3",
    wire: `${OK}Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello`,
    error: /not one number/,
  },
  {
    name: "Content-Length -1",
    wire: `${OK}Content-Length: -1\r\n\r\n`,
    error: /not one number/,
  },
  {
    name: "Content-Length +5",
    wire: `${OK}Content-Length: +5\r\n\r\nhello`,
    error: /not one number/,
  },
  {
    name: "Content-Length 5x",
    wire: `${OK}Content-Length: 5x\r\n\r\n`,
    error: /not one number/,
  },
  {
    name: "empty Content-Length",
    wire: `${OK}Content-Length:\r\n\r\n`,
    error: /not one number/,
  },
  {
    name: "Content-Length beyond all numbers",
    wire: `${OK}Content-Length: 99999999999999999999\r\n\r\n`,
    error: /not one number/,
  },
  {
    name: "100 and 103 before 200",
    wire: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
      `${OK}Content-Length: 5\r\n\r\nhello`,
    body: "hello",
  },
  {
    name: "1xx for ever",
    wire: "HTTP/1.1 102 Processing\r\n\r\n".repeat(50),
    error: /more than 20 interim/,
  },
  {
    name: "101 that nobody asked for",
    wire: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    error: /switched protocols unasked/,
  },
  {
    name: "204 with Content-Length",
    wire: "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
    body: "",
  },
  {
    name: "304 with Content-Length",
    wire: "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
    body: "",
  },
  {
    name: "HEAD with Content-Length",
    method: "HEAD",
    wire: `${OK}Content-Length: 5\r\n\r\n`,
    body: "",
  },
  {
    name: "HEAD with Transfer-Encoding",
    method: "HEAD",
    wire: `${OK}Transfer-Encoding: chunked\r\n\r\n`,
    body: "",
  },
  {
    name: "obs-fold is a space",
    wire: `${OK}X: a\r\n\t b\r\nContent-Length:\r\n 5\r\n\r\nhello`,
    body: "hello",
  },
  {
    name: "whitespace before the colon",
    wire: `${OK}Content-Length : 5\r\n\r\nhello`,
    error: /not a header field/,
  },
  {
    name: "a line that is no field",
    wire: `${OK}nonsense\r\n\r\nhello`,
    error: /not a header field/,
  },
  {
    name: "folded line with nothing before it",
    wire: `${OK} X: y\r\n\r\nhello`,
    error: /not a header field/,
  },
  {
    name: "bare LF in the head, and no reason",
    wire: "HTTP/1.1 200\nContent-Length: 5\n\nhello",
    body: "hello",
  },
  {
    name: "a space but no reason",
    wire: "HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nhello",
    body: "hello",
  },
  {
    name: "bare CR in a field",
    wire: `${OK}X: a\rb\r\n\r\n`,
    error: /holds CR, LF or NUL/,
  },
  {
    name: "NUL in a field",
    wire: `${OK}X: a\0b\r\n\r\n`,
    error: /holds CR, LF or NUL/,
  },
  {
    name: "HTTP/0.9",
    wire: "<html>hello</html>\r\n",
    error: /not HTTP\/1.1.*<html>/,
  },
  {
    name: "HTTP/0.9 without a line end",
    wire: "<html>hello</html>",
    error: /not HTTP/,
  },
  {
    name: "ICY",
    wire: "ICY 200 OK\r\n\r\nmusic",
    error: /not HTTP\/1.1.*ICY 200 OK/,
  },
  {
    name: "HTTP/2.0 on the wire",
    wire: "HTTP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    error: /HTTP\/2.0, which was not asked for/,
  },
  {
    name: "status 099",
    wire: "HTTP/1.1 099 ?\r\n\r\n",
    error: /no status 099/,
  },
  {
    name: "status 1000",
    wire: "HTTP/1.1 1000 ?\r\n\r\n",
    error: /not HTTP\/1.1/,
  },
  {
    name: "Transfer-Encoding: gzip, chunked",
    wire: `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    error: /transfer coding "gzip, chunked" was not asked for/,
  },
  {
    name: "Transfer-Encoding: chunked twice",
    wire: `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    error: /transfer coding/,
  },
  {
    name: "a field of 200 KB",
    wire: `${OK}X: ${"y".repeat(200_000)}\r\n\r\n`,
    error: /head of the answer is longer than 65536/,
    large: true,
  },
  {
    name: "200 KB of fields",
    wire: `${OK}${"X: y\r\n".repeat(33_000)}\r\n`,
    error: /head of the answer is longer than 65536/,
    large: true,
  },
  {
    name: "nothing at all",
    wire: "",
    error: /closed the connection without an answer/,
  },
  {
    name: "the end within the head",
    wire: `${OK}Content-Length: 5\r\n`,
    error: /ended within the head/,
  },
  {
    name: "terminal controls in what is not HTTP",
    wire: "\x1b]52;c;aGk=\x07\r\n",
    error: /begins with "\\x1b\]52/,
  },
];

async function fetched(
  wire: string,
  method: string,
  step: number,
  end?: "reset",
): Promise<string> {
  const conn = scripted(wire, { step, ...(end ? { end } : {}) });
  const client = new HttpClient(() => Promise.resolve(conn), new Trace(false));
  const response = await client.exchange({
    method,
    target: parseTarget("http://server/"),
    fields: standardFields(),
  });
  const pieces: Uint8Array[] = [];
  for await (const piece of response.body) pieces.push(piece.slice());
  return latin1(concat(pieces));
}

for (const { name, method = "GET", wire, body, error, end, large } of CASES) {
  Deno.test(`http, nasty response: ${name}`, async () => {
    for (const step of large ? [Infinity, 1000] : [Infinity, 1]) {
      if (error === undefined) {
        assertEquals(await fetched(wire, method, step, end), body);
      } else {
        const caught = await assertRejects(
          () => fetched(wire, method, step, end),
          ProtocolError,
        );
        assertMatch(caught.message, error);
      }
    }
  });
}
