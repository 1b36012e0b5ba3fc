/**
 * An HTTP/1.1 client (RFC 9110, RFC 9112) over a plain connection: the body of
 * the answer goes to standard output, or to a file. Under the name `gethttp` it
 * shows the whole answer, head and body.
 */
import {
  connectName,
  PATH_OPTIONS,
  portOption,
  timeoutOption,
  TRUST_OPTIONS,
  trustFile,
  VERBOSE_OPTION,
} from "../tools/net/client.ts";
import { peerFailure } from "../tools/net/errors.ts";
import { limitSilence } from "../tools/net/silence.ts";
import { type Command, program } from "../tools/program/command.ts";
import { EXIT, Failure } from "../tools/program/failure.ts";
import { count, flag, list, size, text, value, valueOr } from "../tools/program/options.ts";
import { say, writeOut } from "../tools/program/terminal.ts";
import { Trace } from "../tools/program/trace.ts";
import { ProtocolError } from "../tools/protocol/error.ts";
import { formatHostPort } from "../tools/protocol/address.ts";
import type { ResponseHead } from "../tools/protocol/http_response.ts";
import type { Target } from "../tools/protocol/http_url.ts";
import { latin1Bytes, visible, visibleBytes } from "../tools/protocol/text.ts";
import { type Connection, HttpClient, type HttpResponse } from "./http/client.ts";
import { DownloadFile } from "./http/download.ts";
import { byteRange, fieldLine, fileFor, requestFor, resolveEntry } from "./http/command_line.ts";
import { type HttpRequest, redirected, redirectLocation } from "./http/request.ts";
import { limited, showBody } from "./http/sink.ts";

export { HttpClient };

/** The `http` program. */
export const command = {
  name: "http",
  summary: "HTTP client: shows or saves what a web server answers",
  usage: ["URL|HOST [options]"],
  words: [1, 1],
  options: {
    include: flag("Show the head of the answer too.", { short: "i" }),
    head: flag("Ask for the head alone (HEAD).", { short: "I" }),
    ...VERBOSE_OPTION,
    request: value("METHOD", "The method, such as DELETE.", text, { short: "X" }),
    header: list("'NAME: VALUE'", "Send this field too; 'NAME:' leaves a field out.", fieldLine, {
      short: "H",
    }),
    data: list("DATA|@FILE", "Send this (POST), byte for byte; @- is standard input.", String, {
      short: "d",
    }),
    "upload-file": value("FILE", "Send this file (PUT); - is standard input.", text, {
      short: "T",
    }),
    range: value("RANGE", "Ask for these bytes alone: 0-499, 500- or -500.", byteRange, {
      short: "r",
    }),
    output: value("FILE", "Save the body in this file.", text, { short: "o" }),
    "remote-name": flag("Save it under the last name in the URL.", { short: "O" }),
    "continue-at": value("-", "Complete the file that -o or -O names.", dash, { short: "C" }),
    "time-cond": value("FILE|DATE", "Only if it is newer than this.", text, { short: "z" }),
    location: flag("Follow redirects.", { short: "L" }),
    "max-redirs": valueOr("N", "Follow at most so many.", count, "20"),
    user: value("NAME[:PASSWORD]", "Log in (Basic); asks for a missing password.", text, {
      short: "u",
    }),
    compressed: flag("Let the server compress, and undo it."),
    "max-filesize": value("SIZE", "Take no more than this.", size),
    resolve: list("HOST:PORT:ADDRESS", "Connect there for HOST:PORT.", resolveEntry),
    port: { ...portOption(80).port, shown: "80, or 443 for https" },
    ...timeoutOption("30s"),
    ...PATH_OPTIONS,
    ...TRUST_OPTIONS,
  },
  examples: [
    ["http www", "Show http://www/."],
    ["gethttp www | less", "Head and body, as http -i."],
    ["http -O http://server/cake.iso", "Save as cake.iso; once more with -C - to complete it."],
    ["http -d name=Ada -d age=36 http://server/form", "Fill in a form."],
    ["http -v -L --compressed https://server/", "See how client and server talk."],
  ],
  // --allow-sys is for --cacert alone: Deno asks for it before it tells the usual authorities.
  permissions: ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"],
  rfcs: [
    "RFC 9110 (HTTP semantics), RFC 9112 (HTTP/1.1), RFC 3986 (URI), RFC 7617 (Basic), " +
    "RFC 1950 to 1952 (deflate, gzip), RFC 7932 (br), RFC 8878 (zstd)",
  ],
} satisfies Command;

function dash(word: string): string {
  if (word !== "-") {
    throw new RangeError("give -: the file itself says where to go on");
  }
  return word;
}

/** How connections are made. */
export interface DialOptions {
  ipv4: boolean;
  ipv6: boolean;
  /** Longest silence in milliseconds. */
  timeout: number;
  insecure: boolean;
  /** Addresses to connect to, by `host:port`. */
  resolve: Map<string, string>;
}

/** Connects to the server of `target`. Throws what sockets throw. */
export async function dial(
  target: Target,
  options: DialOptions,
): Promise<Connection> {
  const { host, port } = target;
  const signal = AbortSignal.timeout(options.timeout);
  const hostname = options.resolve.get(formatHostPort(host, port)) ??
    await connectName(host, options, signal);
  const conn = await Deno.connect({ hostname, port, signal });
  conn.setNoDelay();
  const stream = limitSilence(conn, options.timeout);
  if (!target.secure) return stream;
  const { tlsClient } = await import("../tools/net/tls.ts");
  try {
    return await tlsClient(stream, { host, insecure: options.insecure });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { exitCode, message } = error;
    throw new Failure(exitCode, `${formatHostPort(host, port)}: ${message}`, { cause: error });
  }
}

/** Runs `http`; returns its exit code. */
export const main = program(
  command,
  async ({ options, words: [word = ""], calledAs }) => {
    if (options.cacert !== undefined) await trustFile(options.cacert);
    const showsHead = options.include || options.head || calledAs === "gethttp";
    const request = await requestFor(word, options);
    const path = fileFor(request.target, options);
    const file = path === undefined
      ? undefined
      : await DownloadFile.open(path, options.continueAt !== undefined);
    file?.askForRest(request.fields);

    const resolve = new Map(options.resolve);
    let { target } = request;
    const client = new HttpClient(
      (to) => dial(target = to, { ...options, resolve }),
      new Trace(options.verbose),
    );
    try {
      const follow = options.location ? options.maxRedirs : 0;
      const response = await exchange(client, request, follow, async ({ head }) => {
        if (showsHead) await writeOut(shownHead(head));
      });
      try {
        return await deliver(response, file, options);
      } finally {
        response.close();
      }
    } catch (error) {
      const failure = peerFailure(formatHostPort(target.host, target.port), error);
      if (!file?.remark) throw failure;
      throw new Failure(failure.exitCode, failure.message + file.remark, { cause: error });
    }
  },
);

/** The answer to `request`, or to what it was redirected to, `most` times at most; 0 follows nothing. */
async function exchange(
  client: HttpClient,
  request: HttpRequest,
  most: number,
  onResponse: (response: HttpResponse) => Promise<void>,
): Promise<HttpResponse> {
  let next: HttpRequest | undefined = request;
  for (let followed = 0;; followed++) {
    const response: HttpResponse = await client.exchange(next);
    await onResponse(response);
    if (most === 0) return response;
    next = redirected(next, response.head);
    if (next === undefined) return response;
    response.close();
    if (followed === most) {
      throw new ProtocolError(`redirected more than ${most} times`);
    }
  }
}

/** Puts the body where it belongs, and says how the exchange ended. */
async function deliver(
  response: HttpResponse,
  file: DownloadFile | undefined,
  options: { compressed: boolean; maxFilesize: number | undefined; range: string | undefined },
): Promise<number> {
  const { head, framing, request } = response;
  const length = framing.kind === "length" ? framing.length : undefined;
  const coded = options.compressed && framing.kind !== "none" &&
    head.fields.get("Content-Encoding") !== undefined;
  const limit = options.maxFilesize ?? Infinity;
  if (!coded && length !== undefined && length > limit) {
    throw new Failure(
      EXIT.refused,
      `the body has ${length} bytes, more than --max-filesize (${limit})`,
    );
  }
  if (file?.isComplete(head)) {
    say(`http: ${file.path}: is complete`);
    return EXIT.ok;
  }
  if (head.status === 206 && request.fields.get("Range") === undefined) {
    throw new ProtocolError("the server sent a part (206), though all of it was asked for");
  }
  if (head.status === 200 && options.range !== undefined) {
    say("http: the server sends no ranges: this is all of it");
  }
  let pieces: AsyncIterable<Uint8Array> = response.body;
  if (coded) {
    const { decoded } = await import("./http/content_coding.ts");
    pieces = decoded(pieces, head.fields);
  }
  pieces = limited(pieces, limit);
  // What is in the file is worth more than the server's words on why there is nothing new.
  if (file && head.status < 300 && framing.kind !== "none") {
    await file.save(head, pieces, { length, coded });
  } else await showBody(pieces);
  return verdict(response);
}

/** The exit code for a status; a line says what the body may not. */
function verdict({ head, request }: HttpResponse): number {
  const { status, reason } = head;
  if (status === 304) say("http: not modified");
  else if (status >= 300) {
    const location = redirectLocation(head);
    const hint = location === undefined ? "" : `: it is at ${visible(location)} (-L follows)`;
    say(`http: ${request.target.href}: ${status} ${visible(reason)}${hint}`);
  }
  return status < 400 ? EXIT.ok : EXIT.refused;
}

/** A head as it came, safe to show. */
function shownHead({ lines }: ResponseHead): string {
  return [...lines, "", ""].map((line) => visibleBytes(latin1Bytes(line))).join(
    "\r\n",
  );
}

if (import.meta.main) Deno.exit(await main(Deno.args));
