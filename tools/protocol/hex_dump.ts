const WIDTH = 16;

/**
 * Bytes as lines of offset, hexadecimal and ASCII, as `hexdump -C` shows them.
 * `offset` is the number of the first byte.
 */
export function hexDump(bytes: Uint8Array, offset = 0): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += WIDTH) {
    const row = [...bytes.subarray(at, at + WIDTH)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, "0"));
    const halves = [hex.slice(0, WIDTH / 2), hex.slice(WIDTH / 2)].map((half) => half.join(" "));
    const ascii = row.map((byte) => byte >= 32 && byte < 127 ? String.fromCharCode(byte) : ".");
    lines.push(
      `${(offset + at).toString(16).padStart(8, "0")}  ` +
        `${halves.join("  ").padEnd(WIDTH * 3)}  |${ascii.join("")}|`,
    );
  }
  return lines;
}
