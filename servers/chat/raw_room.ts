/** The simplest room: what one person says goes to all others byte for byte, and nobody says anything else. */
import { concat } from "../../tools/protocol/bytes.ts";
import { LONGEST_LINE } from "../../tools/protocol/chat.ts";
import { type Person, Room, type RoomOptions } from "./room.ts";

const encoder = new TextEncoder();
const CRLF = encoder.encode("\r\n");

/** A room without names, notices and commands. */
export class RawRoom extends Room<Uint8Array> {
  constructor(options: RoomOptions) {
    super(options, concat);
  }

  override hear(person: Person, line: Uint8Array): void {
    this.publish(person, concat([line.subarray(0, LONGEST_LINE), CRLF]));
  }

  protected override line(text: string): Uint8Array {
    return encoder.encode(`${text}\r\n`);
  }

  protected override welcome(): void {}

  protected override farewell(): [] {
    return [];
  }
}
