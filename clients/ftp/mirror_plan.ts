/** What a mirror is to do in one folder: two listings compared. */
import type { FtpEntry } from "../../tools/protocol/ftp_entry.ts";
import { safeName } from "../../tools/protocol/safe_name.ts";
import { partName } from "./target.ts";

/** A file, a folder or a link, here or on the server. */
export type Item = Pick<
  FtpEntry,
  "name" | "type" | "size" | "modified" | "exact" | "unique"
>;

/** How folders are compared. */
export interface Rules {
  /** From here to the server. */
  up: boolean;
  /** Remove what the source has not, and what is in the way. */
  delete: boolean;
  /** Whether something takes part, by its name in this folder. */
  wanted(name: string, isFolder: boolean): boolean;
  /** Where the target is, `a` and `A` are one name. */
  foldCase: boolean;
  /** The names are to be good for Windows. */
  windows: boolean;
}

/** A file that is to be transferred. */
export interface FileAction {
  item: Item;
  /** The hidden name under which it grows. */
  part: string;
  /** How much of it the part has. */
  offset: number;
  /** Nothing but a time that may be inexact says that it is newer. */
  unsure: boolean;
}

/** What is to be done in a folder of the target, in this order. */
export interface Plan {
  removals: Item[];
  folders: { item: Item; isNew: boolean }[];
  files: FileAction[];
  /** How many files are as they should be. */
  same: number;
  /** What is left alone, and why. */
  notes: { name: string; reason: string }[];
}

const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const DAY = 24 * 60 * MINUTE;

/** Compares the listings of a folder. */
export function planFolder(
  source: readonly Item[],
  target: readonly Item[],
  rules: Rules,
): Plan {
  const plan: Plan = { removals: [], folders: [], files: [], same: 0, notes: [] };
  const key = (name: string): string => rules.foldCase ? name.normalize("NFC").toLowerCase() : name;
  const there = new Map(target.map((item) => [key(item.name), item]));
  const parts = Map.groupBy(target.filter(isPart), ({ name }) => wholeName(name));
  const seen = new Map<string, string>();
  for (const item of source) {
    const { name } = item;
    const isFolder = item.type === "dir";
    if (!rules.wanted(name, isFolder) || isPart(item)) continue;
    if (rules.up && isBroken(item)) continue;
    const old = there.get(key(name));
    const obstacle = old?.type === item.type ? undefined : old;
    const reason = reasonAgainst(item, obstacle, seen.get(key(name)), rules);
    seen.set(key(name), name);
    if (reason) {
      plan.notes.push({ name, reason });
      continue;
    }
    if (obstacle) plan.removals.push(obstacle);
    const match = obstacle ? undefined : old;
    if (isFolder) {
      plan.folders.push({ item, isNew: match === undefined });
      continue;
    }
    const changed = match ? compare(item, match, rules.up) : "yes";
    if (changed === "no") {
      plan.same++;
      continue;
    }
    const part = partOf(item);
    const begun = parts.size > 0 ? parts.get(wholeName(part)) ?? [] : [];
    const resumed = begun.find((other) => isBegun(other, item, part));
    plan.removals.push(...begun.filter((other) => other !== resumed));
    plan.files.push({
      item,
      part,
      offset: resumed?.size ?? 0,
      unsure: changed === "perhaps",
    });
  }
  if (rules.delete) {
    const used = new Set([
      ...plan.removals.map(({ name }) => name),
      ...plan.files.map(({ part }) => part),
    ]);
    plan.removals.push(
      ...target.filter(({ name, type }) =>
        !seen.has(key(name)) && !used.has(name) && rules.wanted(name, type === "dir")
      ),
    );
  }
  return plan;
}

/** Why `item` is left alone, if it is. */
function reasonAgainst(
  { name, type }: Item,
  obstacle: Item | undefined,
  twin: string | undefined,
  rules: Rules,
): string | undefined {
  if (!safeName(name, rules.windows)) return "its name could lead elsewhere";
  if (twin !== undefined) return `here it is one name with ${twin}`;
  if (type === "link") return "is a link";
  if (type === "other") return "is no regular file";
  if (obstacle && !rules.delete) return `a ${WORDS[obstacle.type]} of this name is in the way`;
  return undefined;
}

const WORDS: Record<Item["type"], string> = {
  file: "file",
  dir: "folder",
  link: "link",
  other: "device",
};

/** Whether `source` is to replace `target`. */
export function compare(source: Item, target: Item, up: boolean): "yes" | "no" | "perhaps" {
  if (source.size !== undefined && target.size !== undefined && source.size !== target.size) {
    return "yes";
  }
  if (!source.modified || !target.modified) {
    // Without a time the size must do.
    return source.size === undefined || target.size === undefined ? "yes" : "no";
  }
  // A server cuts off what its listings do not tell; a local file is told to the second or better.
  const resolution = up ? resolutionOf(target, target.modified) : SECOND;
  if (source.modified.getTime() - target.modified.getTime() < resolution) return "no";
  return up && !target.exact ? "perhaps" : "yes";
}

/** LIST tells minutes, and of what is half a year old only the day. */
function resolutionOf({ exact }: Item, modified: Date): number {
  return exact ? SECOND : modified.getTime() % DAY === 0 ? DAY : MINUTE;
}

/**
 * The part of a file. Its name tells which version of the file it belongs to,
 * by size and time: whatever cut it short, the transfer can go on from its end.
 */
function partOf({ name, size, modified }: Item): string {
  const time = Math.floor((modified?.getTime() ?? 0) / SECOND);
  const version = `${name}.${size ?? 0}-${time}`;
  // `partName` counts bytes, of which a character has three at most: short names need not be counted.
  return version.length < SHORT ? `.${version}.part` : partName(version);
}

const SHORT = 80;

const PART = /^\.(.+)\.\d+-\d+\.part$/;

/** The name of the file whose part is called `name`, or its end if it is too long; undefined when it is no part. */
function wholeName(name: string): string | undefined {
  return PART.exec(name)?.[1];
}

function isPart({ name }: Item): boolean {
  return PART.test(name);
}

/** Whether it may be what a download of a single file has left here: see `partName`. */
function isBroken({ name, type }: Item): boolean {
  return type === "file" && /^\..+\.part$/s.test(name);
}

/** Whether `other` is the beginning of this version of the file, whose part is called `part`. */
function isBegun(other: Item, { size, modified }: Item, part: string): boolean {
  const { size: length = 0 } = other;
  return other.name === part && other.type === "file" && modified !== undefined &&
    size !== undefined && length > 0 && length <= size;
}
