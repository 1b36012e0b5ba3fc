import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { HttpClient, type HttpResponse } from "../../../clients/http/client.ts";
import {
  EXPECT_CONTINUE,
  type HttpRequest,
  type RequestBody,
  standardFields,
} from "../../../clients/http/request.ts";
import { limitSilence } from "../../../tools/net/silence.ts";
import type { ByteStream } from "../../../tools/net/stream.ts";
import { Trace } from "../../../tools/program/trace.ts";
import { parseTarget } from "../../../tools/protocol/http_url.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { scripted } from "../../support/scripted.ts";

const DONE = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";

function upload(pieces: string[], known = true): RequestBody {
  const bytes = pieces.map((piece) => new TextEncoder().encode(piece));
  return {
    length: known ? pieces.join("").length : undefined,
    repeatable: known,
    async *open(): AsyncGenerator<Uint8Array> {
      yield* bytes;
    },
  };
}

function put(body: RequestBody, expect = true): HttpRequest {
  const fields = standardFields();
  if (expect) fields.set("Expect", EXPECT_CONTINUE);
  return {
    method: "PUT",
    target: parseTarget("http://server/cake"),
    fields,
    body,
  };
}

function clientOf(...conns: ByteStream[]): HttpClient {
  return new HttpClient(() => {
    const conn = conns.shift();
    return conn ? Promise.resolve(conn) : Promise.reject(new Error("no more connections"));
  }, new Trace(false));
}

Deno.test("http: the request is one head in the RFC's form, Host first", async () => {
  const conn = scripted(DONE);
  await clientOf(conn).exchange({
    method: "GET",
    target: parseTarget("http://Server:8080/a b?c#d"),
    fields: standardFields(),
  });
  assertMatch(
    conn.received(),
    /^GET \/a%20b\?c HTTP\/1\.1\r\nHost: server:8080\r\n/,
  );
  assertMatch(conn.received(), /\r\nConnection: close\r\n\r\n$/);
});

Deno.test("http: an upload waits for 100 (Continue) and then sends the body", async () => {
  const conn = scripted(`HTTP/1.1 100 Continue\r\n\r\n${DONE}`);
  const response = await clientOf(conn).exchange(put(upload(["one", "two"])));
  assertEquals(response.head.status, 201);
  assertMatch(conn.received(), /Content-Length: 6\r\n\r\nonetwo$/);
});

Deno.test("http: a body of unknown length is sent in chunks", async () => {
  const conn = scripted(`HTTP/1.1 100 Continue\r\n\r\n${DONE}`);
  await clientOf(conn).exchange(
    put(upload(["one", "", "seventeen letters"], false)),
  );
  assertMatch(
    conn.received(),
    /Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n11\r\nseventeen letters\r\n0\r\n\r\n$/,
  );
});

Deno.test("http: a server that is silent about 100 gets the body after a second", async () => {
  using time = new FakeTime();
  const conn = scripted("", { end: "never" });
  const exchange = clientOf(conn).exchange(put(upload(["body"])));
  const failed = assertRejects(() => exchange);
  await time.tick(999);
  assert(!conn.received().endsWith("body"), "too early");
  await time.tick(1);
  assert(conn.received().endsWith("\r\n\r\nbody"), "too late");
  conn.close();
  await failed;
});

Deno.test("http: a refusal before 100 stops the upload", async () => {
  const conn = scripted(
    "HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno",
  );
  const response = await clientOf(conn).exchange(put(upload(["body"])));
  assertEquals(response.head.status, 413);
  assert(!conn.received().includes("body"));
  assertEquals(await text(response), "no");
});

Deno.test("http: a refusal in the middle of an upload that stalls is taken", async () => {
  const refusal = scripted(
    "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno",
  );
  let writes = 0;
  const stalled = Promise.withResolvers<number>();
  stalled.promise.catch(() => {});
  const conn: ByteStream = {
    ...refusal,
    read: async (buffer) => {
      while (writes < 2) await Promise.resolve();
      return await refusal.read(buffer);
    },
    // The head goes out; the first piece of the body never does.
    write: (data) => ++writes === 1 ? refusal.write(data) : stalled.promise,
    close: () => stalled.reject(new Deno.errors.Interrupted("closed")),
  };
  const response = await clientOf(conn).exchange(
    put(upload(["one", "two"]), false),
  );
  assertEquals(response.head.status, 403);
  assertEquals(await text(response), "no");
  response.close();
});

Deno.test("http: an answer before the connection broke under the upload counts", async () => {
  const answer = scripted("HTTP/1.1 507 Insufficient Storage\r\n\r\nfull");
  let writes = 0;
  const conn: ByteStream = {
    ...answer,
    write: (data) =>
      ++writes === 1
        ? answer.write(data)
        : Promise.reject(new Deno.errors.BrokenPipe("broken pipe")),
  };
  const response = await clientOf(conn).exchange(put(upload(["body"]), false));
  assertEquals(response.head.status, 507);
});

Deno.test("http: 417 is answered by the same request without Expect", async () => {
  const first = scripted(
    "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n",
  );
  const second = scripted(DONE);
  const response = await clientOf(first, second).exchange(
    put(upload(["body"])),
  );
  assertEquals(response.head.status, 201);
  assert(first.closed);
  assert(!second.received().includes("Expect"));
  assert(second.received().endsWith("\r\n\r\nbody"));
});

Deno.test("http: a local error while uploading is reported as it is", async () => {
  const body: RequestBody = {
    length: 4,
    repeatable: true,
    open: () => ({
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.reject(new Error("disk on fire")),
      }),
    }),
  };
  const conn = scripted("", { end: "never" });
  await assertRejects(
    () => clientOf(conn).exchange(put(body, false)),
    Error,
    "disk on fire",
  );
  assert(conn.closed);
});

Deno.test("http: a server that falls silent within the body is late, and what came counts", async () => {
  using time = new FakeTime();
  const conn = scripted("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", { end: "never" });
  const response = await clientOf(limitSilence(conn, 1000)).exchange({
    method: "GET",
    target: parseTarget("http://server/"),
    fields: standardFields(),
  });
  const first = await response.body.next();
  assertEquals(new TextDecoder().decode(first.value), "hello");
  const late = assertRejects(() => response.body.next(), Deno.errors.TimedOut);
  await time.tick(1000);
  await late;
  assert(conn.closed);
});

async function text(response: HttpResponse): Promise<string> {
  let all = "";
  for await (const piece of response.body) {
    all += new TextDecoder().decode(piece);
  }
  return all;
}
