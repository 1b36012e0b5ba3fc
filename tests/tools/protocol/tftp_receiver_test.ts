/** The receiver of TFTP, packet by packet. */
import { assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { PLAIN_TERMS, type Terms } from "../../../tools/protocol/tftp_options.ts";
import {
  blockOf,
  encodeAck,
  encodeData,
  encodeError,
  encodeOack,
  OPCODE,
  opcodeOf,
} from "../../../tools/protocol/tftp_packet.ts";
import {
  DALLY,
  QUIET,
  Receiver,
  RECEIVER_WAIT,
  type ReceiverOptions,
  WINDOW_WAIT,
} from "../../../tools/protocol/tftp_receiver.ts";
import { FIRST_WAIT } from "../../../tools/protocol/tftp_retry.ts";
import { BytesSink, pattern } from "../../support/tftp_line.ts";

const BLKSIZE = 8;
const OACK = encodeOack(new Map([["blksize", `${BLKSIZE}`]]));

function receiver(
  terms: Partial<Terms> = {},
  options: Partial<ReceiverOptions> = {},
): Receiver {
  return new Receiver({
    terms: { ...PLAIN_TERMS, blksize: BLKSIZE, ...terms },
    sink: new BytesSink(),
    patience: 30_000,
    ...options,
  });
}

/** What it sends now: block numbers, or "OACK". */
function sent(one: Receiver, now = 0): (number | string)[] {
  const all = [];
  for (let packet = one.next(now); packet; packet = one.next(now)) {
    all.push(opcodeOf(packet) === OPCODE.ACK ? blockOf(packet) : "OACK");
  }
  return all;
}

/** What it sends when the full `blocks` have come. */
function after(one: Receiver, blocks: number[], now = 0): (number | string)[] {
  return blocks.flatMap((block) => {
    one.receive(encodeData(block, pattern(BLKSIZE)), now);
    return sent(one, now);
  });
}

/** The last, short block. */
function last(one: Receiver, block: number, now = 0): (number | string)[] {
  one.receive(encodeData(block, pattern(3)), now);
  return sent(one, now);
}

Deno.test("the receiver opens with what it was given, and answers blocks", () => {
  for (const [opening, shown] of [[OACK, "OACK"], [encodeAck(0), 0]] as const) {
    const one = receiver({}, { opening });
    assertEquals([sent(one), one.heard], [[shown], false]);
    assertEquals([after(one, [1, 2]), one.heard, one.bytes], [[1, 2], true, 2 * BLKSIZE]);
  }
  assertEquals(after(receiver(), [1, 2, 3]), [1, 2, 3]);
});

Deno.test("the receiver ignores blocks that do not fit, and packets that say nothing", () => {
  const one = receiver();
  assertEquals(after(one, [2, 0, 65535, 1]), [1]);
  assertEquals(after(one, [3, 32768, 0, 1]), []);
  const junk = [[], [0], [0, 3], [0, 3, 0], [0, 5], [0, 5, 0], [0, 99], [0, 1, 97, 0, 111, 0]];
  for (const packet of [...junk, encodeAck(2), OACK]) {
    one.receive(Uint8Array.from(packet), 1000);
    assertEquals([sent(one, 1000), one.outcome], [[], undefined]);
  }
  assertEquals(after(one, [2]), [2]);
});

Deno.test("the last block is acknowledged when the file is safe, and again if it comes again", () => {
  const sink = new BytesSink();
  const one = receiver({}, { sink });
  assertEquals([after(one, [1]), sink.ended], [[1], false]);
  assertEquals([last(one, 2), one.complete, sink.ended], [[], true, true]);
  assertEquals([last(one, 2, QUIET), one.deadline], [[], Infinity]);
  one.confirm(1000);
  assertEquals([sent(one, 1000), one.complete, one.outcome], [[2], false, undefined]);
  assertEquals(last(one, 2, 1000 + QUIET - 1), []);
  assertEquals(last(one, 2, 1000 + QUIET), [2]);
  assertEquals(after(one, [1, 3, 4], 3000), []);
  assertEquals(one.deadline, 1000 + DALLY);
  one.elapse(1000 + DALLY);
  assertEquals([one.outcome, sent(one, 9000), one.deadline], [{ kind: "done" }, [], Infinity]);
  assertEquals(last(one, 2, 9000), []);
  assertEquals([one.bytes, sink.data.length], [BLKSIZE + 3, BLKSIZE + 3]);
});

Deno.test("who agreed on long waits hears the last acknowledgement for as long", () => {
  const one = receiver({ timeout: 10_000 });
  last(one, 1);
  one.confirm(0);
  assertEquals(one.deadline, 20_000);
});

Deno.test("an ERROR ends receiving, in every state but the last", () => {
  const states: [name: string, one: Receiver, steps: (one: Receiver) => void][] = [
    ["before anything", receiver({}, { opening: OACK }), () => {}],
    ["after the OACK", receiver({}, { opening: OACK }), (one) => sent(one)],
    ["after a block", receiver(), (one) => after(one, [1])],
    ["within a window", receiver({ windowsize: 4 }), (one) => after(one, [1, 2])],
    ["after a gap", receiver({ windowsize: 4 }), (one) => after(one, [1, 3])],
  ];
  for (const [name, one, steps] of states) {
    steps(one);
    one.receive(encodeError(0, "broken"), 0);
    assertEquals(one.outcome, { kind: "refused", code: 0, message: "broken" }, name);
    assertEquals([sent(one), after(one, [1]), one.deadline], [[], [], Infinity], name);
  }
  const complete = receiver();
  last(complete, 1);
  complete.receive(encodeError(0, "late"), 0);
  complete.confirm(0);
  complete.receive(encodeError(0, "too late"), 0);
  assertEquals([complete.outcome, sent(complete)], [undefined, [1]]);
});

Deno.test("a window is acknowledged at its end, and at once where there is a gap", () => {
  const rows: [blocks: number[], acknowledged: number[]][] = [
    [[1, 2, 3, 4], [4]],
    [[1, 2, 3, 4, 5, 6, 7, 8], [4, 8]],
    // The first, one in the middle, and all but the last are missing.
    [[2, 3, 4], [0]],
    [[1, 3, 4], [1]],
    [[4], [0]],
    [[1, 2, 4, 3, 4, 5, 6, 7, 8], [2, 6]],
    // The window after the gap begins after it, and the first of it is lost again.
    [[1, 3, 4, 3, 4, 5, 2, 3, 4, 5], [1, 1, 5]],
    // What is further away than a window is not of this transfer.
    [[5, 6, 1000], []],
    [[1, 6], []],
    // The window comes again, since its acknowledgement was lost: a moment later it would be answered.
    [[1, 2, 3, 4, 1, 2, 3, 4], [4]],
  ];
  for (const [blocks, acknowledged] of rows) {
    assertEquals(after(receiver({ windowsize: 4 }), blocks), acknowledged, `${blocks}`);
  }
});

Deno.test("a window that comes again is answered, by its last block", () => {
  const one = receiver({ windowsize: 3 });
  assertEquals(after(one, [1, 2, 3]), [3]);
  assertEquals(after(one, [1, 2, 3], QUIET), [3]);
  assertEquals(after(one, [4, 5], QUIET), []);
  assertEquals(after(one, [5, 4], 2 * QUIET), []); // Within a window the rest is awaited.
  assertEquals(after(one, [6], 2 * QUIET), [6]);
  assertEquals(one.resent, 1);
});

Deno.test("copies of a block are answered once in a while, whoever sends them for each answer", () => {
  const one = receiver();
  assertEquals(after(one, [1, 1, 1, 1]), [1]);
  assertEquals(after(one, [1, 1, 1], QUIET), [1]);
  assertEquals(after(one, [2, 2]), [2]);
});

Deno.test("when the rest of a window does not come, what came is acknowledged", () => {
  const one = receiver({ windowsize: 4 });
  after(one, [1, 2], 10);
  assertEquals(one.deadline, 10 + WINDOW_WAIT);
  one.elapse(one.deadline - 1);
  assertEquals(sent(one), []);
  one.elapse(one.deadline);
  assertEquals(sent(one, 110), [2]);
  assertEquals(after(one, [3, 4, 5, 6], 120), [6]); // A whole window after it.
});

Deno.test("on a slow line the rest of a window is awaited longer", () => {
  const one = receiver({ windowsize: 64 });
  for (let block = 1; block <= 40; block++) after(one, [block], block * 300);
  assertEquals(Math.round((one.deadline - 40 * 300) / 100), 12);
});

Deno.test("the receiver asks again when nothing comes, and gives up", () => {
  const one = receiver({}, { opening: OACK, openingSends: 3 });
  const waits: number[] = [];
  let now = 0;
  for (sent(one); !one.outcome; now = one.deadline, one.elapse(now), sent(one, now)) {
    waits.push(one.deadline - now);
  }
  assertEquals([waits, one.outcome], [[FIRST_WAIT, 2000, 4000], { kind: "silent" }]);
  assertEquals(one.resent, 2);

  const heard = receiver({}, { patience: 20_000, openingSends: 3 });
  assertEquals(after(heard, [1]), [1]);
  const answers = [];
  waits.length = 0;
  for (now = 0; !heard.outcome; now = heard.deadline, heard.elapse(now)) {
    answers.push(...sent(heard, now));
    waits.push(heard.deadline - now);
  }
  assertEquals(waits, [RECEIVER_WAIT, 4000, 8000, 6000]);
  assertEquals([answers, heard.outcome], [[1, 1, 1], { kind: "silent" }]);
});

Deno.test("a server's OACK that comes again is answered, for the first answer was lost", () => {
  const one = receiver({}, { opening: encodeAck(0) });
  assertEquals(sent(one), [0]);
  one.receive(OACK, QUIET - 1);
  assertEquals(sent(one, QUIET - 1), []);
  one.receive(OACK, QUIET);
  assertEquals(sent(one, QUIET), [0]);
  after(one, [1], QUIET);
  one.receive(OACK, 1000);
  assertEquals(sent(one, 1000), []);
});

Deno.test("a block larger than agreed breaks the rules", () => {
  const one = receiver();
  assertThrows(
    () => one.receive(encodeData(1, pattern(BLKSIZE + 1)), 0),
    ProtocolError,
    "a block is larger than agreed",
  );
});

Deno.test("what the sink throws comes out of the receiver", () => {
  const fail = (): never => {
    throw new RangeError("full");
  };
  const full = { write: fail, end: (): void => {} };
  assertThrows(() => after(receiver({}, { sink: full }), [1]), RangeError, "full");
  const late = { write: (): void => {}, end: fail };
  assertThrows(() => last(receiver({}, { sink: late }), 1), RangeError, "full");
});
