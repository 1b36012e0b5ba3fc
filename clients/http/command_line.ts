/** From the command line of `http` to a request. */
import { promptSecret } from "@std/cli/prompt-secret";
import { UsageError } from "../../tools/program/failure.ts";
import { say } from "../../tools/program/terminal.ts";
import { formatHostPort, isIPv4, isIPv6 } from "../../tools/protocol/address.ts";
import { type Field, isFieldValue, isToken } from "../../tools/protocol/http_fields.ts";
import { parseTarget, type Target } from "../../tools/protocol/http_url.ts";
import { safeName } from "../../tools/protocol/safe_name.ts";
import { Secret } from "../../tools/protocol/secret.ts";
import { parsePort } from "../../tools/protocol/units.ts";
import {
  ACCEPT_ENCODING,
  basicCredentials,
  EXPECT_CONTINUE,
  type HttpRequest,
  type RequestBody,
  standardFields,
} from "./request.ts";
import { dataBody, fileBody } from "./upload.ts";

/** The options that make the request. */
export interface RequestOptions {
  head: boolean;
  request: string | undefined;
  header: Field[];
  data: string[];
  uploadFile: string | undefined;
  range: string | undefined;
  output: string | undefined;
  remoteName: boolean;
  continueAt: string | undefined;
  timeCond: string | undefined;
  user: string | undefined;
  compressed: boolean;
  port: number | undefined;
}

/** Reads `-H`: a field, with an empty value to leave out one we would send. Throws RangeError. */
export function fieldLine(line: string): Field {
  const colon = line.indexOf(":");
  const field = {
    name: line.slice(0, colon),
    value: line.slice(colon + 1).trim(),
  };
  if (colon < 1 || !isToken(field.name)) {
    throw new RangeError("give 'NAME: VALUE'");
  }
  if (!isFieldValue(field.value)) {
    throw new RangeError("a field holds no CR, LF or NUL");
  }
  if (/^(content-length|transfer-encoding)$/i.test(field.name)) {
    throw new RangeError("the framing of the body follows from -d or -T");
  }
  return field;
}

/** Reads `-r`: one range of bytes. Throws RangeError. */
export function byteRange(word: string): string {
  const [, first, last] = /^(\d*)-(\d*)$/.exec(word) ?? [];
  const possible = first !== undefined && last !== undefined &&
    first + last !== "" &&
    (first === "" || last === "" || Number(first) <= Number(last));
  if (!possible) {
    throw new RangeError("give a range such as 0-499, 500- or -500");
  }
  return word;
}

/** Reads `--resolve`: HOST:PORT:ADDRESS, as host:port and address. Throws RangeError. */
export function resolveEntry(word: string): [where: string, address: string] {
  const [, host = "", port = "", bracketed, plain] =
    /^(\[[^\]]+\]|[^:]+):(\d+):(?:\[([^\]]+)\]|(.+))$/.exec(word) ?? [];
  const address = bracketed ?? plain ?? "";
  if (!isIPv4(address) && !isIPv6(address)) {
    throw new RangeError("give HOST:PORT:ADDRESS, such as www:80:127.0.0.1");
  }
  // The name as a URL has it: in lower case, and in its ASCII form.
  const target = parseTarget(host, parsePort(port));
  return [formatHostPort(target.host, target.port), address];
}

/** The request that the command line asks for. Throws UsageError, and Failure for a file. */
export async function requestFor(
  word: string,
  options: RequestOptions,
): Promise<HttpRequest> {
  let target: Target;
  try {
    target = parseTarget(word, options.port);
  } catch (error) {
    // A URL may hold a password.
    const shown = JSON.stringify(word.replace(/\/\/[^/]*@/, "//***@"));
    throw new UsageError(`${shown}: ${(error as Error).message}`);
  }
  const method = methodFor(options);
  const fields = standardFields();
  if (options.compressed) fields.set("Accept-Encoding", ACCEPT_ENCODING);
  if (options.range) fields.set("Range", `bytes=${options.range}`);
  if (options.timeCond) {
    const since = await timeOf(options.timeCond);
    if (since) fields.set("If-Modified-Since", since.toUTCString());
  }
  const credentials = credentialsFor(target, options.user);
  if (credentials) fields.set("Authorization", credentials);
  let body: RequestBody | undefined;
  if (options.data.length > 0) {
    body = await dataBody(options.data);
    fields.set("Content-Type", "application/x-www-form-urlencoded");
  } else if (options.uploadFile !== undefined) {
    body = await fileBody(options.uploadFile);
    if (body.length !== 0) fields.set("Expect", EXPECT_CONTINUE);
    target = intoFolder(target, options.uploadFile);
  }
  const given = new Set(options.header.map(({ name }) => name.toLowerCase()));
  given.forEach((name) => fields.delete(name));
  for (const { name, value } of options.header) {
    if (value !== "") fields.append(name, value);
  }
  return { method, target, fields, ...(body ? { body } : {}) };
}

function methodFor(
  { head, request, data, uploadFile, ...options }: RequestOptions,
): string {
  const implied = [
    head ? "HEAD" : "",
    data.length > 0 ? "POST" : "",
    uploadFile !== undefined ? "PUT" : "",
  ].filter((method) => method !== "");
  if (implied.length > 1) {
    throw new UsageError("-I, -d and -T: one of them at a time");
  }
  if (head && request !== undefined) {
    throw new UsageError("-I and -X: one of them at a time");
  }
  const method = request ?? implied[0] ?? "GET";
  if (!isToken(method)) {
    throw new UsageError(`-X: ${JSON.stringify(method)} is not a method`);
  }
  if (method === "CONNECT") {
    throw new UsageError("-X CONNECT: tunnels are not made here");
  }
  const toFile = options.output !== undefined || options.remoteName;
  if (head && toFile) {
    throw new UsageError("-I has no body to save: it goes neither with -o nor with -O");
  }
  if (options.continueAt !== undefined) {
    if (!toFile) throw new UsageError("-C needs -o or -O: the file to complete");
    if (method !== "GET" || options.range !== undefined || options.compressed) {
      throw new UsageError(
        "-C completes what GET gets: it goes with no -X, -d, -T, -r or --compressed",
      );
    }
  }
  return method;
}

/** What `-z` compares with: a file's time or a date; undefined when the file is not there yet. */
async function timeOf(word: string): Promise<Date | undefined> {
  try {
    const { mtime } = await Deno.stat(word);
    return mtime ?? undefined;
  } catch {
    const time = Date.parse(word);
    if (!Number.isNaN(time)) return new Date(time);
    say(
      `http: -z ${word}: no such file, and not a date: asking without a condition`,
    );
    return undefined;
  }
}

/** The value of Authorization, from `-u` or the URL. */
function credentialsFor(
  target: Target,
  user: string | undefined,
): string | undefined {
  if (user === undefined) {
    return target.user &&
      basicCredentials(target.user.name, target.user.password);
  }
  const [, name = "", password] = /^([^:]*)(?::(.*))?$/s.exec(user) ?? [];
  if (password !== undefined) {
    return basicCredentials(name, new Secret(password));
  }
  const typed = Deno.stdin.isTerminal() ? promptSecret(`Password for ${name}:`) : null;
  if (typed === null) {
    throw new UsageError(
      "-u: give NAME:PASSWORD (there is no terminal to ask)",
    );
  }
  return basicCredentials(name, new Secret(typed));
}

/** Uploading to a URL that ends in a slash puts the file into that folder. */
function intoFolder(target: Target, file: string): Target {
  const name = file.split("/").at(-1) ?? "";
  if (!target.path.endsWith("/") || file === "-") return target;
  return parseTarget(target.href + encodeURIComponent(name));
}

/** The file to save to; undefined for standard output. Throws UsageError. */
export function fileFor(
  target: Target,
  options: RequestOptions,
): string | undefined {
  if (options.output !== undefined || !options.remoteName) {
    return options.output === "-" ? undefined : options.output;
  }
  const [path = ""] = target.path.split("?");
  const segment = path.split("/").at(-1) ?? "";
  let name = segment;
  try {
    name = decodeURIComponent(segment);
  } catch {
    // Not percent-encoded UTF-8: the name as it stands is as good.
  }
  if (!safeName(name, Deno.build.os === "windows")) {
    throw new UsageError(`-O: ${target.href} has no file name: use -o FILE`);
  }
  return name;
}
