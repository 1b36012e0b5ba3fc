/**
 * Text from the network, made safe to show. A terminal obeys control
 * characters: ESC sequences can rewrite the screen, set the clipboard or hide
 * what follows, and bidirectional marks can make one name look like another.
 */

/**
 * Controls (C0, DEL and C1: a terminal may take U+009B for ESC [), bidirectional
 * marks, line and paragraph separators, byte order mark.
 */
export const UNSAFE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\ufeff]/gu;

const NAMED: Record<string, string> = { "\t": "\\t", "\n": "\\n", "\r": "\\r" };

/** `text` with every character that could steer a terminal written as an escape, such as `\x1b`. */
export function visible(text: string): string {
  return text.replace(UNSAFE, (char) => {
    const code = char.charCodeAt(0);
    return NAMED[char] ??
      (code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`);
  });
}

/** Text of many lines that is safe to show: lines and tabs stay. */
export function visibleLines(text: string): string {
  return text.replaceAll("\r\n", "\n")
    .replace(UNSAFE, (char) => char === "\n" || char === "\t" ? char : visible(char));
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Bytes from a peer as text that is safe to show; what is not UTF-8 becomes U+FFFD. */
export function visibleBytes(bytes: Uint8Array): string {
  return visible(utf8.decode(bytes));
}

const strictUtf8 = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });

// What is UTF-8 (RFC 3629 section 4) in a string with one character for each byte, else a single one.
const UTF8_OR_BYTE = new RegExp(
  "[\0-\x7f]+|[\xc2-\xdf][\x80-\xbf]" +
    "|(?:\xe0[\xa0-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]|\xed[\x80-\x9f])[\x80-\xbf]" +
    "|(?:\xf0[\x90-\xbf]|[\xf1-\xf3][\x80-\xbf]|\xf4[\x80-\x8f])[\x80-\xbf]{2}|[^]",
  "g",
);

/**
 * Bytes as text from which they can be told again: UTF-8 as its text, with what
 * could steer a terminal as escapes (`\n`, `\x1b`, `\u{9b}`) and a backslash
 * as two; a byte that is no UTF-8 as `\x9b`.
 */
export function escapedBytes(bytes: Uint8Array): string {
  try {
    return escaped(strictUtf8.decode(bytes));
  } catch {
    return latin1(bytes).replace(UTF8_OR_BYTE, (part) => {
      const byte = part.charCodeAt(0);
      return byte >= 0x80 && part.length === 1
        ? `\\x${byte.toString(16)}`
        : escaped(strictUtf8.decode(latin1Bytes(part)));
    });
  }
}

function escaped(text: string): string {
  return visible(
    text.replaceAll("\\", "\\\\")
      .replace(/[\x80-\x9f]/g, (char) => `\\u{${char.charCodeAt(0).toString(16)}}`),
  );
}

/** Bytes as a string with one character for each byte, so that nothing is lost or joined. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) {
    text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  }
  return text;
}

/** The inverse of `latin1`. Throws RangeError when a character is above U+00FF. */
export function latin1Bytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) {
      throw new RangeError(`not a byte: ${visible(text.charAt(i))}`);
    }
    bytes[i] = code;
  }
  return bytes;
}
