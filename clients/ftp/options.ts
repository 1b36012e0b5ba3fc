/** What a session and its transfers are told, and what they tell. */
import type { Trace } from "../../tools/program/trace.ts";
import type { Reply } from "../../tools/protocol/ftp_reply.ts";
import type { Secret } from "../../tools/protocol/secret.ts";
import type { FtpNetwork } from "./network.ts";

/** Whom to talk to, and how. */
export interface FtpOptions extends FtpNetwork {
  /** A name or an address; with TLS the certificate must be for it. */
  host: string;
  port: number;
  /** `explicit` asks for TLS by AUTH TLS (RFC 4217), `implicit` begins with it. Nothing goes in clear then, whatever the server says. */
  tls: "none" | "explicit" | "implicit";
  /** Take any certificate. */
  insecure: boolean;
  /** The character set of names; see `charset`. */
  encoding: string;
  /** The longest silence of the server in milliseconds. */
  timeout: number;
  /** We connect to the server for data; otherwise it connects to us. */
  passive: boolean;
  /** Follow a PASV answer to another host. */
  trustPassiveHost: boolean;
  trace: Trace;
}

/** Who logs in. */
export interface FtpLogin {
  user: string;
  password: Secret;
  /** For a server that asks for one (332). */
  account?: Secret | undefined;
}

/** How a transfer goes. */
export interface TransferOptions {
  /** Hears of the bytes on the wire so far, `offset` included. */
  onProgress?: ((bytes: number) => void) | undefined;
  /** TYPE A: lines end in CRLF on the wire and in LF here. Not together with `offset`. */
  ascii?: boolean | undefined;
  /** Go on at this byte (REST): `sink` gets the rest only, `source` gives the rest only. */
  offset?: number | undefined;
  /**
   * For many small files: the server is told things as soon as that can do no
   * harm, not only when it has answered what it was told before. `abort` is not
   * for such a transfer.
   */
  pipelined?: boolean | undefined;
}

/** How a download goes. */
export interface DownloadOptions extends TransferOptions {
  /** The most bytes that `sink` gets at once. */
  piece?: number | undefined;
}

/** Where an upload goes. */
export interface UploadOptions extends TransferOptions {
  /** Add to the end of the file (APPE). */
  append?: boolean | undefined;
  /** Let the server choose a name that is new (STOU); the path is not sent. */
  unique?: boolean | undefined;
}

/** What a transfer did. */
export interface Transferred {
  /** The bytes on the wire. */
  bytes: number;
  reply: Reply;
}

/** What an upload did. */
export interface Uploaded extends Transferred {
  /** With `unique`: the name that the server chose, if it said so. */
  name: string | undefined;
}
