/** The relay of connections: each accepted one gets one of its own to the server. */
import { Deadline } from "../../tools/net/deadline.ts";
import { closeQuietly, peerFailure } from "../../tools/net/errors.ts";
import { readProxyHeader } from "../../tools/net/proxy_header.ts";
import type { Endpoint, Recorder } from "../../tools/net/recorder.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import { writeAll } from "../../tools/net/writer.ts";
import type { Log } from "../../tools/program/log.ts";
import { formatHostPort, unmapped } from "../../tools/protocol/address.ts";
import { encodeProxyV1, encodeProxyV2, type Proxied } from "../../tools/protocol/proxy_protocol.ts";
import type { Printer } from "./printer.ts";
import { Relay, type Watcher } from "./relay.ts";
import type { StreamFaultPlan } from "./stream_faults.ts";

/** A certificate and its key, in PEM. */
export interface Identity {
  cert: string;
  key: string;
}

/** How connections are relayed. */
export interface ConnectionOptions {
  /** The server's name or address, and port. */
  host: string;
  port: number;
  /** How long a connection may take to be set up, in milliseconds. */
  timeout: number;
  /** A connection on which nothing passes for so many milliseconds is closed. */
  idleTimeout: number;
  /** Speak TLS with clients. */
  tlsListen: Identity | undefined;
  /** Speak TLS with the server. */
  tlsUpstream: { insecure: boolean } | undefined;
  /** Clients are proxies that say whose connection it is. */
  acceptProxy: boolean;
  /** Tell the server whose connection it is, in this version. */
  sendProxy: "v1" | "v2" | undefined;
  faults: StreamFaultPlan | undefined;
  log: Log;
  printer: Printer | undefined;
  recorder: Recorder | undefined;
  /** Connects to the server. */
  dial(): Promise<Deno.TcpConn>;
}

/** Relays the connections of one proxy. */
export class ConnectionRelay {
  readonly #options: ConnectionOptions;
  readonly #relays = new Set<Relay>();
  readonly #sweep: ReturnType<typeof setInterval>;
  #number = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#sweep = setInterval(() => this.#closeIdle(), Math.max(250, options.idleTimeout / 8));
  }

  /** Relays one connection until it is over. `peer` is the client's address. */
  async serve(conn: Deno.TcpConn, peer: Deno.NetAddr): Promise<void> {
    const number = ++this.#number;
    const { host, port, log } = this.#options;
    const started = Date.now();
    const client = { hostname: peer.hostname, port: peer.port };
    let relay: Relay;
    try {
      relay = await this.#setUp(number, conn, client);
    } catch (error) {
      const { message } = peerFailure(formatHostPort(host, port), error);
      return log.event("failed", { number, peer: formatEndpoint(client), reason: message });
    }
    this.#relays.add(relay);
    try {
      await relay.run();
    } finally {
      this.#relays.delete(relay);
      const { up, down } = relay.passed;
      const seconds = (Date.now() - started) / 1000;
      log.event("closed", { number, peer: formatEndpoint(client), up, down, seconds });
    }
  }

  /** Lets go of what is not a connection. */
  close(): void {
    clearInterval(this.#sweep);
  }

  /** Makes both connections ready. `peer` becomes the address of the client that a PROXY header names. */
  async #setUp(number: number, conn: Deno.TcpConn, peer: Endpoint): Promise<Relay> {
    const { log, faults, timeout } = this.#options;
    const expired = Promise.withResolvers<never>();
    expired.promise.catch(() => {});
    let upstream: Deno.TcpConn | undefined;
    using deadline = new Deadline(timeout, () => {
      expired.reject(new Deno.errors.TimedOut());
      for (const side of [conn, upstream]) if (side) closeQuietly(side);
    });
    try {
      const { client, destination } = await this.#prepareClient(conn, peer);
      // Cheaper than a signal for each connect; a connect that ends late is closed then.
      const dialing = this.#options.dial();
      dialing.then((late) => deadline.expired && closeQuietly(late), () => {});
      upstream = await Promise.race([dialing, expired.promise]);
      const address = upstream.remoteAddr;
      const server = await this.#prepareServer(upstream, { source: peer, destination });
      log.event("connected", { number, peer: formatEndpoint(peer) });
      const choose = faults?.choose(number);
      return new Relay({
        client,
        server,
        watchers: this.#watchers(number, peer, address),
        faults: { up: choose?.("up", server), down: choose?.("down", client) },
      });
    } catch (error) {
      if (upstream) closeQuietly(upstream);
      throw deadline.expired ? new Deno.errors.TimedOut() : error;
    }
  }

  /** Reads what comes before the client's own words. */
  async #prepareClient(
    conn: Deno.TcpConn,
    peer: Endpoint,
  ): Promise<{ client: ByteStream; destination: Endpoint }> {
    const { acceptProxy, tlsListen } = this.#options;
    const said = acceptProxy ? await readProxyHeader(conn) : undefined;
    if (said) Object.assign(peer, said.source);
    const destination = said?.destination ?? conn.localAddr;
    if (!tlsListen) return { client: conn, destination };
    const { tlsServer } = await import("../../tools/net/tls.ts");
    return { client: await tlsServer(conn, tlsListen), destination };
  }

  /** Says what comes before the client's words. */
  async #prepareServer(conn: Deno.TcpConn, proxied: Proxied): Promise<ByteStream> {
    const { host, tlsUpstream, sendProxy } = this.#options;
    conn.setNoDelay();
    if (sendProxy) {
      await writeAll(conn, sendProxy === "v1" ? encodeProxyV1(proxied) : encodeProxyV2(proxied));
    }
    if (!tlsUpstream) return conn;
    const { tlsClient } = await import("../../tools/net/tls.ts");
    return await tlsClient(conn, { host, ...tlsUpstream });
  }

  #watchers(
    number: number,
    client: Endpoint,
    address: Deno.NetAddr,
  ): Watcher[] {
    const { printer, recorder, port } = this.#options;
    const watchers: Watcher[] = [];
    if (printer) watchers.push(printer.connection(number, formatEndpoint(client)));
    if (recorder) {
      const server = { hostname: unmapped(address.hostname), port };
      watchers.push(
        recorder.connection({ client: { ...client }, server, comment: `connection ${number}` }),
      );
    }
    return watchers;
  }

  #closeIdle(): void {
    const oldest = Date.now() - this.#options.idleTimeout;
    for (const relay of this.#relays) {
      if (relay.lastActive < oldest) relay.close();
    }
  }
}

function formatEndpoint({ hostname, port }: Endpoint): string {
  return formatHostPort(hostname, port);
}
