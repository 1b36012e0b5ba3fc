import { assertEquals, assertRejects } from "@std/assert";
import { readProxyHeader } from "../../../tools/net/proxy_header.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { encodeProxyV1, encodeProxyV2 } from "../../../tools/protocol/proxy_protocol.ts";
import { readText, streamOf } from "../../support/stream.ts";

const PROXIED = {
  source: { hostname: "192.0.2.1", port: 40000 },
  destination: { hostname: "10.0.1.1", port: 80 },
};

Deno.test("readProxyHeader leaves what comes after the header", async () => {
  for (const header of [encodeProxyV1(PROXIED), encodeProxyV2(PROXIED)]) {
    const whole = Uint8Array.of(...header, 72, 105);
    for (const pieces of [[whole], Array.from(whole, (byte) => Uint8Array.of(byte))]) {
      const stream = streamOf(...pieces);
      assertEquals(await readProxyHeader(stream), PROXIED);
      assertEquals(await readText(stream), "Hi");
    }
  }
  assertEquals(await readProxyHeader(streamOf(encodeProxyV1())), undefined);
});

Deno.test("readProxyHeader: a connection that says something else, or nothing, is refused", async () => {
  await assertRejects(
    () => readProxyHeader(streamOf("GET / HTTP/1.1\r\n")),
    ProtocolError,
    "does not begin with a valid PROXY header",
  );
  for (const text of ["", "PROXY TCP4 1.2.3"]) {
    await assertRejects(
      () => readProxyHeader(streamOf(text)),
      ProtocolError,
      "the connection ended in its PROXY header",
    );
  }
});
