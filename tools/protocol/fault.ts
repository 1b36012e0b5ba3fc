/** Faults made on purpose, as `--fault` names them: `[up:|down:]KIND[=VALUE][@RULE]`. */
import { randomAt } from "./random.ts";
import type { Direction } from "./synthetic_tcp.ts";
import { parseCount, parseDuration, parseSize } from "./units.ts";

interface Kind {
  /** The form of its value; undefined where the rule is all there is to say. */
  value?: "TIME" | "SIZE";
  on: ("stream" | "datagram")[];
  help: string;
}

/** Every kind of fault. For a stream the rule picks connections, for datagrams it picks datagrams. */
export const FAULT_KINDS = {
  latency: { value: "TIME", on: ["stream", "datagram"], help: "comes so much later" },
  jitter: { value: "TIME", on: ["stream"], help: "comes later by up to so much, in order" },
  rate: { value: "SIZE", on: ["stream"], help: "passes at so many bytes a second" },
  slice: { value: "SIZE", on: ["stream"], help: "passes in pieces of so many bytes" },
  limit: { value: "SIZE", on: ["stream"], help: "ends after so many bytes" },
  reset: { value: "SIZE", on: ["stream"], help: "breaks the connection after so many bytes" },
  hang: { value: "SIZE", on: ["stream"], help: "stays open and silent after so many bytes" },
  drop: { on: ["datagram"], help: "is lost" },
  duplicate: { on: ["datagram"], help: "comes twice" },
  reorder: { on: ["datagram"], help: "comes after the next one" },
  corrupt: { on: ["datagram"], help: "has one bit flipped" },
} as const satisfies Record<string, Kind>;

/** The name of a kind of fault. */
export type FaultKind = keyof typeof FAULT_KINDS;

const KINDS = Object.keys(FAULT_KINDS) as FaultKind[];

/** Which connections or datagrams a fault befalls: all, some by number from 1, or some by seeded chance. */
export type FaultRule =
  | { kind: "all" }
  | { kind: "numbers"; numbers: ReadonlySet<number> }
  | { kind: "chance"; chance: number; seed: number };

/** One fault. */
export interface Fault {
  kind: FaultKind;
  /** Undefined: both. */
  direction: Direction | undefined;
  /** Milliseconds, bytes, or 0 where the kind has no value. */
  value: number;
  rule: FaultRule;
}

const FAULT = /^(?:(up|down):)?([a-z]+)(?:=([^@]*))?(?:@(.*))?$/;

/** Reads one `--fault`. Where the kind has no value, `drop=3` is `drop@3`. Throws RangeError. */
export function parseFault(text: string): Fault {
  const [, direction, name = "", word, given] = FAULT.exec(text) ?? [];
  if (!Object.hasOwn(FAULT_KINDS, name)) {
    throw new RangeError(`give [up:|down:]KIND[=VALUE][@RULE]; kinds: ${KINDS.join(" ")}`);
  }
  const kind = name as FaultKind;
  const { value: form }: Kind = FAULT_KINDS[kind];
  if (form === undefined && word && given !== undefined) {
    throw new RangeError(`${kind} takes a rule alone, such as ${kind}@3,7`);
  }
  const value = form === "TIME"
    ? parseDuration(word ?? "")
    : form === "SIZE"
    ? parseSize(word ?? "")
    : 0;
  if (value === 0 && (kind === "rate" || kind === "slice")) {
    throw new RangeError(`${kind} takes at least 1 byte`);
  }
  const rule = parseRule(given ?? (form === undefined ? word : undefined));
  return { kind, direction: direction as Direction | undefined, value, rule };
}

function parseRule(text: string | undefined): FaultRule {
  if (text === undefined) return { kind: "all" };
  if (/^\d+(?:,\d+)*$/.test(text)) {
    const numbers = text.split(",").map((word) => parseCount(word, 1));
    return { kind: "numbers", numbers: new Set(numbers) };
  }
  const [, percent, seed = "1"] = /^(\d+(?:\.\d+)?)%(?:,seed=(\d+))?$/.exec(text) ?? [];
  const chance = Number(percent) / 100;
  if (!(chance <= 1)) {
    throw new RangeError("a rule is a list of numbers (3,7) or a chance (1%,seed=7)");
  }
  return { kind: "chance", chance, seed: parseCount(seed) };
}

/**
 * Whether `fault` befalls connection or datagram `number`, counted from 1, that
 * goes `direction`. Chances differ from one `salt` to another, and from one kind
 * to another: else what is dropped would be just what is corrupted.
 */
export function befalls(fault: Fault, direction: Direction, number: number, salt = 0): boolean {
  const { rule, kind } = fault;
  if (fault.direction !== undefined && fault.direction !== direction) return false;
  if (rule.kind === "all") return true;
  if (rule.kind === "numbers") return rule.numbers.has(number);
  const sequence = Math.imul(salt * KINDS.length + KINDS.indexOf(kind), 0x9e3779b1);
  return randomAt(rule.seed + sequence, number) < rule.chance;
}
