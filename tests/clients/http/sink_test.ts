/** Where the pieces of a body go. */
import { assertEquals, assertRejects } from "@std/assert";
import { copy, limited } from "../../../clients/http/sink.ts";
import { Failure } from "../../../tools/program/failure.ts";
import { latin1, latin1Bytes } from "../../../tools/protocol/text.ts";

async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield latin1Bytes(text);
}

Deno.test("limited() gives as much as is allowed, and then fails", async () => {
  const got: string[] = [];
  const take = async (limit: number): Promise<string> => {
    got.length = 0;
    for await (const piece of limited(pieces("one", "two", "three"), limit)) {
      got.push(latin1(piece));
    }
    return got.join("");
  };
  assertEquals(await take(11), "onetwothree");
  await assertRejects(() => take(5), Failure, "larger than --max-filesize (5 bytes)");
  assertEquals(got.join(""), "onetw");
});

Deno.test("copy() writes in order, and keeps what came before a failure", async () => {
  const written: string[] = [];
  const write = async (piece: Uint8Array): Promise<void> => {
    await Promise.resolve();
    written.push(latin1(piece));
  };
  async function* failing(): AsyncGenerator<Uint8Array> {
    yield* pieces("one", "two");
    throw new Error("cut");
  }
  await assertRejects(() => copy(failing(), write), Error, "cut");
  assertEquals(written, ["one", "two"]);
  const full = (): Promise<void> => Promise.reject(new Error("disk full"));
  await assertRejects(() => copy(pieces("one", "two"), full), Error, "disk full");
});
