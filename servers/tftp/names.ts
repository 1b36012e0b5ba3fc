/** What clients call files, and which files they mean. */
import { resolvePath } from "../../tools/protocol/served_path.ts";
import { type MapRule, remap } from "./remap.ts";

/** How names are read. */
export interface NameRules {
  /** Turn them into lower case. */
  lowerCase: boolean;
  /** From `--map`. */
  map: readonly MapRule[];
}

// Some UEFI firmware ends the name with whatever follows it in memory (often 0xff).
const AFTER_EFI = /(?<=\.efi)[^\x20-\x7e]+$/i;

/** The whole path of `folder` as clients would write it, its links not followed. */
export function wholePath(folder: string, workingFolder: string): string {
  try {
    return resolvePath(slashed(folder), slashed(workingFolder));
  } catch {
    return folder; // No client can write it.
  }
}

/**
 * The path that the client at `address` means by `name`, as the jail takes it;
 * `root` is the `wholePath` of the served folder. Throws RangeError when no file
 * can have that name.
 */
export function meantPath(name: string, address: string, rules: NameRules, root: string): string {
  const cased = (text: string): string => rules.lowerCase ? text.toLowerCase() : text;
  const plain = cased(slashed(name).replace(AFTER_EFI, "").replace(/^\/+/, "/"));
  // Some are told the path that the file has on the server, as other servers want it.
  const prefix = cased(`${root}/`);
  const inside = plain.startsWith(prefix) ? plain.slice(prefix.length) : plain;
  // Some ask for /name and others for name.
  return resolvePath(remap(rules.map, inside.replace(/^\/+/, ""), address));
}

/** As Windows and its boot programs write them: C:\Boot\x64\bootmgr.exe */
function slashed(path: string): string {
  return path.replace(/^[A-Za-z]:(?=[\\/])/, "").replaceAll("\\", "/");
}
