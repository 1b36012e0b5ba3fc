/** How an FTP server is set up. */
import type { ByteStream } from "../../tools/net/stream.ts";
import type { Identity } from "../../tools/net/tls_identity.ts";
import type { Log } from "../../tools/program/log.ts";
import type { PortRange } from "../../tools/protocol/units.ts";
import type { Right, User } from "../../tools/protocol/users.ts";

/** A data connection as it comes from the network. Deno.TcpConn is one. */
export interface DataConn extends ByteStream {
  readonly remoteAddr: Deno.NetAddr;
  setNoDelay(): void;
}

/** A socket for one data connection. Deno.TcpListener is one. */
export interface DataListener {
  accept(): Promise<DataConn>;
  close(): void;
}

/** The sockets for data, which the program opens. */
export interface DataNetwork {
  /** Throws Deno.errors.AddrInUse when the port is taken. */
  listen(host: string, port: number): DataListener;
  dial(host: string, port: number, signal: AbortSignal): Promise<DataConn>;
}

/** How long things may take, in milliseconds. */
export interface Timeouts {
  /** From the connection until the login. */
  login: number;
  /** Between two commands. */
  idle: number;
  /** Until the data connection is there, its TLS included. */
  accept: number;
  /** While no byte of a transfer moves. */
  stall: number;
}

/** RFC 1123 section 4.1.3.2 wants five minutes of idling at least; the others are those of vsftpd. */
export const TIMEOUTS: Timeouts = {
  login: 60_000,
  idle: 300_000,
  accept: 60_000,
  stall: 300_000,
};

/** The ports that IANA leaves to whoever needs one for a while (RFC 6335 section 6). */
export const PASSIVE_PORTS: PortRange = { first: 49152, last: 65535 };

/** TLS on a server. */
export interface FtpTls {
  /** Asked for each handshake, so that it can be renewed. */
  identity(): Identity;
  /** From the first byte on. */
  implicit: boolean;
  /** For what it is required: after a login by TLS data may still go in clear. */
  required: "all" | "login" | undefined;
  /** A data connection must resume the TLS session of a connection before it. */
  reuse: boolean;
}

/** What an FTP server is told. */
export interface FtpSettings {
  /** The folder served to all who have none of their own. */
  folder: string;
  /** What `anonymous` may do; undefined: nobody comes in without a password. */
  anonymous: ReadonlySet<Right> | undefined;
  users: readonly User[];
  passivePorts: PortRange;
  /** The IPv4 address in PASV replies to clients outside of our own networks. */
  publicAddress?: string | undefined;
  timeouts: Timeouts;
  maxPerUser: number;
  /** Bytes a second for each transfer. */
  maxRate: number;
  /** The largest file that may come, in bytes. */
  maxFileSize: number;
  /** An upload that breaks off keeps what came, under its name. */
  keepPartial: boolean;
  tls?: FtpTls | undefined;
  log: Log;
}
