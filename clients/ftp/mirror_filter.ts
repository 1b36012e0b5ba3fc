/** Which files and folders a mirror takes into account. */
import { globMatcher } from "../../tools/protocol/glob.ts";

/** Whether `path`, below the mirrored folder and with slashes, takes part. */
export type Filter = (path: string, isFolder: boolean) => boolean;

/**
 * Leaves out what one of `exclude` stands for, and, when there are patterns to
 * `include`, every file that none of them stands for. A pattern with a slash
 * stands for paths below the mirrored folder, one without for names in any
 * folder, and a slash at its end makes it one for folders alone. What is left
 * out is left alone: it is neither transferred nor deleted.
 */
export function mirrorFilter(include: readonly string[], exclude: readonly string[]): Filter {
  const [wanted, unwanted] = [include.map(pathMatcher), exclude.map(pathMatcher)];
  return (path, isFolder) =>
    !unwanted.some((matches) => matches(path, isFolder)) &&
    (isFolder || wanted.length === 0 || wanted.some((matches) => matches(path, isFolder)));
}

function pathMatcher(pattern: string): Filter {
  const onlyFolders = pattern.endsWith("/");
  const parts = pattern.replace(/\/$/, "").replace(/^\//, "").split("/");
  const isPath = pattern.replace(/\/$/, "").includes("/");
  // The sign before both makes hidden names like others: `*` leaves them out, too.
  const matchers = parts.map((part) => globMatcher(`/${part}`));
  return (path, isFolder) => {
    if (onlyFolders && !isFolder) return false;
    const names = path.split("/");
    const compared = isPath ? names : names.slice(-1);
    return compared.length === matchers.length &&
      matchers.every((matches, i) => matches(`/${compared[i] ?? ""}`));
  };
}
