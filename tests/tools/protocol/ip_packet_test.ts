import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ipPair } from "../../../tools/protocol/ip_address.ts";
import {
  ACK,
  FIN,
  type Flow,
  LONGEST_SEGMENT,
  PSH,
  RST,
  SYN,
  tcpPacketLength,
  udpPacketLength,
  writeTcpPacket,
  writeUdpPacket,
} from "../../../tools/protocol/ip_packet.ts";
import { readPacket } from "../../support/pcapng.ts";

function flow(from: string, to: string): Flow {
  const [source, destination] = ipPair(from, to);
  return { source, sourcePort: 40000, destination, destinationPort: 80 };
}

const V4 = flow("10.0.1.11", "10.0.1.1");
const V6 = flow("2001:db8::1", "::1");
const ONES = flow(Array(8).fill("ffff").join(":"), Array(8).fill("ffff").join(":"));

function tcp(way: Flow, segment: Partial<Parameters<typeof writeTcpPacket>[2]>): Uint8Array {
  const payload = segment.payload ?? new Uint8Array(0);
  const packet = new Uint8Array(tcpPacketLength(way, payload.length));
  const fields = { sequence: 1, acknowledgment: 2, flags: ACK, window: 65535 };
  writeTcpPacket(packet, way, { ...fields, ...segment, payload });
  return packet;
}

function udp(way: Flow, payload: Uint8Array): Uint8Array {
  const packet = new Uint8Array(udpPacketLength(way, payload.length));
  writeUdpPacket(packet, way, payload);
  return packet;
}

Deno.test("ip packets: a TCP and a UDP packet, byte for byte", () => {
  assertEquals(
    tcp(V4, { flags: PSH | ACK, sequence: 0xfffffffe, payload: Uint8Array.of(0x68, 0x69, 0x0a) })
      .toHex(),
    "4500002b000040004006" + "24c2" + "0a00010b0a000101" +
      "9c400050fffffffe000000025018ffff" + "8ac3" + "0000" + "68690a",
  );
  assertEquals(
    udp(V6, Uint8Array.of(1)).toHex(),
    "6000000000091140" + "20010db8000000000000000000000001" + "00000000000000000000000000000001" +
      "9c4000500009" + "3491" + "01",
  );
});

Deno.test("ip packets: an independent reader finds every field and checksum right", () => {
  const uint32 = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(fc.property(
    fc.constantFrom(V4, V6),
    uint32,
    uint32,
    fc.constantFrom([SYN, "S"], [SYN | ACK, "SA"], [FIN | ACK, "FA"], [RST, "R"]),
    fc.uint8Array({ maxLength: 300 }),
    (way, sequence, acknowledgment, [bits, flags], payload) => {
      const segment = { sequence, acknowledgment, payload };
      const read = readPacket(tcp(way, { ...segment, flags: bits as number }));
      assertEquals(
        read,
        { ...read, protocol: "tcp", ports: [40000, 80], ...segment, flags: flags as string },
      );
      assertEquals([read.source, read.destination], [
        way.source.toHex(),
        way.destination.toHex(),
      ]);
      assertEquals(readPacket(udp(way, payload)).payload, payload);
    },
  ));
});

Deno.test("ip packets: the longest, of all zeros and of all ones", () => {
  for (const way of [V4, V6, ONES]) {
    for (const byte of [0, 0xff]) {
      const segment = new Uint8Array(LONGEST_SEGMENT).fill(byte);
      assertEquals(readPacket(tcp(way, { payload: segment })).payload, segment);
      const datagram = new Uint8Array(65507).fill(byte);
      assertEquals(readPacket(udp(way, datagram)).payload, datagram);
    }
  }
  assertEquals(tcpPacketLength(V4, LONGEST_SEGMENT), 65535);
});

Deno.test("ip packets: a UDP checksum of 0 is written as ffff", () => {
  const [low, high] = udp(V4, new Uint8Array(2)).subarray(26, 28);
  assert(low !== undefined && high !== undefined);
  // With its own checksum as data the sum comes to 0.
  assertEquals(udp(V4, Uint8Array.of(low, high)).subarray(26, 28), Uint8Array.of(0xff, 0xff));
});
