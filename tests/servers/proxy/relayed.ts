/** A relayed connection in memory. */
import type { BufferPool } from "../../../servers/proxy/buffers.ts";
import { Relay, type Watcher } from "../../../servers/proxy/relay.ts";
import { withFaults } from "../../../servers/proxy/stream_faults.ts";
import { parseFault } from "../../../tools/protocol/fault.ts";
import type { Direction } from "../../../tools/protocol/synthetic_tcp.ts";
import { type PairOptions, streamPair, type TestStream } from "../../support/stream.ts";

/** How a test relays. */
export interface RelayedOptions extends PairOptions {
  watchers?: Watcher[];
  plain?: boolean;
  pools?: BufferPool[];
  /** Faults as `--fault` takes them. */
  faults?: string[];
  /** The connection's number, for the rules of faults. */
  number?: number;
  /** Changes both sides of the relay in place. */
  change?: (client: TestStream, server: TestStream) => void;
}

/** The ends that a test holds, and the relay between them. */
export interface Relayed {
  client: TestStream;
  server: TestStream;
  relay: Relay;
  /** Settles when the relay is over and, as in a proxy, both connections are closed. */
  over: Promise<void>;
  /** Whether the relay broke the connection off. */
  broken(): boolean;
  /** Whether a fault holds something back. */
  held(): boolean;
}

/** Relays between two connections in memory. */
export function relayed(options: RelayedOptions = {}): Relayed {
  const [client, fromClient] = streamPair(options);
  const [server, toServer] = streamPair(options);
  options.change?.(fromClient, toServer);
  const all = options.faults?.map(parseFault) ?? [];
  const sides = withFaults(all, options.number ?? 1, fromClient, toServer);
  let broken = false;
  const close = (): void => {
    fromClient.close();
    toServer.close();
    for (const faults of sides.faults) faults.stop();
  };
  const relay = new Relay({
    ...sides,
    watchers: options.watchers ?? [],
    plain: options.plain ?? false,
    breakOff(): void {
      broken = true;
      close();
    },
  }, options.pools);
  return {
    client,
    server,
    relay,
    over: relay.run().finally(close),
    broken: () => broken,
    held: () => sides.faults.some(({ waiting }) => waiting),
  };
}

/** A watcher that keeps what it sees. */
export interface Witness extends Watcher {
  seen: Record<Direction, number[]>;
  /** Ends and resets, such as `end up`; the first of each direction counts. */
  told: string[];
}

/** Makes one. */
export function witness(): Witness {
  return {
    seen: { up: [], down: [] },
    told: [],
    data(direction, bytes): void {
      for (const byte of bytes) this.seen[direction].push(byte);
    },
    end(direction): void {
      if (!this.told.some((told) => told.endsWith(direction))) this.told.push(`end ${direction}`);
    },
    reset(direction): void {
      if (!this.told.some((told) => told.endsWith(direction))) this.told.push(`reset ${direction}`);
    },
    ready: () => Promise.resolve(),
  };
}
