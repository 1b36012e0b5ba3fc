/** The character sets of names: UTF-8 by RFC 2640, and those of older servers. */
import { visible } from "./text.ts";

/** How names are turned into bytes and back. */
export interface Charset {
  /** As the Encoding Standard calls it, such as `utf-8` or `windows-1252` (which `latin1` means). */
  readonly name: string;
  decode(bytes: Uint8Array): string;
  /** Throws RangeError for a character that the set does not have. */
  encode(text: string): Uint8Array;
}

/**
 * The character set of a label such as `utf-8`, `latin1`, `koi8-r`, `gbk`.
 * Throws RangeError for one that is unknown, or in which ASCII is not ASCII.
 */
export function charset(label: string): Charset {
  const decoder = new TextDecoder(label, { ignoreBOM: true });
  const decode = (bytes: Uint8Array): string => decoder.decode(bytes);
  const name = decoder.encoding;
  if (name === "utf-8") return { name, decode, encode: (text) => new TextEncoder().encode(text) };
  if (/^(?:utf-16|iso-2022|replacement)/.test(name)) {
    throw new RangeError(`${label} cannot be used in FTP commands`);
  }
  let table: Map<string, number[]> | undefined;
  return {
    name,
    decode,
    encode(text): Uint8Array {
      if (/^[\0-\x7f]*$/.test(text)) return new TextEncoder().encode(text);
      const known = table ??= encodingTable(decode);
      return Uint8Array.from([...text].flatMap((char) => {
        const bytes = known.get(char);
        if (bytes === undefined) throw new RangeError(`${visible(char)} is not in ${name}`);
        return bytes;
      }));
    },
  };
}

/** The platform only decodes: all single bytes and pairs of bytes, decoded, are the table to encode by. */
function encodingTable(decode: (bytes: Uint8Array) => string): Map<string, number[]> {
  const table = new Map<string, number[]>();
  const learn = (...bytes: number[]): boolean => {
    const char = decode(Uint8Array.from(bytes));
    const single = [...char].length === 1 && char !== "\ufffd";
    if (single && !table.has(char)) table.set(char, bytes);
    return single;
  };
  for (let first = 0; first < 256; first++) {
    if (learn(first)) continue;
    for (let second = 0x40; second < 256; second++) learn(first, second);
  }
  return table;
}
