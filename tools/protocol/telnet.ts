/** What a Telnet client says to the other end's Telnet, not to the person there (RFC 854). */

const SE = 240;
const SB = 250;
const WILL = 251;
const DONT = 254;
const IAC = 255;

/** What the next byte is: text, or the part of a command it belongs to. */
type State = "text" | "command" | "option" | "subnegotiation" | "subnegotiation command";

/** Takes the commands of Telnet out of a stream, piece by piece. None is answered: that refuses every option. */
export class TelnetFilter {
  #state: State = "text";

  /** The text in `data`, which may be overwritten by it. */
  filter(data: Uint8Array): Uint8Array {
    // UTF-8 has no byte 255, so text goes through untouched.
    if (this.#state === "text" && !data.includes(IAC)) return data;
    let length = 0;
    for (const byte of data) {
      if (this.#isText(byte)) data[length++] = byte;
    }
    return data.subarray(0, length);
  }

  #isText(byte: number): boolean {
    switch (this.#state) {
      case "text":
        if (byte === IAC) this.#state = "command";
        return byte !== IAC;
      case "command":
        if (byte >= WILL && byte <= DONT) this.#state = "option";
        else this.#state = byte === SB ? "subnegotiation" : "text";
        // Twice 255 is a byte 255 of the text.
        return byte === IAC;
      case "option":
        this.#state = "text";
        return false;
      case "subnegotiation":
        if (byte === IAC) this.#state = "subnegotiation command";
        return false;
      case "subnegotiation command":
        this.#state = byte === SE ? "text" : "subnegotiation";
        return false;
    }
  }
}
