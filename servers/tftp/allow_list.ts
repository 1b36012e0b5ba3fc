/** Whom a server answers: addresses, and networks as `192.0.2.0/24`. */
import { ipBytes } from "../../tools/protocol/ip_address.ts";
import { unmapped } from "../../tools/protocol/address.ts";

/** The addresses whose first `bits` bits are those of `bytes`. */
export interface Network {
  bytes: Uint8Array;
  bits: number;
}

/** Reads an address or a network. Throws RangeError. */
export function parseNetwork(text: string): Network {
  const [, address = "", length] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  let bytes;
  try {
    bytes = ipBytes(address);
  } catch {
    throw new RangeError("give an address, or a network such as 192.0.2.0/24");
  }
  const bits = Number(length ?? 8 * bytes.length);
  if (bits > 8 * bytes.length) throw new RangeError(`at most /${8 * bytes.length}`);
  return { bytes, bits };
}

/** Whether `address` is in one of the `networks`. */
export function isAllowed(networks: readonly Network[], address: string): boolean {
  const bytes = ipBytes(unmapped(address));
  return networks.some((network) =>
    network.bytes.length === bytes.length &&
    bytes.every((byte, i) => {
      const bits = Math.min(8, Math.max(0, network.bits - 8 * i));
      return ((byte ^ (network.bytes[i] ?? 0)) >> (8 - bits)) === 0;
    })
  );
}
