/** The loops that move the bytes of a transfer between a connection and the program. */
import type { ByteStream } from "../../tools/net/stream.ts";

/** Takes all of `data`, which is valid until it returns or its promise settles. */
export type Sink = (data: Uint8Array) => void | Promise<void>;

/** Fills `buffer`, or a part of it, and says how much; null at the end. */
export type Source = (buffer: Uint8Array) => number | null | Promise<number | null>;

/** Writes into a file. Synchronous: that costs less than handing the work to a thread, and a disk keeps up. */
export function fileSink(file: { writeSync(data: Uint8Array): number }): Sink {
  return (data) => {
    for (let rest = data; rest.length > 0;) rest = rest.subarray(file.writeSync(rest));
  };
}

/** Reads from a file, see `fileSink`. */
export function fileSource(file: { readSync(buffer: Uint8Array): number | null }): Source {
  return (buffer) => file.readSync(buffer);
}

// Where measured rates stop growing.
const BUFFER = 256 * 1024;

type Buffers = readonly [Uint8Array, Uint8Array];

// Those of transfers that are over: to make new ones takes longer than to move a small file.
const spare: Buffers[] = [];

function takeBuffers(): Buffers {
  return spare.pop() ?? [new Uint8Array(BUFFER), new Uint8Array(BUFFER)];
}

/** What the loops tell, and are told. */
export interface Movement {
  /** The transfer is given up: nothing goes to the sink any more. */
  readonly over: boolean;
  /** Gives the transfer up because of the sink or the source. */
  giveUp(reason: unknown): void;
  /** So many bytes moved. */
  moved(length: number): void;
  /** Waits for the sink or the source: this time is not the server's silence. */
  ours<T>(work: Promise<T>): Promise<T>;
}

/** Reads to the end of the data connection: one buffer is filled while the other goes to `sink`, at most `piece` bytes at once. */
export async function receive(
  stream: ByteStream,
  sink: Sink,
  movement: Movement,
  piece = Infinity,
): Promise<void> {
  const buffers = takeBuffers();
  let [buffer, other] = [buffers[0].subarray(0, piece), buffers[1].subarray(0, piece)];
  let writing: Promise<void> | undefined;
  const write = (data: Uint8Array): Promise<void> | undefined => {
    try {
      return sink(data)?.catch((error) => movement.giveUp(error));
    } catch (error) {
      movement.giveUp(error);
    }
  };
  try {
    for (;;) {
      const length = await stream.read(buffer);
      if (writing) await movement.ours(writing);
      if (length === null) {
        spare.push(buffers);
        return;
      }
      if (movement.over) continue;
      writing = write(buffer.subarray(0, length));
      movement.moved(length);
      [buffer, other] = [other, buffer];
    }
  } finally {
    // What arrived before a failure is kept too.
    await writing;
  }
}

/** Sends all that `source` has, and ends our half. The next piece is read while one is sent. */
export async function send(
  stream: ByteStream,
  source: Source,
  movement: Movement,
): Promise<void> {
  const buffers = takeBuffers();
  let [buffer, other] = buffers;
  const readAhead = async (): Promise<number | null> => {
    try {
      return await source(buffer);
    } catch (error) {
      movement.giveUp(error);
      return null;
    }
  };
  for (let reading = readAhead();;) {
    const length = await movement.ours(reading);
    if (movement.over) return;
    if (length === null) break;
    let rest = buffer.subarray(0, length);
    [buffer, other] = [other, buffer];
    reading = readAhead();
    while (rest.length > 0) {
      const written = await stream.write(rest);
      movement.moved(written);
      rest = rest.subarray(written);
    }
  }
  spare.push(buffers);
  await stream.closeWrite();
}
