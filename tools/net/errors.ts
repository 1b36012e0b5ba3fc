/** What the errors of sockets mean. */
export { closeQuietly } from "../program/close.ts";
import { EXIT, Failure } from "../program/failure.ts";
import { ProtocolError } from "../protocol/error.ts";
import { visible } from "../protocol/text.ts";

/**
 * Whether `error` only says that the connection is over: reset or closed by the
 * peer, or closed by ourselves while an operation was pending.
 */
export function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset ||
    error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.UnexpectedEof ||
    error instanceof Deno.errors.Interrupted ||
    error instanceof Deno.errors.BadResource;
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
  if (error instanceof Deno.errors.ConnectionReset) {
    return "the peer reset the connection";
  }
  if (error instanceof Deno.errors.BrokenPipe) {
    return "the peer closed the connection";
  }
  if (error instanceof Deno.errors.NotCapable) {
    return "this program was not given access to the network (see --help, Permissions)";
  }
  if (/failed to lookup address|ENOTFOUND|EAI_/.test(message)) {
    return "no such host (check the name, or give an address)";
  }
  const code = (error as { code?: string }).code ?? "";
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
  return visible(message);
}
