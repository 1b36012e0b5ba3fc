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

/**
 * The path that the client at `address` means by `name`, as the jail takes it.
 * Throws RangeError when no file can have that name.
 */
export function meantPath(name: string, address: string, rules: NameRules): string {
  // Windows and its boot programs: C:\Boot\x64\bootmgr.exe
  const plain = name.replace(/^[A-Za-z]:(?=[\\/])/, "").replaceAll("\\", "/")
    .replace(AFTER_EFI, "");
  const cased = rules.lowerCase ? plain.toLowerCase() : plain;
  // Some ask for /name and others for name.
  return resolvePath(remap(rules.map, cased.replace(/^\/+/, ""), address));
}
