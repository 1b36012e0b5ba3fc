/** A web server that says, byte for byte, what a test wants it to say. */
import { concat } from "../../tools/protocol/bytes.ts";
import { latin1, latin1Bytes } from "../../tools/protocol/text.ts";
import { writeAll } from "../../tools/net/writer.ts";

/** A scripted web server on a loopback port; `await using` stops it. */
export interface WebServer extends AsyncDisposable {
  port: number;
  /** The heads of the requests so far, and bodies by Content-Length. */
  requests: string[];
}

/** Starts one that sends `answer(request)` to each connection and then closes it. */
export function webServer(
  answer: (request: string) => string | Uint8Array,
): WebServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const requests: string[] = [];
  const accepting = (async (): Promise<void> => {
    for await (const conn of listener) {
      using _conn = conn;
      const request = await readRequest(conn);
      requests.push(request);
      const reply = answer(request);
      // A client that has seen enough closes first.
      await writeAll(
        conn,
        typeof reply === "string" ? latin1Bytes(reply) : reply,
      ).catch(() => {});
    }
  })();
  return {
    port: listener.addr.port,
    requests,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      await accepting;
    },
  };
}

async function readRequest(conn: Deno.Conn): Promise<string> {
  const pieces: Uint8Array[] = [];
  for (;;) {
    const text = latin1(concat(pieces));
    const end = text.indexOf("\r\n\r\n");
    if (end + 4 === text.length && /^Expect: 100-continue\r$/im.test(text)) {
      await writeAll(conn, latin1Bytes("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    const [, length = "0"] = /^Content-Length: (\d+)/im.exec(text) ?? [];
    if (end >= 0 && text.length >= end + 4 + Number(length)) return text;
    const buffer = new Uint8Array(65536);
    const read = await conn.read(buffer);
    if (read === null) return text;
    pieces.push(buffer.subarray(0, read));
  }
}
