/** The header of the PROXY protocol at the start of a connection. */
import { decodeProxyHeader, type Proxied } from "../protocol/proxy_protocol.ts";
import { ProtocolError } from "../protocol/error.ts";
import { concat } from "../protocol/bytes.ts";
import type { ByteStream } from "./stream.ts";

/**
 * Reads the header from `stream`, and nothing after it; undefined when the
 * sender speaks for itself. Only for a port where proxies alone connect: others
 * could claim any address. Throws ProtocolError. The caller sets the deadline.
 */
export async function readProxyHeader(
  stream: Pick<ByteStream, "read">,
): Promise<Proxied | undefined> {
  let bytes: Uint8Array = new Uint8Array(0);
  for (;;) {
    const header = decodeProxyHeader(bytes);
    if (typeof header !== "number") return header.proxied;
    const more = new Uint8Array(header);
    const length = await stream.read(more);
    if (length === null) throw new ProtocolError("the connection ended in its PROXY header");
    bytes = concat([bytes, more.subarray(0, length)]);
  }
}
