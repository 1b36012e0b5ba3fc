/**
 * One end of a transfer as a state machine, which both programs use: packets
 * and the passing of time go in; packets to send, and the outcome, come out.
 * Times are in milliseconds, of any clock that only goes on.
 */
import { HEADER, OPCODE, opcodeOf, parsePacket } from "./tftp_packet.ts";

/** How a transfer ended. */
export type Outcome =
  /** The whole file went over, and both ends know. */
  | { kind: "done" }
  /** The peer said so; the message is as it came. */
  | { kind: "refused"; code: number; message: string }
  /** The peer said nothing for too long. */
  | { kind: "silent" };

/** A sender or a receiver. */
export interface Transfer {
  /** A packet from the peer's TID. What is malformed, stale or from the future is ignored. */
  receive(packet: Uint8Array, now: number): void;
  /** The deadline has passed. */
  elapse(now: number): void;
  /** The next packet to send at once, valid until the next call; null: none for now. */
  next(now: number): Uint8Array | null;
  /** Whether there is more to do now than to wait: a packet to send, or an end to take note of. */
  readonly due: boolean;
  /** When `elapse` wants to be called; Infinity when never. */
  readonly deadline: number;
  /** Undefined while it goes on. */
  readonly outcome: Outcome | undefined;
  /** Bytes of data that have arrived, as far as this end knows. */
  readonly bytes: number;
  /** How many packets were sent again. */
  readonly resent: number;
  /** Whether the peer ever sent a packet that fitted. */
  readonly heard: boolean;
}

/** The outcome that `packet` brings if it is an ERROR. */
export function refusal(packet: Uint8Array): Outcome | undefined {
  if (opcodeOf(packet) !== OPCODE.ERROR || packet.length < HEADER) return undefined;
  const error = parsePacket(packet);
  return error.kind === "ERROR" ? { ...error, kind: "refused" } : undefined;
}
