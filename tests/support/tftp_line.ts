/** A sender and a receiver on a line in memory that does harm by rule, and a clock that only they need. */
import { OPCODE, opcodeOf } from "../../tools/protocol/tftp_packet.ts";
import type { Receiver } from "../../tools/protocol/tftp_receiver.ts";
import type { Sender } from "../../tools/protocol/tftp_sender.ts";
import type { Sink, Source } from "../../tools/protocol/tftp_blocks.ts";
import type { Transfer } from "../../tools/protocol/tftp_transfer.ts";

/** What becomes of a packet. `swap`: the next one overtakes it. `late`: it comes after more than any wait. */
export type Fate = "drop" | "duplicate" | "swap" | "late";

/** From the sender to the receiver, or back. */
export type Way = "down" | "up";

/** Decides about packet `number` of its way, counted from 1. */
export type Fates = (way: Way, number: number) => Fate | undefined;

/** How long a packet is under way, in milliseconds. */
export const LATENCY = 1;
const LATE = 2500;

/** What a run came to. */
export interface Run {
  /** How many packets were sent, each way. */
  sent: Record<Way, number>;
  /** When the sender was done, in milliseconds. */
  time: number;
}

interface Arrival {
  at: number;
  way: Way;
  packet: Uint8Array;
}

/**
 * Runs both ends until both have an outcome; `server` is the one that opens, and
 * the other begins when the first packet comes. Throws when they never end.
 */
export function runLine(
  sender: Sender,
  receiver: Receiver,
  server: Transfer,
  fates: Fates = () => undefined,
): Run {
  const ends: Record<Way, Transfer> = { down: sender, up: receiver };
  const sent = { down: 0, up: 0 };
  const held: { [way in Way]?: Uint8Array } = {};
  const begun = new Set([server]);
  let arrivals: Arrival[] = [];
  let now = 0;
  let time = NaN;
  const arrive = (way: Way, packet: Uint8Array, delay = LATENCY): void => {
    // A stable order for those that arrive at the same time: as they were sent.
    const at = now + delay;
    const place = arrivals.findIndex((other) => other.at > at);
    arrivals.splice(place < 0 ? arrivals.length : place, 0, { at, way, packet });
  };
  const pump = (way: Way): void => {
    if (!begun.has(ends[way])) return;
    for (let packet = ends[way].next(now); packet; packet = ends[way].next(now)) {
      const copy = packet.slice();
      const fate = fates(way, ++sent[way]);
      const earlier = held[way];
      delete held[way];
      if (fate === "swap") held[way] = copy;
      else if (fate !== "drop") arrive(way, copy, fate === "late" ? LATE : LATENCY);
      if (fate === "duplicate") arrive(way, copy);
      if (earlier) arrive(way, earlier);
    }
  };
  for (let steps = 0; steps < 1_000_000; steps++) {
    pump("down");
    pump("up");
    if (receiver.complete) {
      receiver.confirm(now);
      pump("up");
    }
    if (sender.outcome && Number.isNaN(time)) time = now;
    if (sender.outcome && receiver.outcome && arrivals.length === 0) return { sent, time };
    const [first] = arrivals;
    const deadline = Math.min(sender.deadline, receiver.deadline);
    if (first && first.at <= deadline) {
      arrivals = arrivals.slice(1);
      now = first.at;
      const end = ends[first.way === "down" ? "up" : "down"];
      // What answers a request tells the client how to begin; a block that does is also taken.
      if (begun.has(end) || opcodeOf(first.packet) === OPCODE.DATA) end.receive(first.packet, now);
      begun.add(end);
    } else if (deadline < Infinity) {
      now = Math.max(now, deadline);
      sender.elapse(now);
      receiver.elapse(now);
    } else {
      throw new Error("both ends wait for ever");
    }
  }
  throw new Error("the transfer never ends");
}

/** A source of `data` in memory. */
export function bytesSource(data: Uint8Array): Source {
  let at = 0;
  return {
    read(buffer): number {
      const piece = data.subarray(at, at + buffer.length);
      buffer.set(piece);
      at += piece.length;
      return piece.length;
    },
  };
}

/** A sink that keeps what came. */
export class BytesSink implements Sink {
  readonly #pieces: Uint8Array<ArrayBuffer>[] = [];
  ended = false;

  write(data: Uint8Array): void {
    this.#pieces.push(data.slice());
  }

  end(): void {
    this.ended = true;
  }

  /** All of it. */
  get data(): Uint8Array {
    const all = new Uint8Array(this.#pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of this.#pieces) {
      all.set(piece, at);
      at += piece.length;
    }
    return all;
  }
}

/** Bytes that differ from place to place, so that a block that is left out or comes twice shows. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  const data = new Uint8Array(length);
  for (let i = 0; i < length; i++) data[i] = (i * 7 + (i >> 8) * 13 + (i >> 16) * 29) & 0xff;
  return data;
}
