/** Downloads that are silent, interrupted, or cannot be kept, with a server that the test plays. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Failure } from "../../../tools/program/failure.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { encodeData, encodeOack } from "../../../tools/protocol/tftp_packet.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { bytes } from "../../support/stream.ts";
import { SERVICE, TextSink, Wire } from "./wire.ts";

const A = "a".repeat(512);

function data(block: number, text: string): Uint8Array {
  return encodeData(block, bytes(text));
}

function oack(options: Record<string, string>): Uint8Array {
  return encodeOack(new Map(Object.entries(options)));
}

Deno.test("a request without an answer is sent again, and given up", async () => {
  using time = new FakeTime();
  await using wire = await Wire.open();
  const got = wire.client.get("cake", new TextSink());
  const failed = assertRejects(
    () => got,
    Failure,
    "no answer in time (is a TFTP server running there?)",
  );
  await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  for (const wait of [1000, 2000, 4000, 8000, 8000]) {
    await time.tick(wait - 1);
    assertEquals(wire.left, []);
    await time.tick(1);
    await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  }
  await time.tick(1999);
  assertEquals(wire.sockets.at(-1)?.closed, false);
  await time.tick(1);
  assertEquals((await failed).exitCode, 3);
});

Deno.test("a server that has several addresses is found at each, and asked there from then on", async () => {
  using time = new FakeTime();
  await using wire = await Wire.open({}, "server", ["2001:db8::1", "192.0.2.1"]);
  const got = wire.client.get("cake", new TextSink());
  await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  await time.tick(1000);
  await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  await time.tick(1500);
  await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  wire.says(data(1, "cake"));
  await wire.takes("ACK <block=1>");
  await got;
  const again = wire.client.get("pie", new TextSink());
  const failed = assertRejects(() => again, Failure, "no answer in time");
  for (const wait of [0, 1000, 2000, 4000, 8000, 8000]) {
    await time.tick(wait);
    await wire.takes("RRQ <file=pie, mode=octet>", SERVICE);
  }
  await time.tick(2000);
  await failed;
});

Deno.test("the waits are those asked for", async () => {
  using time = new FakeTime();
  await using wire = await Wire.open({ rexmt: 500, timeout: 2000 });
  const got = wire.client.get("cake", new TextSink());
  const failed = assertRejects(() => got, Failure, "no answer in time");
  for (const wait of [0, 500, 1000]) {
    await time.tick(wait);
    await wire.takes("RRQ <file=cake, mode=octet, utimeout=500000>", SERVICE);
  }
  await time.tick(500);
  await failed;
});

Deno.test("a route that is lost after the request is no reason to wait longer", async () => {
  using time = new FakeTime();
  await using wire = await Wire.open({ timeout: 4000 });
  const got = wire.client.get("cake", new TextSink());
  const failed = assertRejects(() => got, Failure, "no answer in time");
  await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  wire.cut();
  await time.tick(4000);
  await failed;
});

Deno.test("a request that leaves after its time is given up at once, without a wait below zero", async () => {
  using time = new FakeTime();
  const { setTimeout } = globalThis;
  const waits: (number | undefined)[] = [];
  globalThis.setTimeout = ((act: () => void, wait?: number) => {
    waits.push(wait);
    return setTimeout(act, wait);
  }) as typeof setTimeout;
  try {
    await using wire = await Wire.open({ timeout: 1500 });
    const got = wire.client.get("cake", new TextSink());
    const failed = assertRejects(() => got, Failure, "no answer in time");
    await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
    const { promise, resolve } = Promise.withResolvers<void>();
    wire.hold(promise);
    await time.tick(1000);
    await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
    await time.tick(600);
    resolve();
    await time.tick(0);
    await failed;
    // For Deno warns of those, in the user's terminal.
    assertEquals(waits, [1000, 0]);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
});

Deno.test("a server that falls silent is given up, and told so", async () => {
  using time = new FakeTime();
  await using wire = await Wire.open({ timeout: 5000 });
  const got = wire.client.get("cake", new TextSink());
  const failed = assertRejects(() => got, Failure, "the server has fallen silent");
  await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  wire.says(data(1, A));
  await wire.takes("ACK <block=1>");
  await time.tick(4999);
  const again = wire.left.length;
  for (let i = 0; i < again; i++) await wire.takes("ACK <block=1>");
  await time.tick(1);
  await wire.takes("ERROR <code=0, msg=given up>");
  assertEquals((await failed).exitCode, 3);
});

Deno.test("the last block is acknowledged again after the end, until the client is closed", async () => {
  using time = new FakeTime();
  const wire = await Wire.open();
  const got = wire.client.get("cake", new TextSink());
  await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  wire.says(data(1, "cake"));
  await wire.takes("ACK <block=1>");
  await got;
  await time.tick(1000);
  wire.says(data(1, "cake"));
  await wire.takes("ACK <block=1>");
  await wire[Symbol.asyncDispose]();
});

Deno.test("the socket is closed when nobody can want the last acknowledgement any more", async () => {
  using time = new FakeTime();
  await using wire = await Wire.open();
  const got = wire.client.get("cake", new TextSink());
  await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  wire.says(data(1, "cake"));
  await wire.takes("ACK <block=1>");
  await got;
  assertEquals(wire.sockets[0]?.closed, false);
  await time.tick(10_000);
  assertEquals(wire.sockets[0]?.closed, true);
});

Deno.test("an interruption ends the transfer at each step, and the server is told", async () => {
  for (const step of ["before", "asked", "OACK", "DATA"]) {
    await using wire = await Wire.open({ blksize: 8 });
    const interruption = new AbortController();
    if (step === "before") interruption.abort();
    const got = wire.client.get("cake", new TextSink(), { signal: interruption.signal });
    const failed = assertRejects(() => got, Failure, "interrupted");
    if (step !== "before") await wire.takes("RRQ <file=cake, mode=octet, blksize=8>", SERVICE);
    if (step === "OACK" || step === "DATA") {
      wire.says(oack({ blksize: "8" }));
      await wire.takes("ACK <block=0>");
    }
    if (step === "DATA") {
      wire.says(data(1, "12345678"));
      await wire.takes("ACK <block=1>");
    }
    interruption.abort();
    if (step === "OACK" || step === "DATA") {
      await wire.takes("ERROR <code=0, msg=interrupted>");
    }
    assertEquals((await failed).exitCode, 130);
  }
});

Deno.test("a block that is larger than agreed ends it", async () => {
  for (const length of [513, 2000]) {
    await using wire = await Wire.open();
    const got = wire.client.get("cake", new TextSink());
    await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
    wire.says(data(1, "x".repeat(length)));
    await wire.takes("ERROR <code=4, msg=a block is larger than agreed>");
    await assertRejects(() => got, ProtocolError, "a block is larger than agreed");
  }
});

Deno.test("a file that cannot be written ends it, and the server learns no more than it must", async () => {
  const full = new Failure(4, "/secret: no space left", {
    cause: Object.assign(new Error("/secret"), { code: "ENOSPC" }),
  });
  const cases: [where: "write" | "end" | "busy", error: Error, told: string][] = [
    ["write", full, "code=3, msg=disk full"],
    ["end", full, "code=3, msg=disk full"],
    ["write", new Failure(4, "/secret: permission denied"), "code=0, msg=given up"],
    ["end", new Error("/secret"), "code=0, msg=given up"],
    ["busy", new Failure(0, "/secret"), "code=0, msg=given up"],
  ];
  for (const [where, error, told] of cases) {
    await using wire = await Wire.open();
    const fail = (here: string): void => {
      if (here === where) throw error;
    };
    const got = wire.client.get("cake", {
      write: () => fail("write"),
      end: () => fail("end"),
      get busy() {
        return where === "busy" ? Promise.reject(error) : undefined;
      },
    });
    await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
    wire.says(data(1, "cake"));
    await wire.takes(`ERROR <${told}>`);
    assert(await assertRejects(() => got) === error);
  }
});

Deno.test("a sink that stands still is not waited for when the transfer is ended", async () => {
  const wire = await Wire.open();
  const interruption = new AbortController();
  const got = wire.client.get("cake", {
    write: () => {},
    end: () => {},
    busy: new Promise<void>(() => {}),
  }, { signal: interruption.signal });
  await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  wire.says(data(1, A));
  await wire.takes("ACK <block=1>");
  interruption.abort();
  await wire.takes("ERROR <code=0, msg=interrupted>");
  await assertRejects(() => got, Failure, "interrupted");
  await wire.client.close();
});

Deno.test("a sink that takes its time is waited for", async () => {
  await using wire = await Wire.open();
  const gate = Promise.withResolvers<void>();
  let busy: Promise<void> | undefined;
  const got = wire.client.get("cake", {
    write: () => {
      busy = gate.promise;
    },
    end: () => {},
    get busy() {
      return busy;
    },
  });
  await wire.takes("RRQ <file=cake, mode=octet>", SERVICE);
  wire.says(data(1, A));
  await wire.takes("ACK <block=1>");
  wire.says(data(2, "end"));
  // Of the second block nothing is heard before the first is written.
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  assertEquals(wire.left, []);
  busy = undefined;
  gate.resolve();
  await wire.takes("ACK <block=2>");
  await got;
});
