/** The sockets of an FTP session, which the program opens and tests replace. */
import type { ByteStream } from "../../tools/net/stream.ts";

/** A TCP connection. Deno.TcpConn is one. */
export interface FtpConn extends ByteStream {
  readonly localAddr: Deno.NetAddr;
  readonly remoteAddr: Deno.NetAddr;
}

/** A socket on which the server connects to us. Deno.TcpListener is one. */
export interface FtpListener {
  readonly addr: Deno.NetAddr;
  accept(): Promise<FtpConn>;
  close(): void;
}

/** How connections are made. */
export interface FtpNetwork {
  /** Connects to a name or an address, until `signal` aborts. */
  dial(host: string, port: number, signal: AbortSignal): Promise<FtpConn>;
  /** Listens at an address of this machine, on any port: for active mode. */
  listen(host: string): FtpListener;
}
