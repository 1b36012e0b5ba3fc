/** A TCP connection that can be reset: Deno's own can only be closed. */
import { Buffer } from "node:buffer";
import { createConnection } from "node:net";
import type { ByteStream } from "../../tools/net/stream.ts";

/** Ends of connections that a test cuts in both ways. */
export interface Resettable extends ByteStream {
  readonly remoteAddr: Deno.NetAddr;
  /** Ends it by RST, where `close` says goodbye by FIN. Resolves when it is done. */
  reset(): Promise<void>;
}

/** Connects to a port of this machine. */
export async function connectResettable(port: number): Promise<Resettable> {
  const hostname = "127.0.0.1";
  const socket = createConnection({ host: hostname, port, allowHalfOpen: true });
  let wake = (): void => {};
  let error: Error | undefined;
  socket.on("readable", () => wake()).on("end", () => wake()).on("error", (e) => error = e);
  const closed = new Promise<void>((resolve) =>
    socket.on("close", () => {
      wake();
      resolve();
    })
  );
  await new Promise<void>((resolve, reject) => socket.on("connect", resolve).on("error", reject));
  socket.setNoDelay(true);
  return {
    remoteAddr: { transport: "tcp", hostname, port },
    async read(buffer): Promise<number | null> {
      for (;;) {
        const size = Math.min(buffer.length, socket.readableLength);
        const data: Uint8Array | null = size > 0 ? socket.read(size) : null;
        if (data) {
          buffer.set(data);
          return data.length;
        }
        if (error) throw error;
        if (socket.readableEnded || socket.destroyed) return null;
        socket.read(0); // The end is told to those who read.
        await new Promise<void>((resolve) => wake = resolve);
      }
    },
    write: (data) =>
      new Promise((resolve, reject) =>
        socket.write(
          Buffer.from(data),
          (error) => error ? reject(error) : resolve(data.length),
        )
      ),
    closeWrite: () => new Promise((resolve) => socket.end(() => resolve())),
    close: () => void socket.destroy(),
    reset: () => {
      socket.resetAndDestroy();
      return closed;
    },
  };
}
