/** The ports of a TFTP server, and who gets which packet. */
import type { Jail } from "../../tools/files/jail.ts";
import type { DatagramEndpoint } from "../../tools/net/datagram.ts";
import { type Caps, ConnectionCount } from "../../tools/net/limits.ts";
import { plainMessage } from "../../tools/program/failure.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import { unmapped } from "../../tools/protocol/address.ts";
import { SMALL_SERVICES } from "../../tools/protocol/daytime.ts";
import {
  encodeError,
  ERROR_CODE,
  OPCODE,
  opcodeOf,
  parsePacket,
  type RequestPacket,
} from "../../tools/protocol/tftp_packet.ts";
import { isAllowed } from "./allow_list.ts";
import { Budget, MOST_HELD } from "./budget.ts";
import { errorFor, Refusal, STOPPING, TOO_MANY } from "./refusal.ts";
import { type Channel, type Receive, TftpSession } from "./session.ts";
import type { TftpSettings } from "./settings.ts";

/** In milliseconds. With one port, a request that comes again while its transfer moved so lately is a late copy. */
const LATE_COPY = 3000;

/** What a service is given. */
export interface ServiceOptions extends TftpSettings, Caps {
  /** Opens a socket at an address of ours for packets of up to `longest` bytes. Throws Deno.errors.AddrInUse. */
  openPort(hostname: string, port: number, longest: number): DatagramEndpoint;
}

interface Running {
  session: TftpSession;
  /** The request as it came. */
  request: Uint8Array;
  lastActive: number;
}

/** Answers requests at any number of addresses. */
export class TftpService {
  readonly #options: ServiceOptions;
  readonly #jails: Promise<{ jail: Jail; uploads: Jail }>;
  readonly #count: ConnectionCount;
  readonly #budget: Budget;
  /** All, and when nothing of each is left. */
  readonly #sessions = new Map<TftpSession, Promise<void>>();
  /** Those that only wait lest the last acknowledgement was lost. */
  readonly #dallying = new Set<TftpSession>();
  /** The latest of each client's TID and address of ours. */
  readonly #running = new Map<string, Running>();
  readonly #tasks = new Set<Promise<void>>();
  #stopping = false;

  constructor(options: ServiceOptions, jails: Promise<{ jail: Jail; uploads: Jail }>) {
    this.#options = options;
    this.#jails = jails;
    jails.catch(() => {}); // Each request hears of it.
    this.#count = new ConnectionCount(options);
    this.#budget = new Budget(options.memory ?? MOST_HELD);
  }

  /**
   * Serves what comes in at `entrance` until that is closed. A broadcast is
   * answered too, against RFC 1123 section 4.2.3.5: old boot ROMs know no server,
   * and nothing here tells it from a request to an address that came later.
   */
  async run(entrance: DatagramEndpoint): Promise<void> {
    for (let came = await entrance.receive(); came; came = await entrance.receive()) {
      const { data, peer, cut } = came;
      const key = `${entrance.addr.hostname} ${peer.hostname} ${peer.port}`;
      const opcode = opcodeOf(data);
      if (opcode === OPCODE.RRQ || opcode === OPCODE.WRQ) {
        // Deno may not let us answer this client; that is no reason to answer nobody.
        await this.#request(entrance, key, data, peer, cut).catch((error) => this.#failed(error));
      } else if (this.#options.singlePort) {
        const running = this.#running.get(key);
        if (!running) continue;
        running.lastActive = performance.now();
        // What follows holds nobody else up.
        void running.session.receive(data);
      }
      // Anything else is never answered: two servers would answer each other for ever.
    }
  }

  async #request(
    entrance: DatagramEndpoint,
    key: string,
    data: Uint8Array,
    peer: Deno.NetAddr,
    cut: boolean,
  ): Promise<void> {
    const address = unmapped(peer.hostname);
    const { log, singlePort } = this.#options;
    const note = (event: string, reason: string): void =>
      log.event(event, { peer: address, port: peer.port, reason });
    if (SMALL_SERVICES.has(peer.port)) return note("ignored", "from the port of a small service");
    if (!this.#isAllowed(address)) return note("ignored", "not allowed");
    if (this.#stopping || this.#isCopy(key, data)) return;
    const reply = (packet: Uint8Array): Promise<boolean> => entrance.send(packet, peer);
    try {
      if (cut) throw new ProtocolError("the request is too long");
      const request = parsePacket(data) as RequestPacket;
      const { jail, uploads } = await this.#jails;
      if (!await this.#enter(address)) throw TOO_MANY;
      const session: TftpSession = new TftpSession({
        settings: this.#options,
        jail,
        uploads,
        budget: this.#budget,
        request,
        peer,
        reply,
        open: (longest, receive) =>
          singlePort
            ? { send: reply, close(): void {} }
            : this.#openChannel(entrance.addr.hostname, peer, longest, receive),
        delivered: () => this.#dallying.add(session),
      });
      this.#start(key, { session, request: data.slice(), lastActive: performance.now() });
    } catch (error) {
      const { code, message } = errorFor(error);
      note("refused", message);
      await reply(encodeError(code, message));
    }
  }

  /** Whether this request was taken already. A transfer in the way of a new one is ended. */
  #isCopy(key: string, request: Uint8Array): boolean {
    const known = this.#running.get(key);
    if (!known) return false;
    const { session, lastActive } = known;
    const same = !session.delivered && equal(known.request, request);
    // With ports of their own a client can tell two transfers apart, and ends the one it has no use for.
    if (!this.#options.singlePort && session.heard) return false;
    if (same && (!session.heard || performance.now() - lastActive < LATE_COPY)) return true;
    session.stop(new Refusal("undefined", "The client asked for something else"), false);
    return false;
  }

  /** Takes a slot. Who only dallies gives its slot to another transfer of the same address that needs it. */
  async #enter(address: string): Promise<boolean> {
    while (!this.#count.enter(address)) {
      const waiting = [...this.#dallying].find((session) => session.address === address);
      if (!waiting) return false;
      waiting.hurry();
      await this.#sessions.get(waiting);
    }
    return true;
  }

  #start(key: string, running: Running): void {
    const { session } = running;
    this.#running.set(key, running);
    const run = session.run().finally(() => {
      this.#count.leave(session.address);
      this.#sessions.delete(session);
      this.#dallying.delete(session);
      if (this.#running.get(key) === running) this.#running.delete(key);
    });
    this.#sessions.set(session, run);
    this.#track(run);
  }

  #isAllowed(address: string): boolean {
    const { allow } = this.#options;
    return allow.length === 0 || isAllowed(allow, address);
  }

  /** A port for one transfer, at the address that was asked. */
  #openChannel(
    hostname: string,
    peer: Deno.NetAddr,
    longest: number,
    receive: Receive,
  ): Channel {
    const endpoint = this.#openPort(hostname, longest);
    const mayAnswer = ({ hostname, port }: Deno.NetAddr): boolean =>
      !SMALL_SERVICES.has(port) && this.#isAllowed(unmapped(hostname));
    this.#track(readChannel(endpoint, peer, receive, mayAnswer));
    return {
      send: (packet) => endpoint.send(packet, peer),
      close: () => endpoint.close(),
    };
  }

  #openPort(hostname: string, longest: number): DatagramEndpoint {
    const { ports, openPort } = this.#options;
    if (!ports) return openPort(hostname, 0, longest);
    // In turn would be easy to guess, by whoever has asked for a file too.
    const number = ports.last - ports.first + 1;
    const [start = 0] = crypto.getRandomValues(new Uint32Array(1));
    for (let i = 0; i < number; i++) {
      try {
        return openPort(hostname, ports.first + (start + i) % number, longest);
      } catch (error) {
        if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      }
    }
    throw new Refusal("undefined", "No port is free; try later");
  }

  #track(task: Promise<void>): void {
    const tracked = task
      .catch((error) => this.#failed(error))
      .finally(() => this.#tasks.delete(tracked));
    this.#tasks.add(tracked);
  }

  #failed(error: unknown): void {
    this.#options.log.event("failed", { reason: plainMessage(error) });
  }

  /** Takes no more requests. What is under way goes on. */
  refuse(): void {
    this.#stopping = true;
    for (const session of this.#sessions.keys()) session.hurry();
  }

  /** Resolves when no transfer goes on. */
  async idle(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks);
  }

  /** Ends all transfers. */
  stop(): void {
    for (const session of this.#sessions.keys()) session.stop(STOPPING);
  }

  /** Tells all clients that the program ends, in the last moment of it. */
  abandon(): void {
    for (const session of this.#sessions.keys()) session.abandon(STOPPING);
  }
}

const WRONG_TID = encodeError(ERROR_CODE.unknownTransferId, "Unknown transfer ID");

/** Hands on what comes from `peer`; others are told that they have nothing to do with it (RFC 1350 section 4). */
async function readChannel(
  endpoint: DatagramEndpoint,
  peer: Deno.NetAddr,
  receive: Receive,
  mayAnswer: (stranger: Deno.NetAddr) => boolean,
): Promise<void> {
  for (let came = await endpoint.receive(); came; came = await endpoint.receive()) {
    const { data, peer: { hostname, port } } = came;
    if (port === peer.port && hostname === peer.hostname) {
      // To await nothing would cost as much as the packet.
      const following = receive(data);
      if (following) await following;
    } else if (opcodeOf(data) !== OPCODE.ERROR && mayAnswer(came.peer)) {
      await endpoint.send(WRONG_TID, came.peer).catch(() => {});
    }
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
