/** What goes wrong with TLS, in words. */
import { visible } from "../protocol/text.ts";

const HINT = "(--cacert FILE trusts its authority, --insecure checks nothing)";

/** Says in one line what an error of node:tls means. */
export function tlsReason(error: unknown): string {
  const { code = "", message, cert } = error as {
    code?: string;
    message: string;
    cert?: { subjectaltname?: string; subject?: { CN?: string } };
  };
  const all = `${code} ${message}`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    const names = cert?.subjectaltname || cert?.subject?.CN || "one without a name";
    return `the certificate is for another host: ${visible(names)}`;
  }
  if (code.includes("SELF_SIGNED")) {
    return `the certificate comes from an unknown authority ${HINT}`;
  }
  if (code.includes("UNABLE_TO_VERIFY")) {
    // Deno gives the same code for either.
    return `the certificate comes from an unknown authority, or is out of date ${HINT}`;
  }
  const [, alert] = /received fatal alert: (\w+)/.exec(message) ?? [];
  if (alert !== undefined) return `the peer refused: ${inWords(alert)}`;
  if (/incompatible|UNSUPPORTED_PROTOCOL/.test(all)) {
    return "the peer has no version (1.2 or 1.3) or no cipher in common with us";
  }
  if (/corrupt message|InvalidContentType|wrong.version/i.test(all)) {
    return "what the peer sent is not TLS (does it speak TLS on this port?)";
  }
  return visible(message);
}

/** `HandshakeFailure` as `handshake failure`. */
function inWords(alert: string): string {
  return alert.replace(/\B[A-Z][a-z]|(?<=[a-z])[A-Z]/g, " $&").toLowerCase();
}
