/** Closing a connection so that the peer gets all that it was told. */
import { Deadline } from "./deadline.ts";
import { closeQuietly, isGone } from "./errors.ts";
import type { ByteStream } from "./stream.ts";

/** How long a peer that was told the end may take to end as well, in milliseconds: some round trips. */
export const LINGER = 1000;

/**
 * Ends our half, throws away what still comes until the peer ends its own or
 * LINGER is over, and closes. A close with input unread resets the connection,
 * which can cost the peer what it has not read yet (RFC 9112 section 9.6). That
 * the peer is gone already is no error. `ended` is for who has ended our half before.
 */
export async function closeGently(
  stream: ByteStream,
  ended: Promise<void> = stream.closeWrite(),
): Promise<void> {
  using _deadline = new Deadline(LINGER, () => closeQuietly(stream));
  try {
    await ended;
    const rest = new Uint8Array(1024);
    while (await stream.read(rest) !== null);
  } catch (error) {
    if (!isGone(error)) throw error;
  } finally {
    closeQuietly(stream);
  }
}
