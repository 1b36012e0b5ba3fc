/** The sender and the receiver of TFTP on a line that loses, copies, swaps and delays each packet in turn. */
import { assert, assertEquals } from "@std/assert";
import { PLAIN_TERMS, type Terms } from "../../../tools/protocol/tftp_options.ts";
import { encodeAck, encodeOack } from "../../../tools/protocol/tftp_packet.ts";
import { randomAt } from "../../../tools/protocol/random.ts";
import { Receiver, WINDOW_WAIT } from "../../../tools/protocol/tftp_receiver.ts";
import { FIRST_WAIT, LEAST_WAIT } from "../../../tools/protocol/tftp_retry.ts";
import { Sender } from "../../../tools/protocol/tftp_sender.ts";
import {
  BytesSink,
  bytesSource,
  type Fate,
  type Fates,
  LATENCY,
  pattern,
  type Run,
  runLine,
  type Way,
} from "../../support/tftp_line.ts";

const PATIENCE = 30_000;
const BLKSIZE = 8;
const OACK = encodeOack(new Map([["blksize", `${BLKSIZE}`]]));

/** How the transfer begins: by which packet of the server's. */
type Start = "read" | "read with options" | "write" | "write with options";

const STARTS: Start[] = ["read", "read with options", "write", "write with options"];

/** A transfer of `length` bytes that must end well on both sides. */
function transfer(start: Start, length: number, terms: Partial<Terms>, fates?: Fates): Run {
  const all: Terms = { ...PLAIN_TERMS, blksize: BLKSIZE, ...terms };
  const data = pattern(length);
  const sink = new BytesSink();
  // Only what a server opens with can be lost here: requests are the business of clients.
  const opening = {
    read: [undefined, undefined],
    "read with options": [OACK, encodeAck(0)],
    write: [undefined, encodeAck(0)],
    "write with options": [undefined, OACK],
  }[start];
  const sender = new Sender({
    terms: all,
    source: bytesSource(data),
    patience: PATIENCE,
    ...opening[0] && { opening: opening[0] },
  });
  const receiver = new Receiver({
    terms: all,
    sink,
    patience: PATIENCE,
    ...opening[1] && { opening: opening[1] },
  });
  const run = runLine(sender, receiver, start.startsWith("read") ? sender : receiver, fates);
  assertEquals(sender.outcome, { kind: "done" });
  assertEquals(receiver.outcome, { kind: "done" });
  assert(sink.ended);
  assertEquals(sink.data, data);
  assertEquals([sender.bytes, receiver.bytes], [length, length]);
  // Nothing is sent but the file, its acknowledgements, and what both ends know to be repetitions.
  const blocks = Math.floor(length / BLKSIZE) + 1 + (start === "read with options" ? 1 : 0);
  assertEquals(run.sent.down, blocks + sender.resent);
  return run;
}

/**
 * For each packet of a calm transfer in turn, what it costs when `fate` befalls
 * it: packets more down and up, and milliseconds more, as `+1+0 200`.
 */
function costs(start: Start, windowsize: number, fate: Fate): Record<Way, string[]> {
  const length = 10 * BLKSIZE - 3;
  const calm = transfer(start, length, { windowsize });
  const cost = (way: Way): string[] =>
    Array.from({ length: calm.sent[way] }, (_, i) => {
      const fates: Fates = (w, n) => w === way && n === i + 1 ? fate : undefined;
      const { sent, time } = transfer(start, length, { windowsize }, fates);
      return `+${sent.down - calm.sent.down}+${sent.up - calm.sent.up} ${time - calm.time}`;
    });
  return { down: cost("down"), up: cost("up") };
}

/** `word` for each of `count` packets. */
function each(count: number, word: string): string[] {
  return Array(count).fill(word);
}

const FREE = "+0+0 0";
const OPENING_AGAIN = `+1+0 ${FIRST_WAIT}`;
const BLOCK_AGAIN = `+1+0 ${LEAST_WAIT}`;
const BOTH_AGAIN = `+1+1 ${LEAST_WAIT}`;

Deno.test("in lock-step a lost packet costs one repetition of the block, and one wait", () => {
  // What is overtaken by the repetition of itself was lost.
  for (const fate of ["drop", "swap"] as const) {
    assertEquals(costs("read", 1, fate), {
      down: [OPENING_AGAIN, ...each(9, BLOCK_AGAIN)],
      up: [`+1+1 ${FIRST_WAIT}`, ...each(9, BOTH_AGAIN)],
    });
    assertEquals(costs("read with options", 1, fate), {
      down: [OPENING_AGAIN, ...each(10, BLOCK_AGAIN)],
      up: [`+1+1 ${FIRST_WAIT}`, ...each(10, BOTH_AGAIN)],
    });
    for (const start of ["write", "write with options"] as const) {
      assertEquals(costs(start, 1, fate), {
        // Neither end knows which of them was not heard.
        down: [`+1+1 ${FIRST_WAIT}`, ...each(9, BLOCK_AGAIN)],
        up: [`+0+1 ${FIRST_WAIT}`, `+1+1 ${FIRST_WAIT}`, ...each(9, BOTH_AGAIN)],
      });
    }
  }
});

Deno.test("in lock-step a packet that comes when it was replaced changes nothing", () => {
  for (const start of STARTS) {
    const [lost, late] = [costs(start, 1, "drop"), costs(start, 1, "late")];
    // Who asks for the last block again after so long has not heard that it came.
    lost.down.splice(-1, 1, BOTH_AGAIN);
    assertEquals(late, lost);
  }
});

Deno.test("a packet that comes twice costs nothing, in lock-step and in windows", () => {
  for (const start of STARTS) {
    for (const windowsize of [1, 2, 4, 16]) {
      if (start === "write" && windowsize > 1) continue; // A window needs options.
      const { down, up } = costs(start, windowsize, "duplicate");
      assertEquals([down, up], [each(down.length, FREE), each(up.length, FREE)]);
    }
  }
});

// Ten blocks in windows of four. A gap is told at once by the next block, and the window goes on
// from there; at the end of a window nothing tells but a short wait of the receiver.
const LOST_IN_WINDOW = [
  ...["+4+1 2", "+3+1 2", "+2+0 0", `+1+0 ${WINDOW_WAIT}`],
  ...["+4+1 2", "+3+1 2", "+2+0 0", `+1+0 ${WINDOW_WAIT}`],
  ...["+2+1 2", `+1+1 ${WINDOW_WAIT + 2 * LATENCY}`],
];

Deno.test("within a window a lost block is asked for at once, and only what follows comes again", () => {
  assertEquals(costs("read with options", 4, "drop").down, [OPENING_AGAIN, ...LOST_IN_WINDOW]);
  assertEquals(costs("write with options", 4, "drop").down, LOST_IN_WINDOW);
});

Deno.test("a lost acknowledgement costs its window once, and one wait", () => {
  const lost = [`+4+1 ${LEAST_WAIT}`, `+2+1 ${LEAST_WAIT}`];
  assertEquals(costs("read with options", 4, "drop").up, [
    ...[`+1+1 ${FIRST_WAIT}`, `+4+1 ${LEAST_WAIT}`],
    ...lost,
  ]);
  assertEquals(costs("write with options", 4, "drop").up, [
    ...[`+0+1 ${FIRST_WAIT}`, `+4+1 ${FIRST_WAIT}`],
    ...lost,
  ]);
});

Deno.test("blocks that change places within a window cost the window once, and no wait", () => {
  assertEquals(costs("read with options", 4, "swap").down, [
    OPENING_AGAIN,
    ...["+4+2 2", "+3+1 0", "+2+0 0", `+1+0 ${WINDOW_WAIT}`],
    ...["+4+2 2", "+3+1 0", "+2+0 0", `+1+0 ${WINDOW_WAIT}`],
    ...["+2+1 2", `+1+1 ${WINDOW_WAIT + 2 * LATENCY}`],
  ]);
});

Deno.test("what comes late within windows was replaced by then", () => {
  for (const start of ["read with options", "write with options"] as const) {
    const [lost, late] = [costs(start, 4, "drop"), costs(start, 4, "late")];
    lost.down.splice(-1, 1, `+1+2 ${WINDOW_WAIT + 2 * LATENCY}`);
    assertEquals(late, lost);
  }
});

Deno.test("the file arrives whole when any two packets are lost", () => {
  for (const start of STARTS) {
    for (const windowsize of start === "write" ? [1] : [1, 3]) {
      const { sent } = transfer(start, 5 * BLKSIZE, { windowsize });
      const packets = (["down", "up"] as const).flatMap((way) =>
        Array.from({ length: sent[way] + 2 }, (_, i) => `${way} ${i + 1}`)
      );
      for (const one of packets) {
        for (const other of packets) {
          transfer(
            start,
            5 * BLKSIZE,
            { windowsize },
            (way, number) => [one, other].includes(`${way} ${number}`) ? "drop" : undefined,
          );
        }
      }
    }
  }
});

Deno.test("the file arrives whole on a line that does every harm by chance", () => {
  const fates: Fate[] = ["drop", "duplicate", "swap", "late"];
  for (let seed = 0; seed < 300; seed++) {
    let packet = 0;
    const start = STARTS[seed % 4] ?? "read";
    const windowsize = start === "write" ? 1 : 1 + seed % 7;
    transfer(
      start,
      40 * BLKSIZE + seed % BLKSIZE,
      { windowsize, rollover: seed % 2 ? 1 : 0 },
      () => {
        const chance = randomAt(seed, packet++);
        return chance < 0.2 ? fates[Math.floor(chance * 20)] : undefined;
      },
    );
  }
});

Deno.test("with windows of every size, and files that end with any block of them", () => {
  for (const windowsize of [1, 2, 3, 16, 64]) {
    for (const blocks of [0, 1, windowsize - 1, windowsize, windowsize + 1, 2 * windowsize]) {
      for (const rest of [0, 1, BLKSIZE - 1]) {
        transfer("read with options", blocks * BLKSIZE + rest, { windowsize });
      }
    }
  }
});

Deno.test("block numbers go round after 65535, to 0 or to 1 as agreed", () => {
  for (const rollover of [0, 1] as const) {
    for (const windowsize of [1, 5]) {
      for (const length of [65535 * BLKSIZE - 1, 65535 * BLKSIZE, 65535 * BLKSIZE + 1]) {
        transfer("read with options", length, { windowsize, rollover });
      }
      // Two rounds, and harm where the numbers start again.
      transfer("read with options", 131_080 * BLKSIZE, { windowsize, rollover }, (way, number) => {
        if (way === "down" && number >= 65_530 && number < 65_545) {
          return number % 2 ? "drop" : "duplicate";
        }
      });
    }
  }
});
