/**
 * TLS over a connection that Deno.listen or Deno.connect made. Deno's own
 * startTls cannot be a server and never resumes a session, which FTP servers
 * ask of the data connection; node:tls can do both, over any Duplex.
 */
import { Duplex } from "node:stream";
import tls from "node:tls";
import { EXIT, Failure } from "../program/failure.ts";
import { visible } from "../protocol/text.ts";
import { closeQuietly, isGone } from "./errors.ts";
import type { ByteStream } from "./stream.ts";
import { writeAll } from "./writer.ts";

/** How a client checks and names the server. */
export interface TlsClientOptions {
  /** The name or address the certificate must be for. */
  host: string;
  /** Take any certificate. */
  insecure: boolean;
  /** A session of an earlier connection to the same server, to resume. */
  session?: Uint8Array | undefined;
}

/** A server's certificate chain and private key, in PEM. */
export interface TlsServerOptions {
  cert: string;
  key: string;
}

/** A connection protected by TLS. */
export interface TlsStream extends ByteStream {
  /** The session, for `TlsClientOptions.session`. */
  session(): Uint8Array | undefined;
  /** Whether the handshake resumed an earlier session. */
  resumed: boolean;
  /** Such as `TLSv1.3`. */
  version: string;
}

/** From the size of TLS records, which hold 16 KiB. */
const READ_SIZE = 64 * 1024;

/**
 * Trusts the authorities of `pem` from now on, beside the usual ones. It holds
 * for the whole process, since a list for a single connection would keep
 * node:tls from resuming sessions.
 */
export function trustAlso(pem: string): void {
  // Node's types do not know the call yet.
  const { setDefaultCACertificates } = tls as unknown as {
    setDefaultCACertificates(certificates: string[]): void;
  };
  setDefaultCACertificates([...tls.getCACertificates("default"), pem]);
}

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
  const socket = tls.connect({
    socket: asDuplex(conn),
    host,
    rejectUnauthorized: !insecure,
    ...(isName ? { servername: host } : {}),
    ...(session ? { session: session as never } : {}),
  });
  return await handshake(conn, socket, "secureConnect");
}

/** Makes `conn` a TLS connection as its server. Throws Failure when the handshake fails; `conn` is then closed. */
export async function tlsServer(
  conn: ByteStream,
  options: TlsServerOptions,
): Promise<TlsStream> {
  const socket = new tls.TLSSocket(asDuplex(conn) as never, {
    isServer: true,
    ...options,
  });
  return await handshake(conn, socket, "secure");
}

async function handshake(
  conn: ByteStream,
  socket: tls.TLSSocket,
  done: string,
): Promise<TlsStream> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // A reset below gives 'close' alone, neither 'end' nor 'error'.
  socket.once(done, resolve);
  socket.once("error", reject);
  socket.once(
    "close",
    () => reject(new Error("the peer closed the connection")),
  );
  try {
    await promise;
  } catch (error) {
    socket.destroy();
    closeQuietly(conn);
    throw new Failure(EXIT.refused, `TLS: ${handshakeReason(error)}`, {
      cause: error,
    });
  }
  return new BridgedStream(conn, socket);
}

function handshakeReason(error: unknown): string {
  const { code = "", message } = error as { code?: string; message: string };
  const hint = "(--cacert FILE trusts its authority, --insecure checks nothing)";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return `the certificate is for another host: ${
      visible(message.replace(/^.*?altnames: /s, ""))
    }`;
  }
  if (
    /SELF_SIGNED|UNABLE_TO|UNKNOWN_?ISSUER|unable to get|self.signed/i.test(
      `${code} ${message}`,
    )
  ) {
    return `the certificate comes from an unknown authority ${hint}`;
  }
  if (/EXPIRED/i.test(`${code} ${message}`)) {
    return `the certificate has expired ${hint}`;
  }
  if (
    /wrong.version|InvalidContentType|corrupt|ERR_SSL_|InvalidMessage/i.test(
      `${code} ${message}`,
    )
  ) {
    return "the peer does not speak TLS on this port";
  }
  return visible(message);
}

/** A node stream over `conn`, for node:tls to speak through. */
function asDuplex(conn: ByteStream): Duplex {
  let buffer = new Uint8Array(READ_SIZE);
  const duplex: Duplex = new Duplex({
    allowHalfOpen: true,
    read(): void {
      conn.read(buffer).then((length) => {
        // The data goes on without a copy, so the next read gets a new buffer.
        const data = length === null ? null : buffer.subarray(0, length);
        if (data !== null) buffer = new Uint8Array(READ_SIZE);
        duplex.push(data);
      }, (error) => duplex.destroy(isGone(error) ? undefined : error));
    },
    write(data: Uint8Array, _encoding, callback): void {
      writeAll(conn, data).then(() => callback(), callback);
    },
    final(callback): void {
      conn.closeWrite().then(() => callback(), () => callback());
    },
    destroy(error, callback): void {
      closeQuietly(conn);
      callback(error);
    },
  });
  return duplex;
}

/** A TLSSocket as a ByteStream. */
class BridgedStream implements TlsStream {
  readonly #conn: ByteStream;
  readonly #socket: tls.TLSSocket;
  #rest: Uint8Array = new Uint8Array(0);
  #ended = false;
  #closed: { error: Error } | undefined;
  #wake = (): void => {};

  constructor(conn: ByteStream, socket: tls.TLSSocket) {
    this.#conn = conn;
    this.#socket = socket;
    socket.on("readable", () => this.#wake());
    socket.on("end", () => {
      this.#ended = true;
      this.#wake();
    });
    const close = (error?: Error): void => {
      this.#closed ??= {
        error: error ?? new Deno.errors.ConnectionReset("connection closed"),
      };
      this.#wake();
    };
    socket.on("error", close);
    socket.on("close", () => close());
  }

  get resumed(): boolean {
    return this.#socket.isSessionReused();
  }

  get version(): string {
    return this.#socket.getProtocol() ?? "";
  }

  session(): Uint8Array | undefined {
    return this.#socket.getSession();
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const data = this.#socket.read() as Uint8Array | null;
      if (data !== null) this.#rest = data;
      else if (this.#ended) return null;
      else if (this.#closed) throw this.#closed.error;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const length = Math.min(this.#rest.length, buffer.length);
    buffer.set(this.#rest.subarray(0, length));
    this.#rest = this.#rest.subarray(length);
    return length;
  }

  write(data: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#socket.write(
        data,
        (error) => error ? reject(error) : resolve(data.length),
      );
    });
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve) => this.#socket.end(resolve));
  }

  close(): void {
    // What end() still has to send, close_notify included, goes out before the connection closes.
    if (this.#closed) closeQuietly(this.#conn);
    else if (this.#socket.writableEnded) this.#socket.destroySoon();
    else this.#socket.end(() => this.#socket.destroySoon());
  }
}
