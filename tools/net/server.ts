/** A server's life: the options all servers share, and start to stop. */
import { EXIT } from "../program/failure.ts";
import type { Log, LogForm } from "../program/log.ts";
import {
  count,
  duration,
  flag,
  list,
  listenPort,
  type Option,
  text,
  value,
  valueOr,
} from "../program/options.ts";
import { onStop } from "../program/signals.ts";
import { formatHostPort } from "../protocol/address.ts";
import { type Caps, defaultMaxConnections, perAddress } from "./limits.ts";
import { TWIN_PORTS } from "./listen.ts";

/** A server that runs. */
export interface Server {
  /** Where it listens, one for each socket. */
  addrs: Deno.NetAddr[];
  /** Resolves when it has stopped. */
  finished: Promise<void>;
  /** Stops accepting, gives what is under way a grace period, then closes it. */
  shutdown(): Promise<void>;
}

/** How long connections may go on after a signal, in milliseconds: a transfer's end, within what an init system waits. */
export const GRACE = 5000;
/** A server that stops sooner than this, in milliseconds, need not say what it waits for. */
const WONDER = 1000;

/** Where to listen: `--host`, `--port`. */
export function listenOptions(service: number): {
  host: Option<string[]>;
  port: Option<number | undefined>;
} {
  const twin = TWIN_PORTS[service];
  return {
    host: list(
      "ADDRESS",
      "Listen on this address only; may be repeated.",
      text,
      {
        shown: "all addresses",
      },
    ),
    port: value("PORT", "Listen on this port.", listenPort, {
      shown: twin ? `${service}, or ${twin} if that is not allowed` : `${service}`,
    }),
  };
}

/** Caps on connections: `--max-connections`, `--max-per-address`. */
export const CAP_OPTIONS = {
  "max-connections": value(
    "N",
    "At most this many connections at once.",
    count,
    {
      shown: "10000, within the limit on descriptors",
    },
  ),
  "max-per-address": value("N", "At most this many from one address.", count, {
    shown: "half of that",
  }),
};

/** The caps given on the command line, or their defaults, where each connection takes so many `descriptors`. */
export function capsFrom(
  options: {
    maxConnections: number | undefined;
    maxPerAddress: number | undefined;
  },
  descriptors = 1,
): Caps {
  const maxConnections = options.maxConnections ?? defaultMaxConnections(descriptors);
  return {
    maxConnections,
    maxPerAddress: options.maxPerAddress ?? perAddress(maxConnections),
  };
}

/** The log: `--log`, `--quiet`. */
export const LOG_OPTIONS = {
  log: valueOr("FORM", "Form of the log: text or json.", logForm, "text"),
  quiet: flag("No log; errors and the addresses are still shown."),
};

/** How long a client may be silent: `--idle-timeout`. */
export function idleOption(
  standard: string,
): { "idle-timeout": Option<number> } {
  return {
    "idle-timeout": valueOr(
      "TIME",
      "Close a connection that is silent for so long.",
      duration,
      standard,
    ),
  };
}

function logForm(word: string): LogForm {
  if (word !== "text" && word !== "json") {
    throw new RangeError("give text or json");
  }
  return word;
}

/**
 * Starts a server, says where it listens, and runs it until a signal comes; a
 * second signal ends the grace period, as it says when there is somebody to wait
 * for. Returns the exit code. However it ends, what was logged is written.
 */
export async function runServer(
  log: Log,
  start: () => Server,
): Promise<number> {
  let server: Server | undefined;
  let stopping: ReturnType<typeof setTimeout> | undefined;
  // Before any socket: the first signal listener cannot be had when descriptors have run out.
  using _signals = onStop(() => {
    if (stopping !== undefined) Deno.exit(EXIT.ok);
    stopping = setTimeout(
      () =>
        log.say(
          `stopping: waiting up to ${GRACE / 1000} seconds for what is under way; ` +
            "press Ctrl-C again to stop at once",
        ),
      WONDER,
    );
    server?.shutdown().catch((error) => log.say(String(error)));
  });
  try {
    server = start();
    for (const { transport, hostname, port } of server.addrs) {
      log.say(`listening on ${transport} ${formatHostPort(hostname, port)}`);
    }
    await server.finished;
    return EXIT.ok;
  } finally {
    clearTimeout(stopping);
    await log.flush();
  }
}
