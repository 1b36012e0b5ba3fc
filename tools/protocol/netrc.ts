/** The file `.netrc`: who logs in where. Its form comes from BSD; no RFC has it. */
import { Secret } from "./secret.ts";

/** What one `machine`, or `default`, says. */
export interface NetrcEntry {
  /** Undefined for `default`, which stands for every host. */
  machine: string | undefined;
  login: string | undefined;
  password: Secret | undefined;
  account: Secret | undefined;
}

/** A word; blanks in it stand between quotes or after backslashes. */
const WORD = /"((?:[^"\\]|\\.)*)"?|((?:[^\s\\]|\\.)+)/gs;

/**
 * Reads the text of a `.netrc`. A word that is not known is passed over, as
 * other programs have words of their own; a macro is not for us.
 */
export function parseNetrc(text: string): NetrcEntry[] {
  const entries: NetrcEntry[] = [];
  // A comment has its own line, since a password may begin with #. A macro ends at an empty line.
  const plain = text.replaceAll("\r\n", "\n").replace(/(?<!\S)macdef\s[^]*?(?:\n(?=\n)|$)/g, "")
    .replace(/^[^\S\n]*#.*$/gm, "");
  const words = [...plain.matchAll(WORD)]
    .map(([, quoted, bare = ""]) => (quoted ?? bare).replace(/\\(.)/gs, "$1"));
  for (let i = 0; i < words.length; i++) {
    const value = (): string => words[++i] ?? "";
    const entry = entries.at(-1);
    switch (words[i]) {
      case "machine":
        entries.push(emptyEntry(value()));
        break;
      case "default":
        entries.push(emptyEntry(undefined));
        break;
      case "login":
        if (entry) entry.login = value();
        break;
      case "password":
        if (entry) entry.password = new Secret(value());
        break;
      case "account":
        if (entry) entry.account = new Secret(value());
        break;
    }
  }
  return entries;
}

function emptyEntry(machine: string | undefined): NetrcEntry {
  return { machine, login: undefined, password: undefined, account: undefined };
}

/** The first entry for `host`, or for the user `login` on it; undefined when there is none. */
export function findLogin(
  entries: readonly NetrcEntry[],
  host: string,
  login?: string,
): NetrcEntry | undefined {
  return entries.find((entry) =>
    (entry.machine === undefined || entry.machine.toLowerCase() === host.toLowerCase()) &&
    (login === undefined || entry.login === login)
  );
}
