/** The socket of one transfer: what comes from the server, and what goes there. */
import { asReported } from "../../tools/net/client.ts";
import type { DatagramEndpoint } from "../../tools/net/datagram.ts";
import type { Trace } from "../../tools/program/trace.ts";
import { unmapped } from "../../tools/protocol/address.ts";
import { describePacket } from "../../tools/protocol/tftp_describe.ts";
import { encodeError, ERROR_CODE, OPCODE, opcodeOf } from "../../tools/protocol/tftp_packet.ts";

/**
 * Takes what comes from the address that was asked, and, once a port of it is
 * chosen for the transfer (its TID), from that alone. RFC 1350 section 4: others
 * are told so, and change nothing.
 */
export class Conversation {
  readonly #endpoint: DatagramEndpoint;
  readonly #trace: Trace;
  /** As sockets report it. */
  readonly #address: string;
  #peer: Deno.NetAddr;
  /** Where the last packet came from. */
  #from: Deno.NetAddr;
  #chosen = false;

  /** `address` and `port` are where requests go. */
  constructor(endpoint: DatagramEndpoint, address: string, port: number, trace: Trace) {
    this.#endpoint = endpoint;
    this.#trace = trace;
    this.#address = asReported(address);
    this.#peer = this.#from = { transport: "udp", hostname: address, port };
  }

  /** The next packet from the server, valid until the next call; null when this was closed. */
  async receive(): Promise<Uint8Array | null> {
    for (;;) {
      const datagram = await this.#endpoint.receive();
      if (datagram === null) return null;
      const { data, peer } = datagram;
      if (unmapped(peer.hostname) !== this.#address) continue;
      if (this.#chosen && peer.port !== this.#peer.port) {
        // An ERROR is answered by nobody, or two programs could go on for ever.
        if (opcodeOf(data) !== OPCODE.ERROR) {
          await this.#endpoint.send(encodeError(ERROR_CODE.unknownTransferId, "unknown TID"), peer);
        }
        continue;
      }
      if (this.#trace.shown) this.#trace.received(describePacket(data));
      this.#from = peer;
      return data;
    }
  }

  /** The port that the last packet came from is the server's for this transfer. */
  choose(): void {
    this.#chosen = true;
    this.#peer = this.#from;
  }

  /** Sends a packet to the server; false when it cannot leave. */
  async send(packet: Uint8Array): Promise<boolean> {
    if (this.#trace.shown) this.#trace.sent(describePacket(packet));
    return await this.#endpoint.send(packet, this.#peer);
  }

  /** Tells the server why the transfer ends here, if there is one. */
  async refuse(code: number, message: string): Promise<void> {
    if (this.#chosen) await this.send(encodeError(code, message));
  }

  /** Ends what is awaited. */
  close(): void {
    this.#endpoint.close();
  }
}
