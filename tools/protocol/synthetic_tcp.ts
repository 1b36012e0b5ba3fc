/**
 * The TCP segments that would have carried what a connection carried. A
 * program sees bytes and their ends, not segments, so a recording invents them:
 * handshake, data, acknowledgments and closing, with nothing that an analyser
 * would find wrong.
 */
import { ACK, FIN, LONGEST_SEGMENT, PSH, RST, type Segment, SYN } from "./ip_packet.ts";

/** Which way bytes go: from the client up to the server, or down to the client. */
export type Direction = "up" | "down";

/** Takes a segment; the payload is only lent. */
export type Put = (direction: Direction, segment: Segment) => void;

// The largest without window scaling, and larger than one segment.
const WINDOW = 65535;
const NOTHING: Uint8Array = new Uint8Array(0);

interface Half {
  /** The sequence number of what is sent next. */
  next: number;
  /** What the other side acknowledged: all before this. */
  acknowledged: number;
  ended: boolean;
}

/** One connection in segments. Sequence numbers wrap at 2^32. */
export class SyntheticTcp {
  readonly #put: Put;
  readonly #halves: Record<Direction, Half>;
  #reset = false;

  /** Begins with a handshake. `initial` are the sequence numbers of the SYNs. */
  constructor(initial: Record<Direction, number>, put: Put) {
    const half = (next: number): Half => ({
      next: next >>> 0,
      acknowledged: next >>> 0,
      ended: false,
    });
    this.#halves = { up: half(initial.up), down: half(initial.down) };
    this.#put = put;
    this.#segment("up", SYN);
    this.#segment("down", SYN | ACK);
    this.#segment("up", ACK);
  }

  /** Whether nothing more can happen: both halves have ended, or it was reset. */
  get over(): boolean {
    return this.#reset || this.#halves.up.ended && this.#halves.down.ended;
  }

  /** `bytes` went `direction`. After the end of that half there are none. */
  data(direction: Direction, bytes: Uint8Array): void {
    const half = this.#halves[direction];
    if (half.ended || this.#reset) return;
    for (let at = 0; at < bytes.length; at += LONGEST_SEGMENT) {
      const payload = bytes.subarray(at, at + LONGEST_SEGMENT);
      // In a full window an analyser sees a receiver that cannot keep up.
      if (unacknowledged(half) + payload.length >= WINDOW) this.#segment(opposite(direction), ACK);
      const last = at + payload.length === bytes.length;
      this.#segment(direction, last ? PSH | ACK : ACK, payload);
    }
  }

  /** The side that sends `direction` ended its half. */
  end(direction: Direction): void {
    const half = this.#halves[direction];
    if (half.ended || this.#reset) return;
    this.#segment(direction, FIN | ACK);
    this.#segment(opposite(direction), ACK);
    half.ended = true;
  }

  /** The side that sends `direction` reset the connection. */
  reset(direction: Direction): void {
    if (this.over) return;
    this.#segment(direction, RST | ACK);
    this.#reset = true;
  }

  /**
   * Puts a handshake, and the end of a half that has ended, to `put`, which is
   * to get all segments from here on: to its reader the connection begins now.
   */
  introduce(put: Put): void {
    // All else is level then: an acknowledgment that is due would look like a second one to the newcomer.
    for (const direction of ["up", "down"] as const) {
      if (unacknowledged(this.#halves[direction]) > 0) this.#segment(opposite(direction), ACK);
    }
    const initial = ({ next, ended }: Half): number => next - (ended ? 2 : 1);
    const { up, down } = this.#halves;
    const told = new SyntheticTcp({ up: initial(up), down: initial(down) }, put);
    if (up.ended) told.end("up");
    if (down.ended) told.end("down");
  }

  #segment(direction: Direction, flags: number, payload = NOTHING): void {
    const own = this.#halves[direction];
    const other = this.#halves[opposite(direction)];
    const acknowledgment = flags & ACK ? other.next : 0;
    this.#put(direction, { sequence: own.next, acknowledgment, flags, window: WINDOW, payload });
    if (flags & ACK) other.acknowledged = other.next;
    // SYN and FIN count as one byte each (RFC 9293 section 3.4).
    own.next = (own.next + payload.length + (flags & (SYN | FIN) ? 1 : 0)) >>> 0;
  }
}

function opposite(direction: Direction): Direction {
  return direction === "up" ? "down" : "up";
}

function unacknowledged({ next, acknowledged }: Half): number {
  return (next - acknowledged) >>> 0;
}
