/** The peer broke the rules of the protocol. The message says which one. */
export class ProtocolError extends Error {
  override name = "ProtocolError";
}
