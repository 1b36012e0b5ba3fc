/** The relay of datagrams: a flow for each client, with a socket of its own towards the server. */
import { firstAddress } from "../../tools/net/client.ts";
import type { Datagram, DatagramEndpoint } from "../../tools/net/datagram.ts";
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

// A server that answers each request from a port of its own needs one each; a transfer under way needs few.
const MOST_SERVER_PORTS = 64;

interface Flow {
  number: number;
  client: Deno.NetAddr;
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
  readonly #delayed = new Set<ReturnType<typeof setTimeout>>();
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
    for (const timer of this.#delayed) clearTimeout(timer);
    for (const [key, flow] of this.#flows) this.#forget(key, flow);
    await Promise.all(this.#tasks);
  }

  async #flowFor(
    client: Deno.NetAddr,
    entrance: DatagramEndpoint,
  ): Promise<Flow | undefined> {
    const key = `${entrance.addr.hostname} ${client.hostname} ${client.port}`;
    const known = this.#flows.get(key);
    if (known) return known;
    const { log, faults } = this.#options;
    const peer = formatHostPort(unmapped(client.hostname), client.port);
    const refuse = (reason: string): undefined =>
      log.event("refused", { peer, reason }) as undefined;
    // Two small services that answer each other through us would never stop.
    if (SMALL_SERVICES.has(client.port)) return refuse("from the port of a small service");
    const address = await this.#serverAddress();
    if (address === undefined) return refuse(`no such host: ${this.#options.host}`);
    if (!this.#count.enter(unmapped(client.hostname))) return refuse("too many flows");
    const number = ++this.#flowNumber;
    const flow: Flow = {
      number,
      client,
      entrance,
      upstream: this.#options.open(address.includes(":") ? "::" : "0.0.0.0"),
      others: new Map(),
      faults: {
        up: new DatagramFaults(faults, "up", number),
        down: new DatagramFaults(faults, "down", number),
      },
      lastActive: Date.now(),
    };
    this.#flows.set(key, flow);
    log.event("flow", { number, peer });
    this.#run(this.#fromServer(flow, address));
    return flow;
  }

  async #serverAddress(): Promise<string | undefined> {
    try {
      return await (this.#address ??= firstAddress(this.#options.host, 0));
    } catch {
      this.#address = undefined; // The next client asks again.
      return undefined;
    }
  }

  async #fromServer(flow: Flow, address: string): Promise<void> {
    for (let came = await flow.upstream.receive(); came; came = await flow.upstream.receive()) {
      const { peer, data } = came;
      if (unmapped(peer.hostname) !== unmapped(address)) continue;
      const exit = peer.port === this.#options.port
        ? flow.entrance
        : flow.others.get(peer.port) ?? this.#openFor(flow, peer.port);
      if (!exit) continue;
      this.#show(flow, "down", data, peer.port, address);
      await this.#send(flow, "down", data, exit, flow.client);
    }
  }

  /** A port towards the client in place of the server's `port` (a TFTP server's TID, say). */
  #openFor(flow: Flow, port: number): DatagramEndpoint | undefined {
    if (flow.others.size >= MOST_SERVER_PORTS) return undefined;
    const endpoint = this.#options.open(flow.entrance.addr.hostname);
    flow.others.set(port, endpoint);
    this.#run(this.#fromClient(flow, endpoint, port));
    return endpoint;
  }

  async #fromClient(flow: Flow, endpoint: DatagramEndpoint, port: number): Promise<void> {
    for (let came = await endpoint.receive(); came; came = await endpoint.receive()) {
      if (isFrom(came, flow.client)) await this.#up(flow, came.data, port);
    }
  }

  async #up(flow: Flow, data: Uint8Array, port: number): Promise<void> {
    const hostname = await this.#address;
    if (hostname === undefined) return;
    this.#show(flow, "up", data, port, hostname);
    await this.#send(flow, "up", data, flow.upstream, { transport: "udp", hostname, port });
  }

  #show(
    { number, client }: Flow,
    direction: Direction,
    data: Uint8Array,
    port: number,
    address: string,
  ): void {
    const { printer, recorder } = this.#options;
    const plain = { hostname: unmapped(client.hostname), port: client.port };
    printer?.show(number, direction, formatHostPort(plain.hostname, plain.port), data);
    recorder?.datagram(direction, { client: plain, server: { hostname: address, port } }, data);
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
    for (const outgoing of flow.faults[direction].pass(data)) {
      if (outgoing.delay === 0) {
        await from.send(outgoing.data, to);
        continue;
      }
      const timer = setTimeout(() => {
        this.#delayed.delete(timer);
        this.#run(from.send(outgoing.data, to).then(() => {}));
      }, outgoing.delay);
      this.#delayed.add(timer);
    }
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

function isFrom({ peer }: Datagram, client: Deno.NetAddr): boolean {
  return peer.port === client.port && unmapped(peer.hostname) === unmapped(client.hostname);
}
