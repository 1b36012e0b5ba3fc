/** What the errors of sockets mean. */
export { closeQuietly } from "../program/close.ts";
import { EXIT, Failure, plainMessage } from "../program/failure.ts";
import { ProtocolError } from "../protocol/error.ts";

/**
 * Whether `error` only says that the connection is over: reset or closed by the
 * peer, or closed by ourselves while an operation was pending.
 */
export function isGone(error: unknown): boolean {
  return isReset(error) || isEnded(error) || isClosed(error);
}

/** Whether `error` only says that we closed the socket ourselves, before or during the operation. */
export function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.Interrupted || error instanceof Deno.errors.BadResource;
}

function isReset(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.NotConnected;
}

function isEnded(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.UnexpectedEof;
}

/**
 * The Failure for a conversation with `peer` (`host:port`) that ended in
 * `error`: one line that says what happened and what to try.
 */
export function peerFailure(peer: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (error instanceof ProtocolError) {
    return new Failure(EXIT.refused, `${peer}: ${error.message}`, {
      cause: error,
    });
  }
  return new Failure(EXIT.unreachable, `${peer}: ${reason(error)}`, {
    cause: error,
  });
}

function reason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Deno.errors.ConnectionRefused) {
    return "connection refused (is a server running there?)";
  }
  if (isReset(error)) return "the peer reset the connection";
  if (isEnded(error)) return "the peer closed the connection";
  if (isClosed(error)) return "the connection was closed";
  if (error instanceof Deno.errors.NotCapable) {
    return "this program was not given access to the network (see --help, Permissions)";
  }
  const code = (error as { code?: string }).code ?? "";
  if (/Temporary failure|EAI_AGAIN/.test(message)) {
    return "the name cannot be looked up now (no name server answers)";
  }
  if (error instanceof URIError || /failed to lookup address|ENOTFOUND|EAI_/.test(message)) {
    return "no such host (check the name, or give an address)";
  }
  if (code === "EINVAL") return "a link-local address needs its zone, such as fe80::1%eth0";
  if (
    code === "ENETUNREACH" || code === "EHOSTUNREACH" ||
    /unreachable/i.test(message)
  ) {
    return "there is no route to that host";
  }
  if (
    code === "ETIMEDOUT" || error instanceof Deno.errors.TimedOut ||
    (error as Error).name === "TimeoutError"
  ) {
    return "no answer in time";
  }
  return plainMessage(error);
}
