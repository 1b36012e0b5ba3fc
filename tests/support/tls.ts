/** TLS in memory. */
import { tlsClient, tlsServer, type TlsStream } from "../../tools/net/tls.ts";
import { SERVER } from "./identities.ts";
import { streamPair, type TestStream } from "./stream.ts";

/** One end of the connection that TLS runs on. */
export interface Lower extends TestStream {
  /** Resolves when TLS has closed it. */
  closed: Promise<void>;
  isClosed: boolean;
}

/** Both ends of a connection in memory for TLS to run on; `most` as for `streamPair`. */
export function lowerPair(most = Infinity): [Lower, Lower] {
  const watched = (stream: TestStream): Lower => {
    const closed = Promise.withResolvers<void>();
    return {
      ...stream,
      closed: closed.promise,
      isClosed: false,
      close(): void {
        this.isClosed = true;
        stream.close();
        closed.resolve();
      },
    };
  };
  const [one, other] = streamPair({ most });
  return [watched(one), watched(other)];
}

/** Both ends of a TLS connection in memory, and of the connection below. */
export interface TlsPair extends AsyncDisposable {
  client: TlsStream;
  server: TlsStream;
  below: { client: Lower; server: Lower };
}

/** Makes a pair whose certificate nobody checks. */
export async function tlsPair(most?: number): Promise<TlsPair> {
  const [a, b] = lowerPair(most);
  const [client, server] = await Promise.all([
    tlsClient(a, { host: "server.test", insecure: true }),
    tlsServer(b, SERVER),
  ]);
  return {
    client,
    server,
    below: { client: a, server: b },
    async [Symbol.asyncDispose](): Promise<void> {
      client.close();
      server.close();
      await Promise.all([a.closed, b.closed]);
    },
  };
}
