/** Whether a TFTP server has started. */

const REQUEST = new TextEncoder().encode("\0\x01nosuch\0octet\0");
// In milliseconds.
const PATIENCE = 200;

/** Whether a TFTP server answers at `port` of 127.0.0.1. */
export async function answers(port: number): Promise<boolean> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const timer = setTimeout(() => socket.close(), PATIENCE);
  try {
    await socket.send(REQUEST, { transport: "udp", hostname: "127.0.0.1", port });
    await socket.receive();
    socket.close();
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
