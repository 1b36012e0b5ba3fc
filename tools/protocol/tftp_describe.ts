/** Packets in words, as the classic `tftp` shows them with `trace`. */
import { ProtocolError } from "./error.ts";
import { parsePacket, type TftpPacket } from "./tftp_packet.ts";

/** One line for a packet: `RRQ <file=cake, mode=octet>`. What a peer put into it is not made safe to show. */
export function describePacket(bytes: Uint8Array): string {
  try {
    const packet = parsePacket(bytes);
    return `${packet.kind} <${parts(packet).join(", ")}>`;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return `${bytes.length} bytes: ${error.message}`;
  }
}

function parts(packet: TftpPacket): string[] {
  switch (packet.kind) {
    case "RRQ":
    case "WRQ":
      return [`file=${packet.name}`, `mode=${packet.mode}`, ...settings(packet.options)];
    case "DATA":
      return [`block=${packet.block}`, `${packet.data.length} bytes`];
    case "ACK":
      return [`block=${packet.block}`];
    case "ERROR":
      return [`code=${packet.code}`, `msg=${packet.message}`];
    case "OACK":
      return settings(packet.options);
  }
}

function settings(options: ReadonlyMap<string, string>): string[] {
  return [...options].map(([name, value]) => `${name}=${value}`);
}
