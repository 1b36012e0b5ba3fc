import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { concat } from "../../../tools/protocol/bytes.ts";
import {
  interfaceDescription,
  packetBlockLength,
  type PacketDirection,
  packetOptions,
  sectionHeader,
  writePacketBlock,
} from "../../../tools/protocol/pcapng.ts";
import { readPcapng } from "../../support/pcapng.ts";

const BEGINNING = [sectionHeader("labsock"), interfaceDescription("proxyd")];

function packetBlock(time: number, packet: Uint8Array, options: Uint8Array): Uint8Array {
  const block = new Uint8Array(packetBlockLength(packet.length, options));
  writePacketBlock(block, time, packet.length, options).set(packet);
  return block;
}

Deno.test("pcapng: the blocks, byte for byte", () => {
  assertEquals(
    BEGINNING.map((block) => block.toHex()),
    [
      "0a0d0d0a" + "2c000000" + "4d3c2b1a" + "0100" + "0000" + "ffffffffffffffff" +
      "04000700" + "6c6162736f636b00" + "00000000" + "2c000000",
      "01000000" + "2c000000" + "6500" + "0000" + "00000000" +
      "02000600" + "70726f7879640000" + "09000100" + "06000000" + "00000000" + "2c000000",
    ],
  );
  assertEquals(
    packetBlock(0x6_0000_0007, Uint8Array.of(0x45, 1, 2, 3, 4), packetOptions("out", "hi")).toHex(),
    "06000000" + "3c000000" + "00000000" + "06000000" + "07000000" + "05000000" + "05000000" +
      "4501020304000000" + "02000400" + "02000000" + "01000200" + "68690000" + "00000000" +
      "3c000000",
  );
});

Deno.test("pcapng: an independent reader gives back times, directions, comments and packets", () => {
  const packet = fc.record({
    time: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    way: fc.constantFrom<PacketDirection>("in", "out"),
    comment: fc.option(fc.string({ minLength: 1, unit: "binary" })),
    bytes: fc.uint8Array({ maxLength: 50 }),
  });
  fc.assert(fc.property(fc.string(), fc.array(packet), (name, packets) => {
    const blocks = packets.map(({ time, way, comment, bytes }) =>
      packetBlock(time, bytes, packetOptions(way, comment ?? undefined))
    );
    assertEquals(
      readPcapng(concat([sectionHeader(name), interfaceDescription(name), ...blocks])),
      {
        application: name,
        name,
        packets: packets.map(({ time, way, comment, bytes }) => ({
          time,
          flags: way === "in" ? 1 : 2,
          ...(comment ? { comment } : {}),
          bytes,
        })),
      },
    );
  }));
});

Deno.test("pcapng: of a comment too long for its option the beginning is kept", () => {
  const options = packetOptions("in", "é".repeat(40_000));
  const file = concat([...BEGINNING, packetBlock(0, new Uint8Array(1), options)]);
  assertEquals(readPcapng(file).packets[0]?.comment, "é".repeat(32_767));
});
