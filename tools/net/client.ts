/** What clients share: the options about the way to the server, and finding its address. */
import { EXIT, Failure, fileFailure, UsageError } from "../program/failure.ts";
import { duration, flag, type Option, port, text, value, valueOr } from "../program/options.ts";
import { type HostPort, isIPv4, isIPv6, parseHostPort, unmapped } from "../protocol/address.ts";

/** The way to the server: `-4`, `-6`. */
export const PATH_OPTIONS = {
  ipv4: flag("Use IPv4 only.", { short: "4" }),
  ipv6: flag("Use IPv6 only.", { short: "6" }),
};

/** How long to wait: `--timeout`. */
export function timeoutOption(standard: string): { timeout: Option<number> } {
  return {
    timeout: valueOr(
      "TIME",
      "Give up when nothing comes for so long.",
      duration,
      standard,
    ),
  };
}

/** The server's port: `--port`. */
export function portOption(
  service: number,
): { port: Option<number | undefined> } {
  return {
    port: value("PORT", "The server's port, where its name is given without one.", port, {
      shown: `${service}`,
    }),
  };
}

/** Checking a TLS server: `--cacert`, `--insecure`. */
export const TRUST_OPTIONS = {
  cacert: value("FILE", "Trust the authorities in this PEM file too.", text),
  insecure: flag("Take any TLS certificate."),
};

/** Trusts the authorities in the PEM file of `--cacert` from now on. Throws Failure. */
export async function trustFile(path: string): Promise<void> {
  const { trustAlso } = await import("./tls.ts");
  try {
    trustAlso(await Deno.readTextFile(path));
  } catch (error) {
    throw fileFailure(path, error);
  }
}

/** The dialogue: `-v`. */
export const VERBOSE_OPTION = {
  verbose: flag("Show the dialogue on standard error: > sent, < received.", {
    short: "v",
  }),
};

/** Refuses a port as a word of its own, as other clients take it. Throws UsageError. */
export function refuseLonePort(word: string): void {
  if (!/^\d+$/.test(word)) return;
  throw new UsageError(`${word}: a port goes with its host, as in HOST:${word}`);
}

/** The word `HOST[:PORT]` of a command line, where its own port comes first. Throws UsageError. */
export function serverAddress(
  word: string,
  options: { port: number | undefined },
  service: number,
): Required<HostPort> {
  try {
    const { host, port } = parseHostPort(word);
    return { host, port: port ?? options.port ?? service };
  } catch (error) {
    throw new UsageError(
      `${JSON.stringify(word)}: ${(error as Error).message}`,
    );
  }
}

/**
 * What to hand to Deno.connect for `host`: the name itself, so that it tries
 * both address families, or an address of the one family asked for. Throws as
 * `firstAddress` does.
 */
export async function connectName(
  host: string,
  { ipv4, ipv6 }: { ipv4: boolean; ipv6: boolean },
  signal?: AbortSignal,
): Promise<string> {
  if (ipv4 === ipv6) return host;
  return await firstAddress(host, ipv4 ? 4 : 6, signal);
}

/** The first of `allAddresses`. Throws as that does. */
export async function firstAddress(
  host: string,
  family: 0 | 4 | 6,
  signal?: AbortSignal,
): Promise<string> {
  return (await allAddresses(host, family, signal))[0];
}

/**
 * The addresses the system knows for `host`, by its hosts file and DNS.
 * `family` 0 is either. Throws Failure for an address of the other family, as
 * node:dns does (code ENOTFOUND), and the signal's reason when that aborts.
 */
export async function allAddresses(
  host: string,
  family: 0 | 4 | 6,
  signal?: AbortSignal,
): Promise<[string, ...string[]]> {
  const written = isIPv4(host) ? 4 : isIPv6(host) ? 6 : undefined;
  if (written === undefined) {
    // Only here, since it takes some 5 ms to load.
    const { lookup } = await import("node:dns/promises");
    const found = await orAbort(lookup(host, { family, all: true }), signal);
    return found.map(({ address }) => address) as [string, ...string[]];
  }
  if (family !== 0 && family !== written) {
    throw new Failure(EXIT.unreachable, `${host}: is not an IPv${family} address`);
  }
  return [host];
}

/** `address` as a socket reports it as that of a peer: `::1` for `0:0:0:0:0:0:0:1`, and IPv4 in its plain form. */
export function asReported(address: string): string {
  const plain = unmapped(address);
  return isIPv6(plain)
    ? new URL(`http://[${plain.replace(/%.*/, "")}]`).hostname.slice(1, -1)
    : plain;
}

/** The result of `work`, which itself goes on for nobody when the signal aborts first: a lookup cannot be stopped. */
async function orAbort<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal?.reason);
  signal?.addEventListener("abort", abort);
  if (signal?.aborted) abort();
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}
