/** One request and its response, over a connection of its own. */
import { isGone } from "../../tools/net/errors.ts";
import { ByteReader } from "../../tools/net/reader.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import { writeAll } from "../../tools/net/writer.ts";
import type { Trace } from "../../tools/program/trace.ts";
import { concat } from "../../tools/protocol/bytes.ts";
import { ProtocolError } from "../../tools/protocol/error.ts";
import {
  type Framing,
  LONGEST_HEAD,
  parseResponseHead,
  responseFraming,
  type ResponseHead,
} from "../../tools/protocol/http_response.ts";
import type { Target } from "../../tools/protocol/http_url.ts";
import { latin1 } from "../../tools/protocol/text.ts";
import { readBody } from "./body.ts";
import { EXPECT_CONTINUE, type HttpRequest, type RequestBody, requestLines } from "./request.ts";

/** The answer to a request. */
export interface HttpResponse {
  request: HttpRequest;
  head: ResponseHead;
  framing: Framing;
  /** The content in pieces, each valid while the next one is awaited; see `readBody`. */
  body: AsyncGenerator<Uint8Array>;
  /** Ends the connection, whatever of the body is still to come. */
  close(): void;
}

/** A connection to a server. */
export interface Connection extends ByteStream {
  /** Whether it ended without the farewell of TLS; undefined without TLS. */
  readonly truncated?: boolean;
}

// How long an upload waits for 100 (Continue): a server need not send it (RFC 9110 section 10.1.1).
const CONTINUE_WAIT = 1000;
// A server may send as many 1xx answers as it likes, but not for ever.
const MOST_INTERIM = 20;

/** An HTTP/1.1 client by RFC 9112. It opens a connection for each request by `dial`. */
export class HttpClient {
  readonly #dial: (target: Target) => Promise<Connection>;
  readonly #trace: Trace;

  constructor(dial: (target: Target) => Promise<Connection>, trace: Trace) {
    this.#dial = dial;
    this.#trace = trace;
  }

  /** Sends `request` and reads the head of the final response. Throws ProtocolError, and what sockets throw. */
  async exchange(request: HttpRequest): Promise<HttpResponse> {
    const expects = request.fields.get("Expect") === EXPECT_CONTINUE;
    const response = await this.#exchangeOnce(request);
    if (response.head.status !== 417 || !expects || !request.body?.repeatable) {
      return response;
    }
    // RFC 9110 section 10.1.1: the expectation was refused, not the request.
    this.#trace.note("417: once more without Expect");
    response.close();
    request.fields.delete("Expect");
    return await this.#exchangeOnce(request);
  }

  async #exchangeOnce(request: HttpRequest): Promise<HttpResponse> {
    const conn = await this.#dial(request.target);
    try {
      const head = await this.#converse(conn, request);
      const framing = responseFraming(request.method, head.head);
      this.#trace.note(`body: ${framing.why}`);
      if (framing.warning) this.#trace.note(framing.warning);
      return {
        request,
        head: head.head,
        framing,
        body: readBody(head.reader, framing, {
          onTrailers: (trailers) => {
            for (const { name, value } of trailers) this.#trace.received(`${name}: ${value}`);
          },
          isCut: () => conn.truncated ?? false,
        }),
        close: () => conn.close(),
      };
    } catch (error) {
      conn.close();
      throw error;
    }
  }

  async #converse(
    conn: ByteStream,
    request: HttpRequest,
  ): Promise<{ head: ResponseHead; reader: ByteReader }> {
    const { body } = request;
    const lines = requestLines(request);
    const head = new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n`);
    const small = body?.bytes;
    await writeAll(conn, small ? concat([head, small]) : head);
    for (const line of lines) this.#trace.sent(masked(line));

    const reader = new ByteReader(conn);
    const continued = Promise.withResolvers<void>();
    // Read from now on: a server may refuse an upload before it has seen all of it.
    const answer = this.#finalHead(reader, continued.resolve);
    if (body && !small) {
      const settled = answer.then(() => {}, () => {});
      if (request.fields.get("Expect") === EXPECT_CONTINUE) {
        await inTime([continued.promise, settled], CONTINUE_WAIT);
      }
      await this.#upload(conn, request, answer);
    }
    return { head: await answer, reader };
  }

  /** Sends the body until all is sent, or the server has refused it. */
  async #upload(
    conn: ByteStream,
    request: HttpRequest,
    answer: Promise<ResponseHead>,
  ): Promise<void> {
    let refused = false;
    const refusal = answer.then(({ status }) => {
      if (status < 300) return new Promise<void>(() => {});
      refused = true;
    }, () => {
      refused = true;
    });
    const sending = (async (): Promise<void> => {
      // An answer that is here already has its say before the first byte.
      await Promise.resolve();
      for await (const piece of framed(request.body)) {
        if (refused) {
          return this.#trace.note("the server has answered: the upload stops");
        }
        await writeAll(conn, piece);
      }
    })();
    await Promise.race([
      sending.catch((error) => {
        // The server closed while we sent; what it said before counts.
        if (!isGone(error)) throw error;
      }),
      refusal,
    ]);
  }

  /** The first head that is not 1xx. */
  async #finalHead(
    reader: ByteReader,
    onContinue: () => void,
  ): Promise<ResponseHead> {
    for (let interim = 0; interim < MOST_INTERIM; interim++) {
      const head = await readHead(reader);
      for (const line of head.lines) this.#trace.received(line);
      this.#trace.received("");
      if (head.status >= 200) return head;
      // RFC 9110 section 15.2.2: only an Upgrade field asks for it, and we send none.
      if (head.status === 101) {
        throw new ProtocolError("the server switched protocols unasked");
      }
      if (head.status === 100) onContinue();
    }
    throw new ProtocolError(`more than ${MOST_INTERIM} interim (1xx) answers`);
  }
}

/** The pieces of a body as they go on the wire: chunked (RFC 9112 section 7.1) when its length is not known. */
async function* framed(
  body: RequestBody | undefined,
): AsyncGenerator<Uint8Array> {
  if (body === undefined) return;
  if (body.length !== undefined) return yield* body.open();
  const ascii = new TextEncoder();
  for await (const piece of body.open()) {
    // A chunk of no bytes would be the last one.
    if (piece.length === 0) continue;
    yield concat([
      ascii.encode(`${piece.length.toString(16)}\r\n`),
      piece,
      ascii.encode("\r\n"),
    ]);
  }
  yield ascii.encode("0\r\n\r\n");
}

/** Reads a head up to its empty line. Bare LF is taken as a line end (RFC 9112 section 2.2). Throws ProtocolError. */
async function readHead(reader: ByteReader): Promise<ResponseHead> {
  const lines: string[] = [];
  let left = LONGEST_HEAD;
  for (;;) {
    let line: Uint8Array | null;
    try {
      line = await reader.readLine({ longest: Math.max(0, left), end: "lf" });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (left < LONGEST_HEAD && /longer/.test(error.message)) {
        throw new ProtocolError(
          `the head of the answer is longer than ${LONGEST_HEAD} bytes`,
        );
      }
      throw new ProtocolError(
        `the answer is not HTTP, or is cut: ${error.message}`,
      );
    }
    if (line === null) {
      throw new ProtocolError(
        lines.length === 0
          ? "the server closed the connection without an answer"
          : "the connection ended within the head of the answer",
      );
    }
    if (line.length === 0 && lines.length > 0) return parseResponseHead(lines);
    left -= line.length + 2;
    lines.push(latin1(line));
    // Before a stream of something else is read as a head.
    if (lines.length === 1) parseResponseHead(lines);
  }
}

/** Resolves when one of `events` does, or after `wait` milliseconds. */
async function inTime(events: Promise<void>[], wait: number): Promise<void> {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, wait);
  await Promise.race([...events, late.promise]);
  clearTimeout(timer);
}

/** A request line or field as it may be shown. */
function masked(line: string): string {
  return line.replace(/^((?:proxy-)?authorization: *\S+) .*/is, "$1 ***");
}
