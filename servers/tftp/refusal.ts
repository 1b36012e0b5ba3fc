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

/** The code and the message for a client, and the reason for the log. */
export function errorFor(error: unknown): { code: number; message: string; reason: string } {
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
