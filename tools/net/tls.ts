/**
 * TLS over a connection that Deno.listen or Deno.connect made. Deno's own
 * startTls cannot be a server and never resumes a session, which FTP servers
 * ask of the data connection; node:tls can do both, over any Duplex.
 */
import tls from "node:tls";
import { EXIT, Failure } from "../program/failure.ts";
import type { ByteStream } from "./stream.ts";
import type { Identity } from "./tls_identity.ts";
import { tlsReason } from "./tls_reason.ts";
import { LowerStream, TlsConnection, type TlsStream } from "./tls_stream.ts";

export type { Identity as TlsServerOptions, TlsStream };

/** How a client checks and names the server. */
export interface TlsClientOptions {
  /** The name or address the certificate must be for. */
  host: string;
  /** Take any certificate. */
  insecure: boolean;
  /** A session of an earlier connection to the same server, to resume. */
  session?: Uint8Array | undefined;
}

/**
 * Trusts the authorities of `pem` from now on, beside the usual ones. It holds
 * for the whole process, since a list for a single connection would keep
 * node:tls from resuming sessions. Throws RangeError when there are none in it.
 */
export function trustAlso(pem: string): void {
  const certificates = pem.match(CERTIFICATE) ?? [];
  const usual = tls.getCACertificates("default");
  // Node's types do not know the call yet.
  const { setDefaultCACertificates } = tls as unknown as {
    setDefaultCACertificates(certificates: string[]): void;
  };
  try {
    if (certificates.length === 0) throw new Error("no certificate");
    setDefaultCACertificates([...usual, ...certificates]);
  } catch (error) {
    throw new RangeError("there is no certificate in PEM form in it", { cause: error });
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Makes `conn`, on which nothing may be pending or buffered, a TLS connection
 * as its client. Throws Failure (exit code 1) when the server's certificate is
 * not good, or what it sends is not TLS. `conn` is then closed.
 */
export async function tlsClient(
  conn: ByteStream,
  { host, insecure, session }: TlsClientOptions,
): Promise<TlsStream> {
  const isName = !/^[\d.]+$|:/.test(host); // RFC 6066 section 3: server_name holds names, never addresses.
  return await handshake(conn, "secureConnect", (below) =>
    tls.connect({
      socket: below,
      host,
      rejectUnauthorized: !insecure,
      ...(isName ? { servername: host } : {}),
      ...(session ? { session: session as never } : {}),
    }));
}

/** Makes `conn` a TLS connection as its server. Throws Failure when the handshake fails; `conn` is then closed. */
export async function tlsServer(
  conn: ByteStream,
  identity: Identity,
): Promise<TlsStream> {
  return await handshake(conn, "secure", (below) => {
    const socket = new tls.TLSSocket(below as never, { isServer: true, ...identity });
    socket.once("secure", () => below.holdTickets());
    return socket;
  });
}

/** Waits until the socket says `done`. There is no time-out: whoever closes `conn` ends it. */
async function handshake(
  conn: ByteStream,
  done: string,
  open: (below: LowerStream) => tls.TLSSocket,
): Promise<TlsStream> {
  const below = new LowerStream(conn);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const gone = (): void => reject(new Error("the peer closed the connection"));
  try {
    const socket = below.above = open(below);
    socket.once(done, resolve);
    socket.once("error", reject);
    // A reset below gives 'close' alone, and an end nothing at all.
    socket.once("close", gone);
    below.once("end", gone);
    await promise;
    return new TlsConnection(socket, below);
  } catch (error) {
    below.abort();
    // Not the peer's doing: a time-out, or a close of our own.
    if (below.failure && !isCut(below.failure)) throw below.failure;
    throw new Failure(EXIT.refused, `TLS: ${tlsReason(error)}`, { cause: error });
  }
}

function isCut(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe;
}
