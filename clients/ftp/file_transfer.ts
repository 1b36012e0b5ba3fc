/** Whole files, from the server to a target and from a local file to the server. */
import { EXIT, Failure, fileFailure } from "../../tools/program/failure.ts";
import { type FtpClient, FtpError, type Source, type Transferred } from "./client.ts";
import type { RateLimit } from "./rate.ts";
import type { RemoteFacts, Target } from "./target.ts";

/** How a file is moved. */
export interface FileOptions {
  ascii: boolean;
  rate?: RateLimit | undefined;
  /** Hears of the bytes so far, those of earlier attempts included. */
  onProgress?: ((bytes: number) => void) | undefined;
}

/** What the server tells of the file `path`; what it does not tell is undefined. */
export async function remoteFacts(client: FtpClient, path: string): Promise<RemoteFacts> {
  return {
    size: await unlessRefused(client, () => client.size(path)),
    modified: await unlessRefused(client, () => client.modtime(path)),
  };
}

/** What `ask` returns; undefined when the server refuses it. */
export async function unlessRefused<T>(
  client: FtpClient,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof FtpError && !client.closed) return undefined;
    throw error;
  }
}

/** Fetches the file `path`, of which `facts` tells, from where `target` ends. The caller finishes or keeps that. */
export async function fetchFile(
  client: FtpClient,
  path: string,
  target: Target,
  { size }: RemoteFacts,
  { ascii, rate, onProgress }: FileOptions,
): Promise<number> {
  const { offset } = target;
  // What is whole already need not be asked for, and some servers refuse to send nothing.
  if (offset > 0 && offset === size) return 0;
  const sink = rate?.sink(target.sink) ?? target.sink;
  const { bytes } = await client.download(path, sink, {
    ascii,
    offset,
    onProgress,
    piece: rate?.piece,
  });
  if (!ascii && size !== undefined && offset + bytes < size) {
    throw new Failure(EXIT.refused, `the server sent ${bytes} of ${size - offset} bytes`);
  }
  return bytes;
}

/** What is to be sent. `using` closes it. */
export interface LocalSource extends Disposable {
  read: Source;
  /** In bytes; undefined for what is no regular file. */
  size: number | undefined;
}

/** Standard input, to its end. */
export function standardInput(): LocalSource {
  return {
    read: (buffer) => Deno.stdin.read(buffer),
    size: undefined,
    [Symbol.dispose]: () => {},
  };
}

/** Opens a local file from `offset` on. Throws Failure. */
export async function openSource(path: string, offset = 0): Promise<LocalSource> {
  try {
    const { isFile, isDirectory, size } = await Deno.stat(path);
    if (isDirectory) throw new Deno.errors.IsADirectory();
    const file = await Deno.open(path);
    if (offset > 0) await file.seek(offset, Deno.SeekMode.Start);
    return {
      read: async (buffer) => {
        try {
          return isFile ? file.readSync(buffer) : await file.read(buffer);
        } catch (error) {
          throw fileFailure(path, error);
        }
      },
      size: isFile ? size : undefined,
      [Symbol.dispose]: () => file.close(),
    };
  } catch (error) {
    throw fileFailure(path, error);
  }
}

/** How a file is sent. */
export interface SendOptions extends FileOptions {
  /** Add to the end of the server's file. */
  append: boolean;
}

/** Sends all of `source` into the file `path`. */
export async function sendFile(
  client: FtpClient,
  source: LocalSource,
  path: string,
  { ascii, append, rate, onProgress }: SendOptions,
): Promise<Transferred> {
  const read = rate?.source(source.read) ?? source.read;
  return await client.upload(read, path, { ascii, append, onProgress });
}
