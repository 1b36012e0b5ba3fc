/** A reader for recordings, written from the specification and not from our writer. */
import { assert, assertEquals } from "@std/assert";

/** A packet as it stands in a recording. */
export interface RecordedPacket {
  /** Microseconds since 1970. */
  time: number;
  /** epb_flags: 1 is in, 2 is out. */
  flags: number;
  comment?: string;
  bytes: Uint8Array;
}

/** A TCP segment or UDP datagram, taken from its packet. */
export interface ReadPacket {
  protocol: "tcp" | "udp";
  /** Of both ends, in hexadecimal. */
  source: string;
  destination: string;
  ports: [source: number, destination: number];
  sequence: number;
  acknowledgment: number;
  /** Letters such as "SA" for SYN and ACK. */
  flags: string;
  payload: Uint8Array;
}

/** The application, the name of the interface and the packets of a recording. Throws when a block is not as it must be. */
export function readPcapng(
  file: Uint8Array,
): { application: string; name: string; packets: RecordedPacket[] } {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  let [application, name] = ["", ""];
  const packets: RecordedPacket[] = [];
  let length = 0;
  for (let at = 0, count = 0; at < file.length; at += length, count++) {
    const type = view.getUint32(at, true);
    length = view.getUint32(at + 4, true);
    assertEquals([length % 4, view.getUint32(at + length - 4, true)], [0, length]);
    if (count === 0) {
      assertEquals([type, view.getUint32(at + 8, true)], [0x0a0d0d0a, 0x1a2b3c4d]);
      assertEquals([view.getUint16(at + 12, true), view.getUint16(at + 14, true)], [1, 0]);
      assertEquals(view.getBigInt64(at + 16, true), -1n);
      application = text(readOptions(view, at + 24, at + length - 4).get(4));
    } else if (count === 1) {
      assertEquals([type, view.getUint16(at + 8, true)], [1, 101]);
      const options = readOptions(view, at + 16, at + length - 4);
      assertEquals(options.get(9), Uint8Array.of(6));
      name = text(options.get(2));
    } else {
      assertEquals([type, view.getUint32(at + 8, true)], [6, 0]);
      const captured = view.getUint32(at + 20, true);
      assertEquals(captured, view.getUint32(at + 24, true));
      const end = at + 28 + captured;
      const options = readOptions(view, end + (4 - captured % 4) % 4, at + length - 4);
      const comment = options.get(1);
      packets.push({
        time: view.getUint32(at + 12, true) * 2 ** 32 + view.getUint32(at + 16, true),
        flags: options.get(2)?.[0] ?? 0,
        ...(comment ? { comment: text(comment) } : {}),
        bytes: file.subarray(at + 28, end),
      });
    }
  }
  return { application, name, packets };
}

function text(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}

function readOptions(view: DataView, from: number, to: number): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  let at = from;
  for (;;) {
    assert(at + 4 <= to, "the options do not end");
    const [code, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    at += 4;
    if (code === 0) break;
    options.set(code, new Uint8Array(view.buffer, view.byteOffset + at, length).slice());
    at += length + (4 - length % 4) % 4;
  }
  assertEquals(at, to, "the options end early");
  return options;
}

/** What is in a packet. Throws when a length or a checksum is wrong. */
export function readPacket(packet: Uint8Array): ReadPacket {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
  const v4 = packet[0] === 0x45;
  if (v4) {
    assertEquals(view.getUint16(2), packet.length);
    assertEquals(sum(packet.subarray(0, 20)), 0xffff, "the IP header's checksum");
  } else {
    assertEquals([packet[0], view.getUint16(4)], [0x60, packet.length - 40]);
  }
  const [protocol, start, from, size] = v4 ? [packet[9], 20, 12, 4] : [packet[6], 40, 8, 16];
  const body = packet.subarray(start);
  const addresses = packet.subarray(from, from + 2 * size);
  const pseudo = Uint8Array.of(...addresses, 0, protocol ?? 0, body.length >> 8, body.length);
  assertEquals(sum(pseudo, body), 0xffff, "the checksum");
  const hex = (bytes: Uint8Array): string => bytes.toHex();
  const common = {
    source: hex(addresses.subarray(0, size)),
    destination: hex(addresses.subarray(size)),
    ports: [view.getUint16(start), view.getUint16(start + 2)] as [number, number],
  };
  if (protocol === 17) {
    assertEquals(view.getUint16(start + 4), body.length);
    assert(view.getUint16(start + 6) !== 0, "no checksum");
    const none = { sequence: 0, acknowledgment: 0, flags: "" };
    return { protocol: "udp", ...common, ...none, payload: body.subarray(8) };
  }
  assertEquals([protocol, view.getUint8(start + 12), view.getUint16(start + 14)], [6, 0x50, 65535]);
  const bits = view.getUint8(start + 13);
  return {
    protocol: "tcp",
    ...common,
    sequence: view.getUint32(start + 4),
    acknowledgment: view.getUint32(start + 8),
    flags: [..."FSRPA"].filter((_, bit) => bits >> bit & 1).join(""),
    payload: body.subarray(20),
  };
}

/** The one's complement sum of 16-bit words, as RFC 1071 section 1 defines it. */
function sum(...parts: Uint8Array[]): number {
  let total = 0;
  for (const part of parts) {
    for (let i = 0; i < part.length; i += 2) {
      total += (part[i] ?? 0) * 256 + (part[i + 1] ?? 0);
      if (total > 0xffff) total -= 0xffff;
    }
  }
  return total;
}
