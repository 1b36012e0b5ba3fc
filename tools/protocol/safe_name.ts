/** Names that a server gives, for files here. */

// CON, NUL and their kin are devices in every folder of Windows, with any extension.
const RESERVED = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;

/**
 * Whether `name`, which a server gave, may become the name of a local file. A
 * name with a separator, `.`, `..`, one with a control character, and an empty
 * one would lead elsewhere or hide what they are. `windows` refuses what means
 * something else there.
 */
export function safeName(name: string, windows = false): boolean {
  if (name === "" || name === "." || name === ".." || /[/\\\p{Cc}]/u.test(name)) return false;
  return !windows || !(/[:*?"<>|]|[. ]$/.test(name) || RESERVED.test(name));
}
