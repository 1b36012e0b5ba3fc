/** The TFTP client at the other end of a proxy, and a small file for it to move. */
import { TftpClient } from "../../clients/tftp/client.ts";
import { DatagramEndpoint } from "../../tools/net/datagram.ts";
import { Trace } from "../../tools/program/trace.ts";
import { pattern } from "./tftp_line.ts";

/** The blocks of DATA, the last of which is shorter. */
export const BLOCKS = 10;
const BLKSIZE = 64;
/** The file. */
export const DATA: Uint8Array = pattern(BLOCKS * BLKSIZE - 3);

/** A client of the server at `port` of this machine, with sockets from `open`. */
export async function connectTo(
  port: number,
  windowsize: number,
  open = (socket: Deno.DatagramConn, longest: number): DatagramEndpoint =>
    new DatagramEndpoint(socket, longest),
): Promise<TftpClient> {
  return await TftpClient.connect({
    host: "127.0.0.1",
    port,
    settings: {
      ...{ mode: "octet", blksize: BLKSIZE, windowsize, tsize: true },
      ...{ rexmt: undefined, timeout: 25_000 },
    },
    trace: new Trace(false),
    resolve: (host) => Promise.resolve(host),
    bind: (hostname, longest) =>
      open(Deno.listenDatagram({ transport: "udp", hostname, port: 0 }), longest),
  });
}
