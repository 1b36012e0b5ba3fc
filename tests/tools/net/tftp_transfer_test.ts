/** What moves TFTP transfers along, with a clock that the test moves. */
import { assertEquals, assertRejects } from "@std/assert";
import { TransferDriver } from "../../../tools/net/tftp_transfer.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { PLAIN_TERMS } from "../../../tools/protocol/tftp_options.ts";
import { blockOf, encodeAck, encodeData } from "../../../tools/protocol/tftp_packet.ts";
import { DALLY, QUIET, Receiver, WINDOW_WAIT } from "../../../tools/protocol/tftp_receiver.ts";
import { Sender } from "../../../tools/protocol/tftp_sender.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { BytesSink, bytesSource, pattern } from "../../support/tftp_line.ts";
import { afterTurns } from "../../support/turns.ts";

const TERMS = { ...PLAIN_TERMS, blksize: 8 };

interface Driven {
  driver: TransferDriver;
  /** The blocks that were sent or acknowledged. */
  sent: number[];
}

function drive(transfer: Sender | Receiver, commit?: () => Promise<void>): Driven {
  const sent: number[] = [];
  const send = (packet: Uint8Array): Promise<boolean> => {
    sent.push(blockOf(packet));
    return Promise.resolve(true);
  };
  return { driver: new TransferDriver(transfer, send, commit), sent };
}

function sender(blocks: number, windowsize = 1, patience = 30_000): Sender {
  return new Sender({
    terms: { ...TERMS, windowsize },
    source: bytesSource(pattern(blocks * 8 - 1)),
    patience,
  });
}

function receiver(): Receiver {
  return new Receiver({ terms: TERMS, sink: new BytesSink(), patience: 30_000 });
}

Deno.test("a transfer is sent along by what comes, and over when it is done", async () => {
  using _time = new FakeTime();
  const { driver, sent } = drive(sender(3, 2));
  await driver.start();
  assertEquals(sent, [1, 2]);
  await driver.receive(encodeAck(2));
  assertEquals(sent, [1, 2, 3]);
  await driver.receive(encodeAck(3));
  assertEquals(await driver.outcome, { kind: "done" });
  await driver.over;
  await driver.receive(encodeAck(2));
  assertEquals(sent, [1, 2, 3]);
});

Deno.test("packets are sent again when it is time, also when that time has moved", async () => {
  using time = new FakeTime();
  const { driver, sent } = drive(sender(3));
  await driver.start();
  await time.tick(999);
  assertEquals(sent, [1]);
  await time.tick(1);
  assertEquals(sent, [1, 1]);
  await time.tick(1999);
  await driver.receive(encodeAck(1));
  assertEquals(sent, [1, 1, 2]);
  await driver.receive(encodeAck(2));
  await time.tick(199);
  assertEquals(sent, [1, 1, 2, 3]);
  await time.tick(1); // Shorter than the wait that ran before.
  assertEquals(sent, [1, 1, 2, 3, 3]);
  driver.stop(new Error("enough"));
  await time.tick(100_000);
  assertEquals(sent.length, 5);
  await assertRejects(() => driver.outcome, Error, "enough");
  await driver.over;
});

Deno.test("a peer that is silent ends the transfer", async () => {
  using time = new FakeTime();
  const { driver } = drive(sender(3, 1, 5000));
  await driver.start();
  await time.tick(5000);
  assertEquals(await driver.outcome, { kind: "silent" });
  await driver.over;
});

Deno.test("the last block is acknowledged after the file is safe, and the outcome is known then", async () => {
  using time = new FakeTime();
  const safe = Promise.withResolvers<void>();
  const { driver, sent } = drive(receiver(), () => safe.promise);
  await driver.start();
  await driver.receive(encodeData(1, pattern(8)));
  const last = driver.receive(encodeData(2, pattern(3)));
  await time.tick(5000);
  await driver.receive(encodeData(2, pattern(3)));
  assertEquals(sent, [1]);
  safe.resolve();
  await last;
  assertEquals([sent, await driver.outcome], [[1, 2], { kind: "done" }]);
  await time.tick(QUIET);
  await driver.receive(encodeData(2, pattern(3)));
  assertEquals(sent, [1, 2, 2]);
  await time.tick(DALLY);
  await driver.over;
});

Deno.test("nobody needs to wait for those who missed the last acknowledgement", async () => {
  using _time = new FakeTime();
  const { driver } = drive(receiver());
  await driver.receive(encodeData(1, pattern(3)));
  assertEquals(await driver.outcome, { kind: "done" });
  driver.stop(undefined);
  await driver.over;
  assertEquals(await driver.outcome, { kind: "done" });
});

Deno.test("what goes wrong with the file, or in the protocol, is the outcome's reason", async () => {
  using _time = new FakeTime();
  const fail = (): never => {
    throw new RangeError("no disk");
  };
  const reading = drive(
    new Sender({ terms: TERMS, source: { read: fail }, patience: 1000 }),
  );
  await reading.driver.start();
  await assertRejects(() => reading.driver.outcome, RangeError, "no disk");

  const sink = { write: fail, end: (): void => {} };
  const writing = drive(new Receiver({ terms: TERMS, sink, patience: 1000 }));
  await writing.driver.receive(encodeData(1, pattern(3)));
  await assertRejects(() => writing.driver.outcome, RangeError, "no disk");

  const committing = drive(receiver(), () => Promise.reject(new RangeError("no name")));
  await committing.driver.receive(encodeData(1, pattern(3)));
  await assertRejects(() => committing.driver.outcome, RangeError, "no name");
  assertEquals(committing.sent, []);

  const breaking = drive(receiver());
  await breaking.driver.receive(encodeData(1, pattern(9)));
  await assertRejects(() => breaking.driver.outcome, ProtocolError, "larger than agreed");
  for (const { driver } of [reading, writing, committing, breaking]) await driver.over;
});

Deno.test("what comes while packets are being sent is taken into account at once", async () => {
  using _time = new FakeTime();
  const sent: number[] = [];
  const driver: TransferDriver = new TransferDriver(sender(6, 4), async (packet) => {
    sent.push(blockOf(packet));
    // The acknowledgement of block 2 arrives while the window is on its way.
    if (sent.length === 3) await driver.receive(encodeAck(2));
    return true;
  });
  await driver.start();
  assertEquals(sent, [1, 2, 3, 3, 4, 5, 6]);
  driver.stop(undefined);
});

Deno.test("a packet that comes while the one before is being answered is answered too", async () => {
  using _time = new FakeTime();
  for (let turns = 0; turns < 12; turns++) {
    const { driver, sent } = drive(receiver());
    const first = driver.receive(encodeData(1, pattern(8)));
    await afterTurns(turns, () => {});
    await Promise.all([first, driver.receive(encodeData(2, pattern(8)))]);
    assertEquals(sent.at(-1), 2, `after ${turns} turns`);
    driver.stop(undefined);
  }
});

Deno.test("within a window there is nothing to await, and its end is still watched", async () => {
  using time = new FakeTime();
  const { driver, sent } = drive(
    new Receiver({
      terms: { ...TERMS, windowsize: 3 },
      sink: new BytesSink(),
      patience: 30_000,
      opening: encodeAck(0),
    }),
  );
  await driver.start();
  assertEquals(driver.receive(encodeData(1, pattern(8))), undefined);
  assertEquals(driver.receive(encodeData(2, pattern(8))), undefined);
  await time.tick(WINDOW_WAIT); // Much sooner than the wait for the first block would have ended.
  assertEquals(sent, [0, 2]);
  driver.stop(undefined);
});
