import { assertEquals } from "@std/assert";
import { latin1Bytes } from "../../../tools/protocol/text.ts";
import { describePacket } from "../../../tools/protocol/tftp_describe.ts";

Deno.test("describePacket() is as the classic tftp has it", () => {
  const cases: [packet: string, words: string][] = [
    ["\0\x01cake\0octet\0", "RRQ <file=cake, mode=octet>"],
    [
      "\0\x02a b\0NetASCII\0blksize\x001428\0tsize\x000\0",
      "WRQ <file=a b, mode=netascii, blksize=1428, tsize=0>",
    ],
    ["\0\x03\x01\x02abc", "DATA <block=258, 3 bytes>"],
    ["\0\x03\0\x01", "DATA <block=1, 0 bytes>"],
    ["\0\x04\0\x00", "ACK <block=0>"],
    ["\0\x05\0\x01File not found\0", "ERROR <code=1, msg=File not found>"],
    ["\0\x06windowsize\x0016\0", "OACK <windowsize=16>"],
    ["\0\x06", "OACK <>"],
    ["", "0 bytes: the packet is too short"],
    ["\0\x04\0", "3 bytes: the packet is too short"],
    ["\0\x09abc", "5 bytes: there is no operation 9"],
  ];
  for (const [packet, words] of cases) {
    assertEquals(describePacket(latin1Bytes(packet)), words, packet);
  }
});
