/** The relay of datagrams: a flow for each client, with a socket of its own towards the server. */
import { firstAddress } from "../../tools/net/client.ts";
import type { DatagramEndpoint } from "../../tools/net/datagram.ts";
import { peerFailure } from "../../tools/net/errors.ts";
import { type Caps, ConnectionCount } from "../../tools/net/limits.ts";
import type { Recorder } from "../../tools/net/recorder.ts";
import type { Log } from "../../tools/program/log.ts";
import { formatHostPort, unmapped } from "../../tools/protocol/address.ts";
import { SMALL_SERVICES } from "../../tools/protocol/daytime.ts";
import type { Fault } from "../../tools/protocol/fault.ts";
import type { Direction } from "../../tools/protocol/synthetic_tcp.ts";
import { DatagramFaults } from "./datagram_faults.ts";
import type { Printer } from "./printer.ts";

/** How datagrams are relayed. */
export interface DatagramOptions extends Caps {
  /** The server's name or address, and port. */
  host: string;
  port: number;
  /** A flow that is silent for so many milliseconds is forgotten. */
  idleTimeout: number;
  faults: Fault[];
  log: Log;
  printer: Printer | undefined;
  recorder: Recorder | undefined;
  /** Opens a socket at an address of ours, on a port of the system's choice. */
  open(hostname: string): DatagramEndpoint;
}

/** A server may answer each request from a port of its own; of more than so many the oldest is forgotten. */
export const MOST_SERVER_PORTS = 16;
/** So many bytes of datagrams may wait for their time; beyond that they are lost, as where a line is full. */
export const MOST_DELAYED = 16 << 20;

interface Flow {
  number: number;
  client: Deno.NetAddr;
  /** The server's address. */
  server: string;
  /** Where the client's first datagram came in, and where answers from the server's main port leave. */
  entrance: DatagramEndpoint;
  upstream: DatagramEndpoint;
  /** For each further port the server answered from, a port of ours that stands for it. */
  others: Map<number, DatagramEndpoint>;
  faults: Record<Direction, DatagramFaults>;
  lastActive: number;
}

/** Relays datagrams from any number of clients to one server. */
export class DatagramRelay {
  readonly #options: DatagramOptions;
  readonly #count: ConnectionCount;
  readonly #flows = new Map<string, Flow>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #delayed = 0;
  readonly #tasks = new Set<Promise<void>>();
  readonly #sweep: ReturnType<typeof setInterval>;
  #address: Promise<string> | undefined;
  #flowNumber = 0;

  constructor(options: DatagramOptions) {
    this.#options = options;
    this.#count = new ConnectionCount(options);
    this.#sweep = setInterval(() => this.#forgetIdle(), Math.max(1000, options.idleTimeout / 8));
  }

  /** Relays what comes in at `entrance` until that is closed. */
  async run(entrance: DatagramEndpoint): Promise<void> {
    for (let came = await entrance.receive(); came; came = await entrance.receive()) {
      const flow = await this.#flowFor(came.peer, entrance);
      if (flow) await this.#up(flow, came.data, this.#options.port);
    }
  }

  /** Forgets all flows. Resolves when their sockets are closed. */
  async close(): Promise<void> {
    clearInterval(this.#sweep);
    for (const timer of this.#timers) clearTimeout(timer);
    for (const [key, flow] of this.#flows) this.#forget(key, flow);
    await Promise.all(this.#tasks);
  }

  async #flowFor(client: Deno.NetAddr, entrance: DatagramEndpoint): Promise<Flow | undefined> {
    const key = `${entrance.addr.hostname} ${client.hostname} ${client.port}`;
    const known = this.#flows.get(key);
    if (known) return known;
    const { log, faults, host, port } = this.#options;
    const hostname = unmapped(client.hostname);
    const peer = formatHostPort(hostname, client.port);
    const refuse = (reason: string): undefined => void log.event("refused", { peer, reason });
    // Two services that answer each other through us, or we ourselves, would never stop.
    if (SMALL_SERVICES.has(client.port)) return refuse("from the port of a small service");
    if (isFrom(client, entrance.addr)) return refuse("from our own port");
    let server: string;
    try {
      server = await (this.#address ??= firstAddress(host, 0));
    } catch (error) {
      this.#address = undefined; // The next client asks again.
      return refuse(peerFailure(formatHostPort(host, port), error).message);
    }
    if (!this.#count.enter(hostname)) return refuse("too many flows");
    const upstream = this.#open(server.includes(":") ? "::" : "0.0.0.0");
    if (!upstream) {
      this.#count.leave(hostname);
      return;
    }
    const number = ++this.#flowNumber;
    const flow: Flow = {
      number,
      client,
      server,
      entrance,
      upstream,
      others: new Map(),
      faults: {
        up: new DatagramFaults(faults, "up", number),
        down: new DatagramFaults(faults, "down", number),
      },
      lastActive: Date.now(),
    };
    this.#flows.set(key, flow);
    log.event("flow", { number, peer });
    this.#run(this.#fromServer(flow));
    return flow;
  }

  /** A socket at an address of ours; undefined when there is none to be had. */
  #open(hostname: string): DatagramEndpoint | undefined {
    try {
      return this.#options.open(hostname);
    } catch (error) {
      const reason = (error as { code?: string }).code ?? String(error);
      return void this.#options.log.event("cannot open a socket", { reason });
    }
  }

  async #fromServer(flow: Flow): Promise<void> {
    for (let came = await flow.upstream.receive(); came; came = await flow.upstream.receive()) {
      const { peer: { hostname, port }, data } = came;
      if (unmapped(hostname) !== unmapped(flow.server)) continue;
      const exit = port === this.#options.port
        ? flow.entrance
        : flow.others.get(port) ?? this.#openFor(flow, port);
      if (!exit) continue;
      this.#show(flow, "down", data, port);
      await this.#send(flow, "down", data, exit, flow.client);
    }
  }

  /** A port towards the client in place of the server's `port` (a TFTP server's TID, say). */
  #openFor(flow: Flow, port: number): DatagramEndpoint | undefined {
    const endpoint = this.#open(flow.entrance.addr.hostname);
    if (!endpoint) return undefined;
    const [oldest] = flow.others;
    if (oldest && flow.others.size >= MOST_SERVER_PORTS) {
      oldest[1].close();
      flow.others.delete(oldest[0]);
    }
    flow.others.set(port, endpoint);
    this.#run(this.#fromClient(flow, endpoint, port));
    return endpoint;
  }

  async #fromClient(flow: Flow, endpoint: DatagramEndpoint, port: number): Promise<void> {
    for (let came = await endpoint.receive(); came; came = await endpoint.receive()) {
      if (isFrom(came.peer, flow.client)) await this.#up(flow, came.data, port);
    }
  }

  async #up(flow: Flow, data: Uint8Array, port: number): Promise<void> {
    this.#show(flow, "up", data, port);
    const to: Deno.NetAddr = { transport: "udp", hostname: flow.server, port };
    await this.#send(flow, "up", data, flow.upstream, to);
  }

  #show(flow: Flow, direction: Direction, data: Uint8Array, port: number): void {
    const { printer, recorder } = this.#options;
    const client = { hostname: unmapped(flow.client.hostname), port: flow.client.port };
    printer?.show(flow.number, direction, formatHostPort(client.hostname, client.port), data);
    recorder?.datagram(direction, { client, server: { hostname: flow.server, port } }, data);
  }

  async #send(
    flow: Flow,
    direction: Direction,
    data: Uint8Array,
    from: DatagramEndpoint,
    to: Deno.NetAddr,
  ): Promise<void> {
    flow.lastActive = Date.now();
    if (this.#options.faults.length === 0) {
      await from.send(data, to);
      return;
    }
    for (const { data: copy, delay } of flow.faults[direction].pass(data)) {
      if (delay === 0) await from.send(copy, to);
      else this.#sendLater(copy, delay, from, to);
    }
  }

  #sendLater(data: Uint8Array, delay: number, from: DatagramEndpoint, to: Deno.NetAddr): void {
    if (this.#delayed + data.length > MOST_DELAYED) return;
    this.#delayed += data.length;
    const timer = setTimeout(() => {
      this.#delayed -= data.length;
      this.#timers.delete(timer);
      this.#run(from.send(data, to).then(() => {}));
    }, delay);
    this.#timers.add(timer);
  }

  #forgetIdle(): void {
    const oldest = Date.now() - this.#options.idleTimeout;
    for (const [key, flow] of this.#flows) {
      if (flow.lastActive < oldest) this.#forget(key, flow);
    }
  }

  #forget(key: string, flow: Flow): void {
    this.#flows.delete(key);
    this.#count.leave(unmapped(flow.client.hostname));
    flow.upstream.close();
    for (const endpoint of flow.others.values()) endpoint.close();
  }

  #run(task: Promise<void>): void {
    const settled = task.catch((error) =>
      this.#options.log.event("failed", { reason: String(error) })
    ).finally(() => this.#tasks.delete(settled));
    this.#tasks.add(settled);
  }
}

function isFrom(peer: Deno.NetAddr, address: Deno.NetAddr): boolean {
  return peer.port === address.port && unmapped(peer.hostname) === unmapped(address.hostname);
}
