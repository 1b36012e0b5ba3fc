import { assert, assertEquals, assertRejects } from "@std/assert";
import { closeGently, LINGER } from "../../../tools/net/linger.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { netTest } from "../../support/permissions.ts";
import { bytes, readText, streamPair, type TestStream } from "../../support/stream.ts";

/** A stream that says whether it was closed, and its peer. */
function watchedPair(): { stream: TestStream & { closed: boolean }; peer: TestStream } {
  const [own, peer] = streamPair();
  const stream = {
    ...own,
    closed: false,
    close(): void {
      stream.closed = true;
      own.close();
    },
  };
  return { stream, peer };
}

Deno.test("closeGently() lets the peer read to the end, and closes when it has ended too", async () => {
  using time = new FakeTime();
  const { stream, peer } = watchedPair();
  await stream.write(bytes("goodbye"));
  const closing = closeGently(stream);
  await writeAll(peer, new Uint8Array(10_000));
  assertEquals(await readText(peer), "goodbye");
  await writeAll(peer, new Uint8Array(10_000));
  await time.tick(LINGER - 1);
  assert(!stream.closed);
  await peer.closeWrite();
  await closing;
  assert(stream.closed);
});

Deno.test("closeGently() waits for no peer longer than LINGER, silent or not", async () => {
  using time = new FakeTime();
  for (const talks of [false, true]) {
    const { stream, peer } = watchedPair();
    const closing = closeGently(stream);
    for (let past = 0; past < LINGER - 1; past += 111) {
      if (talks) await peer.write(bytes("and another thing"));
      await time.tick(111);
    }
    assert(!stream.closed);
    await time.tick(1);
    assert(stream.closed);
    await closing;
  }
});

Deno.test("closeGently() waits no longer for a peer that takes nothing", async () => {
  using time = new FakeTime();
  const { stream } = watchedPair();
  const stuck = Promise.withResolvers<never>();
  stream.closeWrite = () => stuck.promise;
  stream.close = () => stuck.reject(new Deno.errors.Interrupted());
  const closing = closeGently(stream);
  await time.tick(LINGER);
  await closing;
});

Deno.test("closeGently() closes whatever happens; that the peer is gone is no error", async () => {
  const gone = watchedPair();
  gone.peer.reset();
  await closeGently(gone.stream);
  const broken = watchedPair();
  broken.stream.read = () => Promise.reject(new TypeError("a bug"));
  await assertRejects(() => closeGently(broken.stream), TypeError);
  assert(gone.stream.closed && broken.stream.closed);
});

netTest(
  "closeGently(): what a client still sends costs it neither the answer nor a clean end",
  async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    using client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    const conn = await listener.accept();
    await writeAll(client, new Uint8Array(10_000)); // Never read.
    await writeAll(conn, bytes("x".repeat(10_000)));
    const closing = closeGently(conn);
    // After a plain close the first of these is answered by a reset.
    for (let i = 0; i < 3; i++) await writeAll(client, new Uint8Array(1000));
    assertEquals((await readText(client)).length, 10_000);
    await client.closeWrite();
    await closing;
  },
);
