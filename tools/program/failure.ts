/** How a program ends. */
import { visible } from "../protocol/text.ts";

/** The exit codes every program shares. */
export const EXIT = {
  ok: 0,
  /** The peer refused for good, or broke the protocol. */
  refused: 1,
  /** The command line was wrong. */
  usage: 2,
  /** No such host, no connection, no answer in time, address in use. */
  unreachable: 3,
  /** A local file could not be read or written. */
  file: 4,
  /** The peer said: try again later. */
  later: 5,
  /** The user interrupted a client. */
  interrupted: 130,
} as const;

/** A reason to end the program: one line for the user, and the exit code. */
export class Failure extends Error {
  override name = "Failure";

  constructor(
    readonly exitCode: number,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A wrong command line. */
export class UsageError extends Failure {
  override name = "UsageError";

  constructor(message: string) {
    super(EXIT.usage, message);
  }
}

/** The Failure for a local file that could not be read or written, in words; never errno text. */
export function fileFailure(path: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure(EXIT.file, `${path}: ${fileReason(error)}`, {
    cause: error,
  });
}

function fileReason(error: unknown): string {
  if (error instanceof Deno.errors.NotFound) return "no such file or folder";
  if (error instanceof Deno.errors.PermissionDenied) return "permission denied";
  if (error instanceof Deno.errors.NotCapable) {
    return "this program was not given access to it (see --help, Permissions)";
  }
  if (error instanceof Deno.errors.AlreadyExists) return "exists already";
  if (error instanceof Deno.errors.IsADirectory) return "is a folder";
  const code = (error as { code?: string }).code;
  if (code === "ENOSPC") return "no space left on the disk";
  if (code === "EROFS") return "the disk is read-only";
  if (error instanceof Deno.errors.NotADirectory) return "a part of the path is no folder";
  return plainMessage(error);
}

/** What an error nobody foresaw says, in one line and without what only programmers want to know. */
export function plainMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const [, words] = /^(.*?) \(os error \d+\)/s.exec(message) ?? [];
  return visible(words === undefined ? message : words.charAt(0).toLowerCase() + words.slice(1));
}
