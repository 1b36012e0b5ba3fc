/** TYPE A (RFC 959 section 3.1.1.1): lines end in CRLF on the wire, and in LF here. */

const CR = 13;
const LF = 10;

/** Turns LF into CRLF, piece by piece. What is CRLF already stays so. */
export class AsciiEncoder {
  #afterCr = false;

  /** The next piece; the result is new. */
  encode(data: Uint8Array): Uint8Array<ArrayBuffer> {
    const encoded = new Uint8Array(data.length * 2);
    let length = 0;
    for (const byte of data) {
      if (byte === LF && !this.#afterCr) encoded[length++] = CR;
      encoded[length++] = byte;
      this.#afterCr = byte === CR;
    }
    return encoded.subarray(0, length);
  }
}

/** Turns CRLF into LF, piece by piece. A CR alone stays. */
export class AsciiDecoder {
  #heldCr = false;

  /** The next piece; the result is new. A CR at its end waits for what follows. */
  decode(data: Uint8Array): Uint8Array<ArrayBuffer> {
    const decoded = new Uint8Array(data.length + 1);
    let length = 0;
    for (const byte of data) {
      if (this.#heldCr && byte !== LF) decoded[length++] = CR;
      this.#heldCr = byte === CR;
      if (!this.#heldCr) decoded[length++] = byte;
    }
    return decoded.subarray(0, length);
  }

  /** What was held back, when nothing follows. */
  end(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#heldCr ? [CR] : []);
  }
}
