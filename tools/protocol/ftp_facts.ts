/** The lines of MLSD and MLST (RFC 3659 section 7): facts, a space, a name. */
import type { FtpEntry } from "./ftp_entry.ts";
import { formatTimeVal, parseTimeVal } from "./ftp_time.ts";

/** An entry of MLSD; `self` and `parent` stand for the listed folder and the one above (RFC 3659 section 7.5.1). */
export interface FactsEntry extends FtpEntry {
  role?: "self" | "parent" | undefined;
}

/** Reads a line; undefined when it is none. A name may stand alone, after its space, and hold anything. */
export function parseFacts(line: string): FactsEntry | undefined {
  const [, list, name = ""] = /^((?:[^;= ]+=[^;]*;)*) (.+)$/s.exec(line) ?? [];
  if (list === undefined) return undefined;
  const facts = new Map(
    list.split(";").map((fact) => {
      const at = fact.indexOf("=");
      return [fact.slice(0, at).toLowerCase(), fact.slice(at + 1)];
    }),
  );
  const type = facts.get("type") ?? "file";
  const [, link, target] = /^OS\.unix=s?(?:ym)?(link)(?::(.*))?$/is.exec(type) ?? [];
  const modified = parseTimeVal(facts.get("modify") ?? "");
  return {
    name,
    type: link ? "link" : TYPES[type.toLowerCase()] ?? "other",
    role: ROLES[type.toLowerCase()],
    size: number(facts.get("size")),
    modified,
    exact: modified !== undefined,
    mode: modeFrom(facts.get("unix.mode")),
    owner: facts.get("unix.ownername") ?? facts.get("unix.owner") ?? facts.get("unix.uid"),
    group: facts.get("unix.groupname") ?? facts.get("unix.group") ?? facts.get("unix.gid"),
    target,
    perm: facts.get("perm"),
    unique: facts.get("unique"),
  };
}

const TYPES: Record<string, FtpEntry["type"]> = {
  file: "file",
  dir: "dir",
  cdir: "dir",
  pdir: "dir",
};
const ROLES: Record<string, "self" | "parent"> = { cdir: "self", pdir: "parent" };

function number(digits: string | undefined): number | undefined {
  return digits !== undefined && /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}

/** Octal; pyftpdlib writes `0o644`. */
function modeFrom(digits: string | undefined): number | undefined {
  const [, octal] = /^(?:0o)?([0-7]{1,7})$/.exec(digits ?? "") ?? [];
  return octal === undefined ? undefined : parseInt(octal, 8) & 0o7777;
}

/** The facts that a server can tell, as FEAT names them. */
export const FACTS = [
  "type",
  "size",
  "modify",
  "perm",
  "unique",
  "UNIX.mode",
  "UNIX.uid",
  "UNIX.gid",
] as const;

/** Writes a line with those of `facts` that the entry has. */
export function formatFacts(
  entry: FactsEntry,
  facts: readonly typeof FACTS[number][] = FACTS,
): string {
  const { type, role, size, modified, mode, target } = entry;
  const values: Record<typeof FACTS[number], string | number | undefined> = {
    type: role
      ? role === "self" ? "cdir" : "pdir"
      : type === "link"
      ? `OS.unix=slink${target === undefined ? "" : `:${target}`}`
      : type === "other"
      ? "OS.unix=special"
      : type,
    size,
    modify: modified && formatTimeVal(modified),
    perm: entry.perm,
    unique: entry.unique,
    "UNIX.mode": mode === undefined ? undefined : mode.toString(8).padStart(4, "0"),
    "UNIX.uid": entry.owner,
    "UNIX.gid": entry.group,
  };
  const told = facts.filter((fact) => values[fact] !== undefined);
  return `${told.map((fact) => `${fact}=${values[fact]};`).join("")} ${entry.name}`;
}
