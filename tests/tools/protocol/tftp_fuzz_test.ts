/** The sender and the receiver of TFTP with peers that send anything at any time. */
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { PLAIN_TERMS } from "../../../tools/protocol/tftp_options.ts";
import { encodeAck, encodeData } from "../../../tools/protocol/tftp_packet.ts";
import { Receiver } from "../../../tools/protocol/tftp_receiver.ts";
import { Sender } from "../../../tools/protocol/tftp_sender.ts";
import { BytesSink, bytesSource, pattern } from "../../support/tftp_line.ts";

const BLKSIZE = 8;

/** Packets as they might fit, and such as never do, each with how long after the one before it comes. */
const packets = fc.array(
  fc.tuple(
    fc.oneof(
      fc.nat(12).map(encodeAck),
      fc.nat(65535).map(encodeAck),
      fc.tuple(fc.nat(12), fc.nat(BLKSIZE + 1)).map(([block, length]) =>
        encodeData(block, new Uint8Array(length).fill(block))
      ),
      fc.tuple(fc.nat(12), fc.constant(BLKSIZE)).map(([block, length]) =>
        encodeData(block, new Uint8Array(length).fill(block))
      ),
      fc.uint8Array({ maxLength: 20 }),
    ),
    fc.nat(3000),
  ),
  { maxLength: 60 },
);

const windows = fc.integer({ min: 1, max: 5 });

Deno.test("whatever comes, the sender sends a window for it at most, of the file in its order", () => {
  fc.assert(fc.property(packets, windows, fc.boolean(), (packets, windowsize, rollover) => {
    const data = pattern(10 * BLKSIZE - 1);
    const sender = new Sender({
      terms: { ...PLAIN_TERMS, blksize: BLKSIZE, windowsize, rollover: rollover ? 1 : 0 },
      source: bytesSource(data),
      patience: 20_000,
    });
    let now = 0;
    const send = (): void => {
      let count = 0;
      for (let packet = sender.next(now); packet; packet = sender.next(now)) {
        const at = ((packet[3] ?? 0) - 1) * BLKSIZE;
        assertEquals(packet.slice(4), data.slice(at, at + BLKSIZE));
        count++;
      }
      assert(count <= windowsize);
    };
    send();
    for (const [packet, time] of packets) {
      now += time;
      sender.elapse(now);
      send();
      sender.receive(packet, now);
      send();
      assert(sender.outcome !== undefined || sender.deadline > now);
    }
  }));
});

Deno.test("whatever comes, the receiver answers once at most, and takes blocks in their order", () => {
  fc.assert(fc.property(packets, windows, (packets, windowsize) => {
    const sink = new BytesSink();
    const receiver = new Receiver({
      terms: { ...PLAIN_TERMS, blksize: BLKSIZE, windowsize },
      sink,
      opening: encodeAck(0),
      patience: 20_000,
    });
    let now = 0;
    const answer = (): void => {
      if (receiver.complete) receiver.confirm(now);
      let count = 0;
      while (receiver.next(now)) count++;
      assert(count <= 1);
    };
    answer();
    for (const [packet, time] of packets) {
      now += time;
      receiver.elapse(now);
      answer();
      try {
        receiver.receive(packet, now);
      } catch (error) {
        if (error instanceof ProtocolError) break;
        throw error;
      }
      answer();
      assert(receiver.outcome !== undefined || receiver.deadline > now);
    }
    assertEquals(sink.data.length, receiver.bytes);
    assert(sink.data.every((byte, i) => byte === 1 + Math.floor(i / BLKSIZE)));
  }));
});
