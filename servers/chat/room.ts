/** A room in its simplest form: what one person says goes to all others as it is. */
import type { Log } from "../../tools/program/log.ts";
import { concat } from "../../tools/protocol/bytes.ts";
import { LONGEST_LINE } from "../../tools/protocol/chat.ts";
import { FanOut, type Listener, type Outlet } from "./fan_out.ts";

/** The most lines that are kept for newcomers: the longest of them fit into what may wait for a listener. */
export const MOST_HISTORY = 100;

/** Where a person comes from, for the log. */
export interface Peer {
  hostname: string;
  port: number;
}

/** How a person leaves. */
export type Departure = "closed" | "quit" | "lost" | "idle" | "slow" | "stopped";

/** Somebody in a room. */
export class Person implements Listener {
  readonly out: Outlet;
  readonly peer: Peer;
  /** Empty where people have no names. */
  nick = "";
  readonly #left = Promise.withResolvers<void>();
  readonly #tooSlow: (person: Person) => void;
  #here = true;

  constructor(out: Outlet, peer: Peer, tooSlow: (person: Person) => void) {
    this.out = out;
    this.peer = peer;
    this.#tooSlow = tooSlow;
  }

  /** Whether the person has not left. */
  get here(): boolean {
    return this.#here;
  }

  /** Resolves when the person has left: what is in `out` then is all it is told. */
  get left(): Promise<void> {
    return this.#left.promise;
  }

  /** The room lets the person go. */
  leave(): void {
    this.#here = false;
    this.#left.resolve();
  }

  tooSlow(): void {
    this.#tooSlow(this);
  }
}

/** How a room is set up. */
export interface RoomOptions {
  /** Lines that newcomers read first. */
  motd: string[];
  /** How many lines of talk newcomers read, at most MOST_HISTORY. */
  history: number;
  log: Log;
}

const encoder = new TextEncoder();
const NOTHING = new Uint8Array(0);
const CRLF = encoder.encode("\r\n");

/** A room without names, notices and commands. */
export class Room {
  protected readonly fanOut = new FanOut();
  readonly #options: RoomOptions;
  readonly #people = new Set<Person>();
  readonly #history: Uint8Array[] = [];
  #closed = false;

  constructor(options: RoomOptions) {
    this.#options = options;
  }

  /** How many are here. */
  get size(): number {
    return this.#people.size;
  }

  /** Somebody comes who hears the others by `out`. */
  enter(out: Outlet, peer: Peer): Person {
    const person = new Person(out, peer, () => this.leave(person, "slow"));
    this.#people.add(person);
    this.fanOut.add(person);
    for (const text of this.#options.motd) this.tell(person, text);
    for (const line of this.#history) this.fanOut.toOne(person, line);
    this.welcome(person);
    this.#options.log.event("joined", { ...peer, ...named(person) });
    if (this.#closed) this.leave(person, "stopped");
    return person;
  }

  /** Takes a line that `person` said, without its end; it may be overwritten later. */
  hear(person: Person, line: Uint8Array): void {
    this.publish(person, concat([line.subarray(0, LONGEST_LINE), CRLF]));
  }

  /** Takes `person` out of the room; the second time it does nothing. */
  leave(person: Person, how: Departure): void {
    if (!this.#people.delete(person)) return;
    this.fanOut.remove(person, this.farewell(person, how));
    this.#options.log.event("left", { ...person.peer, ...named(person), how });
    person.leave();
  }

  /** Resolves when a talker may go on; see FanOut. */
  async relief(): Promise<void> {
    await this.fanOut.relief();
  }

  /** Lets everybody go, now and later. */
  close(): void {
    this.#closed = true;
    for (const person of this.#people) this.leave(person, "stopped");
  }

  /** Sends a line to `person` alone. */
  tell(person: Person, text: string): void {
    this.fanOut.toOne(person, lineOf(text));
  }

  /** Sends talk to everybody but the person it comes from, and keeps it for newcomers. */
  protected publish(from: Person, line: Uint8Array): void {
    this.fanOut.toAll(line, from);
    if (this.#options.history === 0) return;
    this.#history.push(line);
    if (this.#history.length > this.#options.history) this.#history.shift();
  }

  /** What is said when `person` has come. */
  protected welcome(_person: Person): void {}

  /** What is said when `person` leaves; returns its last words to the person. */
  protected farewell(_person: Person, _how: Departure): Uint8Array {
    return NOTHING;
  }
}

/** `text` as a line on the wire. */
export function lineOf(text: string): Uint8Array {
  return encoder.encode(`${text}\r\n`);
}

function named({ nick }: Person): { nick?: string } {
  return nick === "" ? {} : { nick };
}
