/** Why a request is refused or a transfer broken off, as ERROR packets say it. */
import { FileError, type FileErrorKind } from "../../tools/files/errors.ts";
import { plainMessage } from "../../tools/program/failure.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import { ERROR_CODE } from "../../tools/protocol/tftp_packet.ts";

type ErrorName = keyof typeof ERROR_CODE;

/** A reason of the server's own. */
export class Refusal extends Error {
  override name = "Refusal";

  constructor(readonly code: ErrorName, message: string) {
    super(message);
  }
}

const FILE_ERRORS: Record<FileErrorKind, [ErrorName, string]> = {
  "not found": ["notFound", "File not found"],
  "exists": ["fileExists", "File already exists"],
  "not a file": ["accessViolation", "Not a file"],
  "not a folder": ["notFound", "No such folder"],
  "not empty": ["accessViolation", "Not a file"],
  "denied": ["accessViolation", "Access violation"],
  "bad name": ["accessViolation", "No file can have this name"],
  "no space": ["diskFull", "Disk full or file too large"],
  "failed": ["undefined", "The disk failed"],
};

/** What there is to say when all transfers are taken that there can be. */
export const TOO_MANY = new Refusal("undefined", "Too many transfers; try later");

/** What there is to say to a transfer that goes on when the server ends. */
export const STOPPING = new Refusal("undefined", "The server is stopping");

// This process, or the system, has all the sockets and files it may have.
const NO_DESCRIPTOR = new Set(["EMFILE", "ENFILE"]);

/** The code and the message for a client, and the reason for the log. */
export function errorFor(thrown: unknown): { code: number; message: string; reason: string } {
  const cause = (thrown instanceof FileError ? thrown.cause : thrown) as
    | { code?: string }
    | undefined;
  const error = NO_DESCRIPTOR.has(cause?.code ?? "") ? TOO_MANY : thrown;
  const [name, message]: [ErrorName, string] = error instanceof Refusal
    ? [error.code, error.message]
    : error instanceof FileError
    ? FILE_ERRORS[error.kind]
    : error instanceof ProtocolError
    ? ["illegalOperation", error.message]
    : ["undefined", "The server failed"];
  const foreseen = error instanceof Refusal || error instanceof FileError ||
    error instanceof ProtocolError;
  return { code: ERROR_CODE[name], message, reason: foreseen ? message : plainMessage(error) };
}
