/** How many connections a server takes. */

/** The caps on connections, in all and from one address. */
export interface Caps {
  maxConnections: number;
  maxPerAddress: number;
}

// As nginx and haproxy in their usual configurations: far beyond a lab, within reach of one process.
const MOST_CONNECTIONS = 10_000;

/** The default cap: 10,000, but with at most three quarters of the descriptors we may have, so many for each. */
export function defaultMaxConnections(descriptors = 1): number {
  return Math.min(MOST_CONNECTIONS, Math.floor(descriptorLimit() * 3 / 4 / descriptors));
}

/** The default cap for one address: half of all, so that one client leaves room for others. */
export function perAddress(maxConnections: number): number {
  return Math.ceil(maxConnections / 2);
}

/** The number of descriptors this process may have; Infinity where the system does not say. */
function descriptorLimit(): number {
  // Deno lets only a program with all permissions look into /proc, and would ask the user otherwise.
  if (Deno.permissions.querySync({ name: "read" }).state !== "granted") {
    return Infinity;
  }
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(
      Deno.readTextFileSync("/proc/self/limits"),
    ) ??
      [];
    return soft === undefined ? Infinity : Number(soft);
  } catch {
    return Infinity;
  }
}

/** Counts the connections of one server, over all its listeners. */
export class ConnectionCount {
  readonly #caps: Caps;
  readonly #perAddress = new Map<string, number>();
  #all = 0;

  constructor(caps: Caps) {
    this.#caps = caps;
  }

  /** Takes a slot for `address`; false when there is none left. */
  enter(address: string): boolean {
    const own = this.#perAddress.get(address) ?? 0;
    if (
      this.#all >= this.#caps.maxConnections || own >= this.#caps.maxPerAddress
    ) return false;
    this.#all++;
    this.#perAddress.set(address, own + 1);
    return true;
  }

  /** Gives back a slot that `enter` took. */
  leave(address: string): void {
    const own = this.#perAddress.get(address) ?? 0;
    this.#all--;
    if (own > 1) this.#perAddress.set(address, own - 1);
    else this.#perAddress.delete(address);
  }
}
