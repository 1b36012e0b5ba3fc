/** What a relay moves bytes between. */
import type { ByteStream } from "../../tools/net/stream.ts";

/** One side of a relayed connection. */
export type Side = Pick<ByteStream, "read" | "write" | "closeWrite">;

/** A fault breaks the connection: what a side throws then. */
export class Cut extends Error {
  override name = "Cut";
}
