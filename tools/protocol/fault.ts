/** Faults made on purpose, as `--fault` names them: `[up:|down:]KIND=VALUE[@RULE]`. */
import { seededRandom } from "./random.ts";
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
  reset: { value: "SIZE", on: ["stream"], help: "breaks after so many bytes" },
  hang: { value: "SIZE", on: ["stream"], help: "stays open and silent after so many bytes" },
  drop: { on: ["datagram"], help: "is lost" },
  duplicate: { on: ["datagram"], help: "comes twice" },
  reorder: { on: ["datagram"], help: "comes after the next one" },
  corrupt: { on: ["datagram"], help: "has one bit flipped" },
} as const satisfies Record<string, Kind>;

/** The name of a kind of fault. */
export type FaultKind = keyof typeof FAULT_KINDS;

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

/** Reads one `--fault`. Throws RangeError. */
export function parseFault(text: string): Fault {
  const [, direction, name = "", rest = ""] = /^(?:(up|down):)?([a-z]+)(?:=(.*))?$/.exec(text) ??
    [];
  if (!Object.hasOwn(FAULT_KINDS, name)) {
    throw new RangeError(
      `give [up:|down:]KIND=VALUE[@RULE]; kinds: ${Object.keys(FAULT_KINDS).join(" ")}`,
    );
  }
  const kind = name as FaultKind;
  const { value: form }: Kind = FAULT_KINDS[kind];
  const [, word = "", rule = ""] = form ? /^([^@]*)(?:@(.*))?$/.exec(rest) ?? [] : [
    "",
    "",
    rest.replace(/^@/, ""),
  ];
  const value = form === "TIME" ? parseDuration(word) : form === "SIZE" ? parseSize(word) : 0;
  if (value === 0 && (kind === "rate" || kind === "slice")) {
    throw new RangeError(`${kind} takes at least 1 byte`);
  }
  return { kind, direction: direction as Direction | undefined, value, rule: parseRule(rule) };
}

function parseRule(text: string): FaultRule {
  if (text === "") return { kind: "all" };
  if (/^[\d,]+$/.test(text)) {
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

/** Whether a fault befalls the direction. */
export function applies(fault: Fault, direction: Direction): boolean {
  return fault.direction === undefined || fault.direction === direction;
}

/**
 * A question to be asked once for each connection or datagram in turn: is this
 * one befallen? `salt` keeps apart sequences that share a seed.
 */
export function chooser(rule: FaultRule, salt = 0): (number: number) => boolean {
  if (rule.kind === "all") return () => true;
  if (rule.kind === "numbers") return (number) => rule.numbers.has(number);
  const random = seededRandom(rule.seed + Math.imul(salt, 0x9e3779b1));
  return () => random() < rule.chance;
}
