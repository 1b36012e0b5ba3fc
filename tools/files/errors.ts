/** What can go wrong with a served file, in terms that every protocol has a reply for. */

/** The kinds of refusal. */
export type FileErrorKind =
  /** No such file or folder. */
  | "not found"
  /** It exists already. */
  | "exists"
  /** A folder, FIFO or device where a file is needed. */
  | "not a file"
  /** A file where a folder is needed. */
  | "not a folder"
  /** A folder that still holds something. */
  | "not empty"
  /** It lies outside the served folder, or the system does not allow it. */
  | "denied"
  /** The name cannot be one. */
  | "bad name"
  /** The disk is full, or a quota is used up. */
  | "no space"
  /** The disk failed. */
  | "failed";

/** A served file could not be used. The message holds no real path. */
export class FileError extends Error {
  override name = "FileError";

  constructor(readonly kind: FileErrorKind, options?: ErrorOptions) {
    super(kind, options);
  }
}

const BY_CODE: Record<string, FileErrorKind> = {
  ENOENT: "not found",
  EEXIST: "exists",
  EISDIR: "not a file",
  ENOTDIR: "not a folder",
  ENOTEMPTY: "not empty",
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "denied",
  ELOOP: "denied",
  EXDEV: "denied",
  ETXTBSY: "denied",
  EBUSY: "denied",
  ENAMETOOLONG: "bad name",
  EINVAL: "bad name",
  ENOSPC: "no space",
  EDQUOT: "no space",
  EFBIG: "no space",
};

/** `error` of a file operation as a FileError. */
export function fileError(error: unknown): FileError {
  if (error instanceof FileError) return error;
  return new FileError(kindOf(error), { cause: error });
}

function kindOf(error: unknown): FileErrorKind {
  const { code = "" } = error as { code?: string };
  const known = BY_CODE[code];
  if (known) return known;
  if (error instanceof Deno.errors.NotFound) return "not found";
  if (error instanceof Deno.errors.AlreadyExists) return "exists";
  if (error instanceof Deno.errors.PermissionDenied) return "denied";
  if (error instanceof Deno.errors.NotCapable) return "denied";
  if (error instanceof Deno.errors.NotADirectory) return "not a folder";
  if (error instanceof Deno.errors.IsADirectory) return "not a file";
  return "failed";
}
