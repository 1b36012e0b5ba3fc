/**
 * Recording what passes through a program as pcapng, for Wireshark. It needs no
 * rights, since nothing is captured: the packets are made from what the program
 * sends and receives. A recording goes to a file, or live to a viewer.
 */
import { fileFailure } from "../program/failure.ts";
import { VERSION } from "../program/version.ts";
import { type Endpoint, ipPair } from "../protocol/ip_address.ts";
import {
  type Flow,
  SYN,
  tcpPacketLength,
  udpPacketLength,
  writeTcpPacket,
  writeUdpPacket,
} from "../protocol/ip_packet.ts";
import {
  interfaceDescription,
  packetBlockLength,
  packetOptions,
  sectionHeader,
  writePacketBlock,
} from "../protocol/pcapng.ts";
import { type Direction, type Put, SyntheticTcp } from "../protocol/synthetic_tcp.ts";
import { Recording, type RecordingOptions, type Sink } from "./recording.ts";
import type { ByteStream } from "./stream.ts";

export type { Direction, Endpoint };

/** The two ends of a conversation, by their IP addresses. */
export interface Ends {
  client: Endpoint;
  server: Endpoint;
  /** Shown with the first packet of a connection, or with the datagram. */
  comment?: string;
}

/**
 * The record of one connection. Bytes are copied at once. The recorder holds it
 * until both halves have ended, as seen or for want of a connection, or it was
 * reset; what is said of a half after its end is passed over.
 */
export interface Tap {
  /** `bytes` went up to the server, or down to the client. */
  data(direction: Direction, bytes: Uint8Array): void;
  /** The half that goes `direction` ended. */
  end(direction: Direction): void;
  /** The side that sends `direction` reset the connection. */
  reset(direction: Direction): void;
  /** As `ready` of the recorder. */
  ready(): Promise<void>;
}

/** How a recorder is set up. */
export interface RecorderOptions {
  /** The program's name. */
  name: string;
  /** Hears, once for each recording, that it has gaps or ended early. */
  notice(message: string): void;
  /** Microseconds since 1970; the clock of the machine unless a test says otherwise. */
  now?: () => number;
}

/** With more bytes than this queued for a file, `ready` waits: enough that the disk is never idle. */
export const COMFORTABLE_QUEUE = 8 << 20;
/** What a file cannot take beyond this is left out: a sender of datagrams, say, does not wait for `ready`. */
export const FILE_QUEUE = 64 << 20;
/** What a viewer cannot take beyond this is left out: nothing waits for a viewer. */
export const VIEWER_QUEUE = 8 << 20;
/** How long a viewer may take for the rest at the end, in milliseconds. */
export const VIEWER_GRACE = 1000;

// Packets are made in memory of this size: many in one write, and little that the last leaves free.
const CHUNK = 1 << 20;
// What a viewer says goes nowhere.
const VIEWER_INPUT = 64;

// Milliseconds: above what the two clocks differ by in use.
const MOST_DRIFT = 20;

const WAY = { up: "in", down: "out" } as const;
const PLAIN = { up: packetOptions(WAY.up), down: packetOptions(WAY.down) };

/** Makes packets of what a program sends and receives, and gives them to all recordings under way. */
export class Recorder {
  readonly #options: RecorderOptions;
  readonly #now: () => number;
  readonly #recordings = new Set<Recording>();
  /** For each open connection, what tells a recording that begins now of it. */
  readonly #introductions = new Set<(recording: Recording) => void>();
  #chunk = new Uint8Array(0);
  #used = 0;
  #closing: Promise<void[]> | undefined;

  constructor(options: RecorderOptions) {
    this.#options = options;
    this.#now = options.now ?? clock();
  }

  /** Records a connection that begins now. Throws RangeError when an end is not an IP address. */
  connection(ends: Ends): Tap {
    const flows = flowsOf(ends);
    const putTo =
      (recordings: Iterable<Recording>, comment?: string): Put => (direction, segment) => {
        const flow = flows[direction];
        this.#packet(
          recordings,
          direction,
          segment.flags === SYN ? comment : undefined,
          tcpPacketLength(flow, segment.payload.length),
          (packet) => writeTcpPacket(packet, flow, segment),
        );
      };
    // A clock that ticks every 4 microseconds (RFC 9293 section 3.4.1): ports used again begin elsewhere.
    const initial = this.#now() / 4;
    const tcp = new SyntheticTcp(
      { up: initial, down: initial },
      putTo(this.#recordings, ends.comment),
    );
    const underWay = ends.comment ? `${ends.comment}; under way already` : "under way already";
    const introduction = (to: Recording): void => tcp.introduce(putTo([to], underWay));
    this.#introductions.add(introduction);
    const settle = (): void => {
      if (tcp.over) this.#introductions.delete(introduction);
    };
    return {
      data: (direction, bytes) => tcp.data(direction, bytes),
      end(direction): void {
        tcp.end(direction);
        settle();
      },
      reset(direction): void {
        tcp.reset(direction);
        settle();
      },
      ready: () => this.ready(),
    };
  }

  /** Records a datagram. Throws RangeError when an end is not an IP address. */
  datagram(direction: Direction, ends: Ends, data: Uint8Array): void {
    const flow = flowsOf(ends)[direction];
    this.#packet(
      this.#recordings,
      direction,
      ends.comment,
      udpPacketLength(flow, data.length),
      (packet) => writeUdpPacket(packet, flow, data),
    );
  }

  /** Begins a recording in `file`, which `close` closes. `path` is for notices. */
  writeTo(file: Sink, path: string): void {
    this.#begin(file, {
      comfortable: COMFORTABLE_QUEUE,
      most: FILE_QUEUE,
      onGap: () => this.#options.notice(`${path}: the disk is too slow, packets are missing`),
      onFailure: (error) =>
        this.#options.notice(`${fileFailure(path, error).message} (nothing more is recorded)`),
    });
  }

  /** Begins a recording to the viewer at the other end of `stream`; resolves when that, or the recorder, is gone. */
  async streamTo(stream: ByteStream, viewer: string): Promise<void> {
    if (this.#closing) return;
    const recording = this.#begin(stream, {
      comfortable: Infinity,
      most: VIEWER_QUEUE,
      grace: VIEWER_GRACE,
      onGap: () => this.#options.notice(`${viewer}: the viewer is too slow, packets are missing`),
      onFailure: () => {},
    });
    const reading = untilEnd(stream).catch(() => recording.finish());
    await recording.over;
    await reading;
  }

  /**
   * Waits until the files have taken most of what there is. A recording with
   * gaps is of little use: await this before each read from a connection.
   */
  async ready(): Promise<void> {
    for (const recording of this.#recordings) await recording.ready();
  }

  /** Writes what is left, and ends all recordings; nothing is recorded from then on. */
  async close(): Promise<void> {
    this.#closing ??= Promise.all([...this.#recordings].map((recording) => recording.finish()));
    await this.#closing;
  }

  #begin(sink: Sink, options: RecordingOptions): Recording {
    const { name } = this.#options;
    const recording = new Recording(sink, options);
    recording.send(sectionHeader(`labsock ${name} ${VERSION}`));
    recording.send(interfaceDescription(name));
    for (const introduce of this.#introductions) introduce(recording);
    this.#recordings.add(recording);
    recording.over.then(() => this.#recordings.delete(recording));
    return recording;
  }

  #packet(
    recordings: Iterable<Recording>,
    direction: Direction,
    comment: string | undefined,
    length: number,
    write: (packet: Uint8Array) => void,
  ): void {
    if (this.#closing || (recordings === this.#recordings && this.#recordings.size === 0)) return;
    const options = comment ? packetOptions(WAY[direction], comment) : PLAIN[direction];
    const block = this.#room(packetBlockLength(length, options));
    write(writePacketBlock(block, this.#now(), length, options));
    for (const recording of recordings) recording.send(block);
  }

  #room(length: number): Uint8Array {
    if (this.#used + length > this.#chunk.length) {
      this.#chunk = new Uint8Array(Math.max(CHUNK, length));
      this.#used = 0;
    }
    this.#used += length;
    return this.#chunk.subarray(this.#used - length, this.#used);
  }
}

function flowsOf({ client, server }: Ends): Record<Direction, Flow> {
  const [c, s] = ipPair(client.hostname, server.hostname);
  return {
    up: {
      source: c,
      sourcePort: client.port,
      destination: s,
      destinationPort: server.port,
    },
    down: {
      source: s,
      sourcePort: server.port,
      destination: c,
      destinationPort: client.port,
    },
  };
}

/** The date to the microsecond: `performance` counts them, but does not follow when the machine's date is set. */
function clock(): () => number {
  let start = performance.timeOrigin;
  return () => {
    const date = Date.now();
    let precise = start + performance.now();
    if (Math.abs(precise - date) > MOST_DRIFT) {
      start = date - performance.now();
      precise = date;
    }
    return Math.floor(precise * 1000);
  };
}

/** Reads what comes and throws it away. */
async function untilEnd(stream: ByteStream): Promise<void> {
  const buffer = new Uint8Array(VIEWER_INPUT);
  while (await stream.read(buffer) !== null);
}
