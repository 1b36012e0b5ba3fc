/** What -d and -T send. */
import { assertEquals, assertRejects } from "@std/assert";
import type { RequestBody } from "../../../clients/http/request.ts";
import { dataBody, fileBody } from "../../../clients/http/upload.ts";
import { Failure, UsageError } from "../../../tools/program/failure.ts";
import { concat } from "../../../tools/protocol/bytes.ts";
import { latin1 } from "../../../tools/protocol/text.ts";
import { processTest, testWith } from "../../support/permissions.ts";
import { http, inFolder } from "./program.ts";

async function all(body: RequestBody): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body.open()) pieces.push(piece);
  return latin1(concat(pieces));
}

testWith(
  ["read", "write"],
  "-d joins its data by &, and takes files byte for byte",
  () =>
    inFolder(async (folder) => {
      await Deno.writeFile(`${folder}/data`, Uint8Array.of(0, 13, 10, 255));
      const body = await dataBody(["a=1", `@${folder}/data`, ""]);
      assertEquals(await all(body), "a=1&\0\r\n\xff&");
      assertEquals([body.length, body.repeatable], [9, true]);
    }),
);

Deno.test("-d sends small data with the head, and refuses what does not fit in memory", async () => {
  const sizes = async (length: number): Promise<unknown[]> => {
    const body = await dataBody(["x".repeat(length)]);
    return [body.length, body.bytes?.length];
  };
  assertEquals(await sizes(0), [0, 0]);
  assertEquals(await sizes(65536), [65536, 65536]);
  assertEquals(await sizes(65537), [65537, undefined]);
  const most = 64 * 1024 * 1024;
  assertEquals(await sizes(most), [most, undefined]);
  await assertRejects(() => sizes(most + 1), UsageError, "larger than 64 MiB: use -T FILE");
});

testWith(
  ["read", "write"],
  "-T sends as much as it announced, or fails",
  () =>
    inFolder(async (folder) => {
      const path = `${folder}/cake`;
      await Deno.writeTextFile(path, "flour");
      const body = await fileBody(path);
      assertEquals([body.length, await all(body)], [5, "flour"]);
      await Deno.writeTextFile(path, "flour and eggs");
      assertEquals(await all(body), "flour");
      await Deno.writeTextFile(path, "flo");
      await assertRejects(() => all(body), Failure, "became shorter while it was sent");
      await assertRejects(() => fileBody(folder), Failure, "is not a file");
    }),
);

processTest("http -d takes a refusal before all is sent", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  // More than the sockets on the way hold, so that it cannot all be sent to one who does not read.
  const data = "x".repeat(20_000_000);
  const posting = http(["-d", "@-", `127.0.0.1:${listener.addr.port}`], { stdin: data });
  using conn = await listener.accept();
  await conn.read(new Uint8Array(1000));
  await conn.write(new TextEncoder().encode(
    "HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo much",
  ));
  const { code, stdout } = await posting;
  assertEquals([code, stdout], [1, "too much"]);
});
