/** A request: what is sent, and what a redirect makes of it. */
import { VERSION } from "../../tools/program/version.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import { Fields } from "../../tools/protocol/http_fields.ts";
import type { ResponseHead } from "../../tools/protocol/http_response.ts";
import { resolveLocation, sameOrigin, type Target } from "../../tools/protocol/http_url.ts";
import type { Secret } from "../../tools/protocol/secret.ts";

/** The value of Expect that asks for 100 (Continue). */
export const EXPECT_CONTINUE = "100-continue";

/** The content codings that `--compressed` offers: those that `content_coding.ts` undoes. */
export const ACCEPT_ENCODING = "gzip, deflate, br, zstd";

/** What a request carries. */
export interface RequestBody {
  /** In bytes; undefined when it is not known before the end. */
  length: number | undefined;
  /** All of it, when it is small enough to be sent with the head. */
  bytes?: Uint8Array;
  /** The pieces to send. */
  open(): AsyncIterable<Uint8Array>;
  /** Whether it can be opened twice: standard input cannot. */
  repeatable: boolean;
}

/** A request to be sent. */
export interface HttpRequest {
  method: string;
  target: Target;
  /** The fields, but for Host and the framing, which follow from the rest. */
  fields: Fields;
  body?: RequestBody;
}

/** The fields a request has unless the user says otherwise. */
export function standardFields(): Fields {
  return new Fields([
    { name: "User-Agent", value: `labsock/${VERSION}` },
    { name: "Accept", value: "*/*" },
    // Each request has a connection of its own.
    { name: "Connection", value: "close" },
  ]);
}

/** The request line and the field lines, without their ends. */
export function requestLines(
  { method, target, fields, body }: HttpRequest,
): string[] {
  const framing = body === undefined
    ? []
    : body.length === undefined
    ? ["Transfer-Encoding: chunked"]
    : [`Content-Length: ${body.length}`];
  return [
    `${method} ${target.path} HTTP/1.1`,
    // RFC 9112 section 3.2: Host comes first.
    ...(fields.get("Host") === undefined ? [`Host: ${target.authority}`] : []),
    ...[...fields].map(({ name, value }) => `${name}: ${value}`),
    ...framing,
  ];
}

/** The value of Authorization for the Basic scheme (RFC 7617, in UTF-8). */
export function basicCredentials(name: string, password: Secret): string {
  const bytes = new TextEncoder().encode(`${name}:${password.reveal()}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

// What describes the request itself. Anything else the user added (Authorization,
// Cookie, Host, X-Api-Key...) was meant for the server they named, and for no other.
const FOR_ANYBODY = new Set([
  ...[
    "accept",
    "accept-encoding",
    "accept-language",
    "connection",
    "content-type",
    "expect",
  ],
  ...["if-modified-since", "if-range", "range", "user-agent"],
]);

/** Where `head` redirects to, as it says; undefined when it does not. */
export function redirectLocation({ status, fields }: ResponseHead): string | undefined {
  return [301, 302, 303, 307, 308].includes(status) ? fields.all("Location")[0] : undefined;
}

/**
 * The request to follow a redirect with; undefined when `head` is none.
 * RFC 9110 section 15.4: 307 and 308 repeat the request as it was, after 303 it
 * becomes GET, and after 301 and 302 so does POST, and nothing but POST: also
 * when the user chose the method. Throws ProtocolError.
 */
export function redirected(
  request: HttpRequest,
  head: ResponseHead,
): HttpRequest | undefined {
  const { status, fields } = head;
  const location = redirectLocation(head);
  if (location === undefined) return undefined;
  if (new Set(fields.all("Location")).size > 1) {
    throw new ProtocolError("redirected to several places at once");
  }
  const target = resolveLocation(request.target, location);
  const becomesGet = status === 303
    ? request.method !== "GET" && request.method !== "HEAD"
    : status < 303 && request.method === "POST";
  let kept = request.fields;
  if (!sameOrigin(request.target, target)) {
    kept = kept.filter((name) => FOR_ANYBODY.has(name));
  }
  if (becomesGet) {
    kept = kept.filter((name) => name !== "expect" && !name.startsWith("content-"));
    return { method: "GET", target, fields: kept };
  }
  if (request.body && !request.body.repeatable) {
    throw new ProtocolError(
      `redirected (${status}) to ${target.href}, but standard input can be sent only once`,
    );
  }
  return { ...request, target, fields: kept };
}
