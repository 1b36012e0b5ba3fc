/** One client and its connection to the server, from the first moment to the last. */
import { closeQuietly, peerFailure } from "../../tools/net/errors.ts";
import { readProxyHeader } from "../../tools/net/proxy_header.ts";
import type { Endpoint, Recorder } from "../../tools/net/recorder.ts";
import type { Identity } from "../../tools/net/tls_identity.ts";
import { writeAll } from "../../tools/net/writer.ts";
import { EXIT, Failure } from "../../tools/program/failure.ts";
import type { Log } from "../../tools/program/log.ts";
import { formatHostPort, unmapped } from "../../tools/protocol/address.ts";
import type { Fault } from "../../tools/protocol/fault.ts";
import { encodeProxyV1, encodeProxyV2 } from "../../tools/protocol/proxy_protocol.ts";
import type { Printer } from "./printer.ts";
import { Relay, type Watcher } from "./relay.ts";
import type { Side } from "./side.ts";
import { type StreamFaults, withFaults } from "./stream_faults.ts";

/** How connections are relayed. */
export interface SessionOptions {
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
  faults: Fault[];
  log: Log;
  printer: Printer | undefined;
  recorder: Recorder | undefined;
  /** Connects to the server. */
  dial(signal: AbortSignal): Promise<Deno.TcpConn>;
}

/** One relayed connection. */
export class Session {
  readonly #options: SessionOptions;
  readonly #number: number;
  readonly #conn: Deno.TcpConn;
  readonly #started = Date.now();
  readonly #dialing = new AbortController();
  #client: Endpoint;
  #upstream: Deno.TcpConn | undefined;
  #faults: StreamFaults[] = [];
  #relay: Relay | undefined;
  #broken: string | undefined;

  /** `conn` is that of the client at `peer`; whoever accepted it closes it when this is over. */
  constructor(options: SessionOptions, number: number, conn: Deno.TcpConn, peer: Endpoint) {
    this.#options = options;
    this.#number = number;
    this.#conn = conn;
    this.#client = peer;
  }

  /** Relays until the end. */
  async run(): Promise<void> {
    const { log } = this.#options;
    let reason: string | undefined;
    try {
      this.#relay = await this.#setUp();
      log.event("connected", this.#names());
      await this.#relay.run();
    } catch (error) {
      reason = peerFailure(this.#names().peer, error).message;
    } finally {
      if (this.#upstream) closeQuietly(this.#upstream);
      for (const faults of this.#faults) faults.stop();
    }
    const seconds = (Date.now() - this.#started) / 1000;
    reason ??= this.#broken;
    if (!this.#relay) return log.event("failed", { ...this.#names(), seconds, reason });
    log.event("closed", { ...this.#names(), ...this.#relay.passed, seconds, reason });
  }

  /** Breaks off if it is too late at `now`: it took too long to set up, or nothing passed for too long. */
  checkTime(now: number): void {
    const { timeout, idleTimeout } = this.#options;
    if (!this.#relay) {
      if (now - this.#started >= timeout) this.breakOff("no answer in time");
    } else if (now - this.#relay.lastActive >= idleTimeout) {
      // What a fault holds back is on its way.
      if (!this.#faults.some(({ waiting }) => waiting)) this.breakOff("idle");
    }
  }

  /** Closes both connections, whatever is under way. */
  breakOff(reason: string): void {
    if (this.#broken !== undefined) return;
    this.#broken = reason;
    this.#dialing.abort();
    closeQuietly(this.#conn);
    if (this.#upstream) closeQuietly(this.#upstream);
    for (const faults of this.#faults) faults.stop();
  }

  /** Makes both connections ready. Throws an error that says with whom what went wrong. */
  async #setUp(): Promise<Relay> {
    const { host, port, dial, faults } = this.#options;
    let whom = formatEndpoint(this.#client);
    try {
      const { client, destination } = await this.#prepareClient();
      whom = formatHostPort(host, port);
      this.#upstream = await dial(this.#dialing.signal);
      this.#dialing.signal.throwIfAborted();
      const server = await this.#prepareServer(this.#upstream, destination);
      const sides = withFaults(faults, this.#number, client, server);
      this.#faults = sides.faults;
      return new Relay({
        ...sides,
        watchers: this.#watchers(this.#upstream),
        plain: sides.client === this.#conn && sides.server === this.#upstream,
        breakOff: () => this.breakOff("broken"),
      });
    } catch (error) {
      const said = this.#broken ?? (error instanceof Failure ? error.message : undefined);
      throw said === undefined
        ? peerFailure(whom, error)
        : new Failure(EXIT.refused, `${whom}: ${said}`);
    }
  }

  /** Reads what comes before the client's own words. `destination` is where the client thinks that it has connected to. */
  async #prepareClient(): Promise<{ client: Side; destination: Endpoint | undefined }> {
    const { acceptProxy, tlsListen } = this.#options;
    const said = acceptProxy ? await readProxyHeader(this.#conn) : undefined;
    if (said) this.#client = said.source;
    const destination = said?.destination;
    if (!tlsListen) return { client: this.#conn, destination };
    const { tlsServer } = await import("../../tools/net/tls.ts");
    return { client: await tlsServer(this.#conn, tlsListen), destination };
  }

  /** Says what comes before the client's words. */
  async #prepareServer(conn: Deno.TcpConn, destination: Endpoint | undefined): Promise<Side> {
    const { host, tlsUpstream, sendProxy } = this.#options;
    conn.setNoDelay();
    if (sendProxy) {
      const encode = sendProxy === "v1" ? encodeProxyV1 : encodeProxyV2;
      const proxied = { source: this.#client, destination: destination ?? this.#conn.localAddr };
      await writeAll(conn, encode(proxied));
    }
    if (!tlsUpstream) return conn;
    const { tlsClient } = await import("../../tools/net/tls.ts");
    return await tlsClient(conn, { host, ...tlsUpstream });
  }

  #watchers(upstream: Deno.TcpConn): Watcher[] {
    const { printer, recorder, port } = this.#options;
    const watchers: Watcher[] = [];
    if (printer) watchers.push(printer.connection(this.#number, formatEndpoint(this.#client)));
    if (recorder) {
      const server = { hostname: unmapped(upstream.remoteAddr.hostname), port };
      const comment = `connection ${this.#number}`;
      watchers.push(recorder.connection({ client: this.#client, server, comment }));
    }
    return watchers;
  }

  #names(): { number: number; peer: string } {
    return { number: this.#number, peer: formatEndpoint(this.#client) };
  }
}

function formatEndpoint({ hostname, port }: Endpoint): string {
  return formatHostPort(hostname, port);
}
