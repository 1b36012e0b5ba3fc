/** The relay of connections: each accepted one gets one of its own to the server. */
import { Deadline } from "../../tools/net/deadline.ts";
import { closeQuietly, peerFailure } from "../../tools/net/errors.ts";
import { readProxyHeader } from "../../tools/net/proxy_header.ts";
import type { Recorder } from "../../tools/net/recorder.ts";
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
  dial(signal: AbortSignal): Promise<Deno.TcpConn>;
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
    let client: ByteStream = conn;
    let relay: Relay | undefined;
    const started = Date.now();
    const fields = { number, peer: formatHostPort(peer.hostname, peer.port) };
    try {
      let proxied: Proxied = { source: peer, destination: conn.localAddr };
      ({ client, proxied } = await this.#prepareClient(conn, proxied));
      const { hostname, port } = proxied.source;
      const shown = formatHostPort(hostname, port);
      const { server, address } = await this.#dial(proxied);
      fields.peer = shown;
      log.event("connected", fields);
      const choose = this.#options.faults?.choose(number);
      relay = new Relay({
        client,
        server,
        watchers: this.#watchers(number, shown, proxied.source, address),
        faults: { up: choose?.("up", server), down: choose?.("down", client) },
      });
    } catch (error) {
      closeQuietly(client);
      const { message } = peerFailure(formatHostPort(host, port), error);
      return log.event("failed", { ...fields, reason: message });
    }
    this.#relays.add(relay);
    try {
      await relay.run();
    } finally {
      this.#relays.delete(relay);
      const { up, down } = relay.passed;
      log.event("closed", { ...fields, up, down, seconds: (Date.now() - started) / 1000 });
    }
  }

  /** Lets go of what is not a connection. */
  close(): void {
    clearInterval(this.#sweep);
  }

  /** Reads what comes before the client's own words. */
  async #prepareClient(
    conn: Deno.TcpConn,
    proxied: Proxied,
  ): Promise<{ client: ByteStream; proxied: Proxied }> {
    const { acceptProxy, tlsListen, timeout } = this.#options;
    if (!acceptProxy && !tlsListen) return { client: conn, proxied };
    using _deadline = new Deadline(timeout, () => closeQuietly(conn));
    const said = acceptProxy ? await readProxyHeader(conn) : undefined;
    let client: ByteStream = conn;
    if (tlsListen) {
      const { tlsServer } = await import("../../tools/net/tls.ts");
      client = await tlsServer(conn, tlsListen);
    }
    return { client, proxied: said ?? proxied };
  }

  async #dial(proxied: Proxied): Promise<{ server: ByteStream; address: Deno.NetAddr }> {
    const { host, tlsUpstream, sendProxy, timeout } = this.#options;
    const conn = await this.#options.dial(AbortSignal.timeout(timeout));
    const address = conn.remoteAddr as Deno.NetAddr;
    try {
      conn.setNoDelay();
      if (!sendProxy && !tlsUpstream) return { server: conn, address };
      using _deadline = new Deadline(timeout, () => closeQuietly(conn));
      if (sendProxy) {
        const header = sendProxy === "v1" ? encodeProxyV1(proxied) : encodeProxyV2(proxied);
        await writeAll(conn, header);
      }
      if (!tlsUpstream) return { server: conn, address };
      const { tlsClient } = await import("../../tools/net/tls.ts");
      return { server: await tlsClient(conn, { host, ...tlsUpstream }), address };
    } catch (error) {
      closeQuietly(conn);
      throw error;
    }
  }

  #watchers(
    number: number,
    shown: string,
    client: { hostname: string; port: number },
    address: Deno.NetAddr,
  ): Watcher[] {
    const { printer, recorder, port } = this.#options;
    const watchers: Watcher[] = [];
    if (printer) watchers.push(printer.connection(number, shown));
    if (recorder) {
      const server = { hostname: unmapped(address.hostname), port };
      watchers.push(recorder.connection({ client, server, comment: `connection ${number}` }));
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
