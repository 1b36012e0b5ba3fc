/** Connections in memory. */
import type { ByteStream } from "../../tools/net/stream.ts";

/** One end of a connection in memory. */
export interface TestStream extends ByteStream {
  /** Ends the connection as a reset does: the peer's reads throw. */
  reset(): void;
}

/** How a pair behaves. */
export interface PairOptions {
  /** The most bytes that one read or write moves; a socket may move few. */
  most?: number;
}

/** The bytes under way in one direction. */
class Pipe {
  #chunks: Uint8Array[] = [];
  #ended = false;
  #failure: Error | undefined;
  #wake = (): void => {};

  get open(): boolean {
    return !this.#ended && this.#failure === undefined;
  }

  put(data: Uint8Array): void {
    this.#chunks.push(data.slice());
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  fail(failure: Error): void {
    this.#failure ??= failure;
    this.#wake();
  }

  async take(buffer: Uint8Array, most: number): Promise<number | null> {
    for (;;) {
      if (this.#failure) throw this.#failure;
      const [chunk] = this.#chunks;
      if (chunk) {
        const length = Math.min(chunk.length, buffer.length, most);
        buffer.set(chunk.subarray(0, length));
        if (length === chunk.length) this.#chunks.shift();
        else this.#chunks[0] = chunk.subarray(length);
        return length;
      }
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

function end(input: Pipe, output: Pipe, most: number): TestStream {
  return {
    read: (buffer) => input.take(buffer, most),
    // deno-lint-ignore require-await
    async write(data): Promise<number> {
      if (!output.open) throw new Deno.errors.BrokenPipe("broken pipe");
      const length = Math.min(data.length, most);
      if (length > 0) output.put(data.subarray(0, length));
      return length;
    },
    // deno-lint-ignore require-await
    async closeWrite(): Promise<void> {
      output.end();
    },
    close(): void {
      output.end();
      input.fail(new Deno.errors.Interrupted("closed"));
    },
    reset(): void {
      output.fail(new Deno.errors.ConnectionReset("reset"));
      input.fail(new Deno.errors.Interrupted("closed"));
    },
  };
}

/** Both ends of a connection in memory. */
export function streamPair(
  { most = Infinity }: PairOptions = {},
): [TestStream, TestStream] {
  const there = new Pipe();
  const back = new Pipe();
  return [end(back, there, most), end(there, back, most)];
}

/** A stream to read from that holds `chunks` and then ends: each read gives one of them, or what fits. */
export function streamOf(
  ...chunks: (Uint8Array | string)[]
): Pick<ByteStream, "read"> {
  const pipe = new Pipe();
  for (const chunk of chunks) {
    const data = bytes(chunk);
    if (data.length > 0) pipe.put(data);
  }
  pipe.end();
  return { read: (buffer) => pipe.take(buffer, Infinity) };
}

/** Everything from `stream` until its end. */
export async function readAll(
  stream: Pick<ByteStream, "read">,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const buffer = new Uint8Array(65536);
  for (
    let length = await stream.read(buffer);
    length !== null;
    length = await stream.read(buffer)
  ) chunks.push(buffer.slice(0, length));
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** Everything from `stream` until its end, as text. */
export async function readText(
  stream: Pick<ByteStream, "read">,
): Promise<string> {
  return new TextDecoder().decode(await readAll(stream));
}

/** Text as bytes in UTF-8; bytes as they are. */
export function bytes(data: Uint8Array | string): Uint8Array {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}
