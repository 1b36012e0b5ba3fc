import { assertEquals, assertThrows } from "@std/assert";
import {
  basicCredentials,
  type HttpRequest,
  redirected,
  type RequestBody,
  requestLines,
} from "../../../clients/http/request.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { Fields } from "../../../tools/protocol/http_fields.ts";
import { parseResponseHead } from "../../../tools/protocol/http_response.ts";
import { parseTarget } from "../../../tools/protocol/http_url.ts";
import { Secret } from "../../../tools/protocol/secret.ts";

const BODY: RequestBody = {
  length: 4,
  repeatable: true,
  async *open(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode("body");
  },
};

function request(method: string, url = "http://a/x"): HttpRequest {
  const fields = new Fields([
    { name: "User-Agent", value: "u" },
    { name: "Content-Type", value: "text/plain" },
    { name: "Authorization", value: "Basic abc" },
    { name: "Cookie", value: "c=1" },
    { name: "Host", value: "virtual" },
    { name: "X-Api-Key", value: "k" },
  ]);
  const hasBody = method === "POST" || method === "PUT";
  return {
    method,
    target: parseTarget(url),
    fields,
    ...(hasBody ? { body: BODY } : {}),
  };
}

function follow(
  from: HttpRequest,
  status: number,
  location: string,
): HttpRequest | undefined {
  return redirected(
    from,
    parseResponseHead([`HTTP/1.1 ${status} X`, `Location: ${location}`]),
  );
}

Deno.test("redirected() chooses the method by RFC 9110 section 15.4", () => {
  const rows: [
    method: string,
    status: number,
    next: string,
    keepsBody: boolean,
  ][] = [
    ["GET", 301, "GET", false],
    ["GET", 303, "GET", false],
    ["HEAD", 302, "HEAD", false],
    ["HEAD", 303, "HEAD", false],
    ["POST", 301, "GET", false],
    ["POST", 302, "GET", false],
    ["POST", 303, "GET", false],
    ["POST", 307, "POST", true],
    ["POST", 308, "POST", true],
    ["PUT", 301, "PUT", true],
    ["PUT", 302, "PUT", true],
    ["PUT", 303, "GET", false],
    ["PUT", 308, "PUT", true],
    ["DELETE", 302, "DELETE", false],
    ["DELETE", 303, "GET", false],
  ];
  for (const [method, status, next, keepsBody] of rows) {
    const followed = follow(request(method), status, "/y");
    assertEquals(followed?.method, next, `${method} ${status}`);
    assertEquals(
      followed?.body !== undefined,
      keepsBody,
      `${method} ${status}`,
    );
    assertEquals(
      followed?.fields.get("Content-Type") !== undefined,
      method === next,
    );
  }
});

Deno.test("redirected() is undefined for what is no redirect", () => {
  for (const status of [200, 300, 304, 305, 306, 404]) {
    assertEquals(follow(request("GET"), status, "/y"), undefined);
  }
  assertEquals(
    redirected(request("GET"), parseResponseHead(["HTTP/1.1 302 X"])),
    undefined,
  );
});

Deno.test("redirected() sends nothing of the user's own to another origin", () => {
  for (const location of ["http://b/", "http://a:81/", "https://a/", "//b/"]) {
    const names = [...follow(request("GET"), 302, location)?.fields ?? []].map((
      { name },
    ) => name);
    assertEquals(names, ["User-Agent", "Content-Type"], location);
  }
  const down = follow(request("GET", "https://a/x"), 302, "http://a/x");
  assertEquals(down?.fields.get("Authorization"), undefined);
  const same = follow(request("GET"), 302, "y?z");
  assertEquals(same?.fields.get("Authorization"), "Basic abc");
  assertEquals(same?.fields.get("Cookie"), "c=1");
  assertEquals(same?.target.href, "http://a/y?z");
});

Deno.test("redirected() does not give credentials back on the way home", () => {
  const away = follow(request("GET"), 302, "http://b/");
  const home = away && follow(away, 302, "http://a/");
  assertEquals(home?.fields.get("Authorization"), undefined);
});

Deno.test("redirected() ignores a name and password the server chose", () => {
  const next = follow(request("GET"), 302, "http://eve:secret@a/y");
  assertEquals(next?.target.href, "http://a/y");
  assertEquals(next?.target.user, undefined);
});

Deno.test("redirected() follows to http and https only, and to one place", () => {
  for (
    const location of [
      "file:///etc/passwd",
      "ftp://a/",
      "javascript:1",
      "http://[oops/",
    ]
  ) {
    assertThrows(() => follow(request("GET"), 302, location), ProtocolError);
  }
  const two = ["HTTP/1.1 302 X", "Location: /a", "Location: /b"];
  assertThrows(
    () => redirected(request("GET"), parseResponseHead(two)),
    ProtocolError,
  );
});

Deno.test("redirected() cannot send standard input twice", () => {
  const once = { ...request("PUT"), body: { ...BODY, repeatable: false } };
  assertThrows(() => follow(once, 307, "/y"), ProtocolError, "standard input");
  assertEquals(follow(once, 303, "/y")?.method, "GET");
});

Deno.test("requestLines() lets the user set Host and frames the body", () => {
  assertEquals(requestLines({ ...request("POST"), fields: new Fields() }), [
    "POST /x HTTP/1.1",
    "Host: a",
    "Content-Length: 4",
  ]);
  const lines = requestLines(request("GET"));
  assertEquals(lines.filter((line) => line.startsWith("Host:")), [
    "Host: virtual",
  ]);
});

Deno.test("basicCredentials() encodes in UTF-8", () => {
  assertEquals(
    basicCredentials("Aladdin", new Secret("open sesame")),
    "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
  );
  assertEquals(
    basicCredentials("test", new Secret("123£")),
    "Basic dGVzdDoxMjPCow==",
  );
});
