/** The sender of TFTP, packet by packet. */
import { assert, assertEquals, assertThrows } from "@std/assert";
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
import { FIRST_WAIT, LEAST_WAIT, LONGEST_WAIT } from "../../../tools/protocol/tftp_retry.ts";
import { Sender, type SenderOptions } from "../../../tools/protocol/tftp_sender.ts";
import { bytesSource, pattern } from "../../support/tftp_line.ts";

const BLKSIZE = 8;
const PATIENCE = 30_000;
const OACK = encodeOack(new Map([["blksize", `${BLKSIZE}`]]));

function sender(
  blocks: number,
  terms: Partial<Terms> = {},
  options: Partial<SenderOptions> = {},
): Sender {
  return new Sender({
    terms: { ...PLAIN_TERMS, blksize: BLKSIZE, ...terms },
    source: bytesSource(pattern(blocks * BLKSIZE - 1)),
    patience: PATIENCE,
    ...options,
  });
}

/** What it sends now: block numbers, or "OACK". */
function sent(sender: Sender, now = 0): (number | string)[] {
  const all = [];
  for (let packet = sender.next(now); packet; packet = sender.next(now)) {
    all.push(opcodeOf(packet) === OPCODE.DATA ? blockOf(packet) : "OACK");
  }
  return all;
}

/** What it sends when the acknowledgement of `block` has come. */
function after(sender: Sender, block: number, now = 0): (number | string)[] {
  sender.receive(encodeAck(block), now);
  return sent(sender, now);
}

Deno.test("the sender waits for the acknowledgement of its OACK, which is that of block 0", () => {
  const one = sender(3, {}, { opening: OACK });
  assertEquals(sent(one), ["OACK"]);
  assertEquals(after(one, 1), []);
  assertEquals(after(one, 65535), []);
  // What is cut off is no block 0.
  one.receive(Uint8Array.of(0, 4, 0), 0);
  assertEquals(sent(one), []);
  assertEquals(one.heard, false);
  assertEquals(after(one, 0), [1]);
  assertEquals(after(one, 0), []);
  assertEquals(after(one, 1), [2]);
  assertEquals([one.heard, one.bytes], [true, BLKSIZE]);
});

Deno.test("the sender ignores stale and future acknowledgements, and what is none", () => {
  const one = sender(9);
  assertEquals(sent(one), [1]);
  assertEquals(after(one, 1), [2]);
  for (const block of [0, 1, 3, 32, 32769, 65535]) assertEquals(after(one, block), [], `${block}`);
  const junk = [
    ...[[], [0], [0, 4], [0, 4, 0], [0, 5], [0, 5, 0], [0, 99, 0, 2], [1, 4, 0, 2]],
    ...[encodeData(2, pattern(3)), OACK, [0, 1, 97, 0, 111]],
  ];
  for (const packet of junk) {
    one.receive(Uint8Array.from(packet), 0);
    assertEquals([sent(one), one.outcome], [[], undefined]);
  }
  assertEquals(after(one, 2), [3]);
});

Deno.test("the sender is done when the last block is acknowledged, and quiet then", () => {
  const one = sender(2);
  assertEquals([sent(one), after(one, 1), one.outcome], [[1], [2], undefined]);
  assertEquals([after(one, 2), one.outcome], [[], { kind: "done" }]);
  assertEquals([one.bytes, one.deadline], [2 * BLKSIZE - 1, Infinity]);
  one.receive(encodeError(0, "too late"), 0);
  one.elapse(1e9);
  assertEquals([sent(one, 1e9), one.outcome], [[], { kind: "done" }]);
});

Deno.test("an ERROR ends sending, in every state", () => {
  const states: [name: string, sender: Sender, steps: (sender: Sender) => void][] = [
    ["before the first packet", sender(3), () => {}],
    ["after the OACK", sender(3, {}, { opening: OACK }), (one) => sent(one)],
    ["after the first block", sender(3), (one) => sent(one)],
    ["within a window", sender(9, { windowsize: 4 }), (one) => one.next(0)],
    ["after the last block", sender(1), (one) => sent(one)],
    ["after repetitions", sender(3), (one) => {
      sent(one);
      one.elapse(one.deadline);
    }],
  ];
  for (const [name, one, steps] of states) {
    steps(one);
    one.receive(encodeError(3, "full"), 0);
    assertEquals(one.outcome, { kind: "refused", code: 3, message: "full" }, name);
    assertEquals([sent(one), one.deadline], [[], Infinity], name);
  }
});

Deno.test("a window goes on after the last block that came in order", () => {
  const one = sender(20, { windowsize: 4 });
  assertEquals(sent(one), [1, 2, 3, 4]);
  assertEquals(after(one, 4), [5, 6, 7, 8]);
  assertEquals(after(one, 6), [7, 8, 9, 10]);
  assertEquals(after(one, 6), [7, 8, 9, 10]); // The first of the window was lost.
  assertEquals(after(one, 6), []); // Once is enough until something has come of it.
  assertEquals(after(one, 10), [11, 12, 13, 14]);
  assertEquals(after(one, 10), []); // The copies of 7 to 10 are answered too.
  assertEquals(after(one, 10), [11, 12, 13, 14]); // But this is a gap.
  assertEquals(one.resent, 2 + 4 + 4);
});

Deno.test("an acknowledgement that comes twice at once, much sooner than an answer can, changes nothing", () => {
  const one = sender(20, { windowsize: 4 });
  sent(one, 0);
  assertEquals(after(one, 4, 100), [5, 6, 7, 8]);
  assertEquals(after(one, 4, 101), []);
  assertEquals(after(one, 4, 200), [5, 6, 7, 8]);
});

Deno.test("a peer that acknowledges each block of a window gets few of them again", () => {
  const blocks = 211;
  const one = sender(blocks, { windowsize: 32 }, { opening: OACK });
  // Each way takes a millisecond. Whatever comes is acknowledged, what came before too.
  const line: { at: number; block: number }[] = [];
  let packets = 0;
  const send = (now: number): void => {
    for (const block of sent(one, now)) {
      packets++;
      line.push({ at: now + 2, block: Number(block) || 0 });
    }
  };
  send(0);
  for (let arrival = line.shift(); arrival; arrival = line.shift()) {
    one.receive(encodeAck(arrival.block), arrival.at);
    send(arrival.at);
  }
  assertEquals([one.outcome, one.bytes], [{ kind: "done" }, blocks * BLKSIZE - 1]);
  // Each twice at most; to go back for each acknowledgement took 6,400 packets.
  assert(packets <= 2 * blocks, `${packets}`);
});

Deno.test("what is acknowledged while a window is still being sent counts", () => {
  const one = sender(20, { windowsize: 4 });
  assertEquals([one.next(0), one.next(0)].map((packet) => packet && blockOf(packet)), [1, 2]);
  assertEquals(after(one, 2), [3, 4, 5, 6]);
  assertEquals(one.resent, 0);
});

Deno.test("without an answer the sender waits twice as long each time, until its patience ends", () => {
  const one = sender(3, {}, { patience: 20_000 });
  const waits = [];
  let now = 0;
  assertEquals(sent(one, now), [1]);
  while (!one.outcome) {
    waits.push(one.deadline - now);
    one.elapse(one.deadline - 1);
    assertEquals(sent(one), []); // Not before.
    now = one.deadline;
    one.elapse(now);
    assertEquals(sent(one, now), one.outcome ? [] : [1]);
  }
  assertEquals(waits, [FIRST_WAIT, 2000, 4000, LONGEST_WAIT, 20_000 - 15_000]);
  assertEquals([one.outcome, one.resent], [{ kind: "silent" }, 4]);
});

Deno.test("to a peer that was never heard the first packet goes few times", () => {
  for (const opening of [undefined, OACK]) {
    const one = sender(9, { windowsize: 4 }, { openingSends: 3, ...opening && { opening } });
    let [packets, now] = [0, 0];
    for (; !one.outcome; now = one.deadline, one.elapse(now)) packets += sent(one, now).length;
    assertEquals([packets, one.outcome], [3 * (opening ? 1 : 4), { kind: "silent" }]);
    assert(one.resent === packets * 2 / 3);
  }
  const heard = sender(3, {}, { openingSends: 3 });
  let now = 0;
  for (sent(heard), after(heard, 1); !heard.outcome; now = heard.deadline, heard.elapse(now)) {
    sent(heard, now);
  }
  assert(heard.resent > 5);
});

Deno.test("the wait follows the round trips that were measured, and is never very short", () => {
  const one = sender(2000);
  let now = 0;
  const exchange = (time: number): number => {
    sent(one, now);
    now += time;
    one.receive(encodeAck(1 + Math.round(one.bytes / BLKSIZE)), now);
    sent(one, now);
    return one.deadline - now;
  };
  assertEquals(exchange(1), LEAST_WAIT);
  for (let i = 0; i < 50; i++) exchange(1);
  const slow = Array.from({ length: 50 }, () => exchange(700)).at(-1) ?? 0;
  assert(slow > 700 && slow < 1000, `${slow}`);
  // An answer after a repetition tells nothing: to which of the two?
  one.elapse(now = one.deadline);
  assertEquals(one.resent, 0);
  sent(one, now);
  assertEquals(one.resent, 1);
  const doubled = one.deadline - now;
  assert(Math.abs(doubled - 2 * slow) < 1);
  now += 1;
  one.receive(encodeAck(1 + Math.round(one.bytes / BLKSIZE)), now);
  sent(one, now);
  assertEquals(Math.round(one.deadline - now), Math.round(doubled));
});

Deno.test("a wait that was agreed on holds, and gives its peer time", () => {
  const one = sender(3, { timeout: 20_000 });
  sent(one);
  assertEquals(one.deadline, 20_000);
  assertEquals(after(one, 1, 5), [2]);
  const waits = [];
  for (let now = 5; !one.outcome; now = one.deadline, one.elapse(now)) {
    sent(one, now);
    waits.push(one.deadline - now);
  }
  assertEquals(waits, [20_000, 20_000, 20_000, 20_000]);
  const short = sender(3, { timeout: 50 });
  sent(short);
  assertEquals([short.deadline, after(short, 1, 5), short.deadline], [50, [2], 55]);
});

Deno.test("a file that grows or shrinks while it is sent ends where it ends", () => {
  // The size was told as three blocks.
  for (const blocks of [1, 2, 5]) {
    const one = sender(blocks, { windowsize: 2, size: 3 * BLKSIZE - 1 });
    for (let next = sent(one); next.length > 0;) next = after(one, Number(next.at(-1)));
    assertEquals([one.outcome, one.bytes], [{ kind: "done" }, blocks * BLKSIZE - 1]);
  }
});

Deno.test("what the source throws comes out of the sender", () => {
  const read = (): never => {
    throw new RangeError("broken disk");
  };
  assertThrows(() => sender(1, {}, { source: { read } }).next(0), RangeError, "broken disk");
  const source = bytesSource(pattern(2 * BLKSIZE));
  let reads = 0;
  const ahead = sender(1, {}, {
    source: { read: (buffer) => ++reads > 2 ? read() : source.read(buffer) },
  });
  assertEquals([sent(ahead), after(ahead, 1)], [[1], [2]]);
  assertThrows(() => ahead.prepare(), RangeError, "broken disk");
});

Deno.test("reading ahead changes nothing in what is sent", () => {
  let reads = 0;
  const source = bytesSource(pattern(5 * BLKSIZE - 1));
  const one = sender(1, { windowsize: 2 }, {
    source: {
      read(buffer): number {
        reads++;
        return source.read(buffer);
      },
    },
  });
  const rows: [block: number, sent: number[], reads: number, ahead: number][] = [
    [2, [3, 4], 4, 5],
    [2, [3, 4], 5, 5], // Again, as the first of them was lost.
    [4, [5], 5, 5],
    [5, [], 5, 5],
  ];
  assertEquals([sent(one), reads], [[1, 2], 2]);
  one.prepare();
  assertEquals(reads, 2); // Nobody was heard yet: a request costs no more than what it asked for.
  for (const [block, packets, before, ahead] of rows) {
    one.prepare();
    one.prepare(); // One block, and none beyond the last.
    assertEquals(after(one, block), packets);
    assertEquals(reads, Math.max(before, ahead - 1));
    one.prepare();
    assertEquals(reads, ahead);
  }
  assertEquals([one.outcome, one.bytes], [{ kind: "done" }, 5 * BLKSIZE - 1]);
});
