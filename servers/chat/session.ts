/** One person's connection: what is read from it, how fast, and how it ends. */
import { delay } from "@std/async/delay";
import { Deadline } from "../../tools/net/deadline.ts";
import { closeQuietly, isGone } from "../../tools/net/errors.ts";
import { GRACE } from "../../tools/net/server.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import { Writer } from "../../tools/net/writer.ts";
import { LONGEST_LINE } from "../../tools/protocol/chat.ts";
import { LineCutter } from "../../tools/protocol/chat_lines.ts";
import { TelnetFilter } from "../../tools/protocol/telnet.ts";
import { Bucket } from "./bucket.ts";
import type { Peer, Person, Room } from "./room.ts";

/** After a pause a person may say so many seconds' worth of lines at once: a pasted page. */
const BURST = 5;

/** How long somebody who leaves may take for what is still to be read, in milliseconds: as long as a stopping server waits. */
const FAREWELL = GRACE;

/** How long one that was sent everything may keep the connection open, in milliseconds: some round trips. */
const LINGER = 1000;

// What is read at once: little from somebody who types or listens, more while the reads fill it.
const SMALL_READ = 512;
const LARGE_READ = 65_536;

/** How sessions are set up. */
export interface SessionOptions {
  /** Lines a second that one person may say. More are not lost, they wait. */
  rate: number;
  /** How long a person may say nothing, in milliseconds. */
  idleTimeout: number;
  /** Whether to take out what a Telnet client says to its like. */
  telnet: boolean;
  /** The time in milliseconds, from any start. */
  now(): number;
}

/** A room, as its sessions see it. */
export type Place = Pick<Room<string>, "enter" | "hear" | "leave" | "relief">;

/** Serves the person at the other end of `conn` until it has left; then `conn` can be closed. */
export async function serveSession(
  conn: ByteStream,
  peer: Peer,
  room: Place,
  options: SessionOptions,
): Promise<void> {
  const out = new Writer(conn);
  const person = room.enter(out, peer);
  const listening = listen(conn, person, room, options).then(
    () => room.leave(person, "closed"),
    (error) => {
      room.leave(person, "lost");
      if (!isGone(error)) throw error;
    },
  );
  // An error is told at the end, and must not stop the program before.
  listening.catch(() => {});
  await person.left;
  const close = (): void => closeQuietly(conn);
  try {
    using _deadline = new Deadline(FAREWELL, close);
    await out.flush();
    await conn.closeWrite();
  } catch (error) {
    if (!isGone(error)) throw error;
  }
  // Input that nobody reads would reset the connection, which can cost the last words.
  using _deadline = new Deadline(LINGER, close);
  await listening;
}

/** Reads lines until the end, and gives them to the room for as long as the person is there. */
async function listen(
  conn: ByteStream,
  person: Person,
  room: Place,
  { rate, idleTimeout, telnet, now }: SessionOptions,
): Promise<void> {
  // Some more than the longest line, so that the room sees when there was more.
  const cutter = new LineCutter(LONGEST_LINE + 4);
  const filter = new TelnetFilter();
  const bucket = new Bucket(rate, rate * BURST);
  let time = now();
  // Undefined when it is the person's turn already: then lines that came together stay together.
  const turn = (): Promise<void> | undefined => {
    const wait = bucket.wait(time);
    bucket.take(time);
    return wait > 0 ? delay(wait).then(() => void (time = now())) : undefined;
  };
  using idle = new Deadline(idleTimeout, () => room.leave(person, "idle"));
  let buffer = new Uint8Array(SMALL_READ);
  for (let length = await conn.read(buffer); length !== null; length = await conn.read(buffer)) {
    if (!person.here) continue;
    idle.extend();
    time = now();
    const data = buffer.subarray(0, length);
    for (const line of cutter.lines(telnet ? filter.filter(data) : data)) {
      const wait = turn();
      if (wait) await wait;
      if (!person.here) break;
      room.hear(person, line);
    }
    // A line without an end is slowed down as others are.
    if (cutter.full) await turn();
    if (buffer.length === LARGE_READ) await room.relief();
    const size = nextSize(buffer.length, length);
    if (size !== buffer.length) buffer = new Uint8Array(size);
  }
  const rest = cutter.end();
  if (rest.length > 0 && person.here) room.hear(person, rest);
}

/** How much to read at once after `length` bytes were read where `size` were asked for. */
function nextSize(size: number, length: number): number {
  if (length === size) return LARGE_READ;
  return length <= SMALL_READ ? SMALL_READ : size;
}
