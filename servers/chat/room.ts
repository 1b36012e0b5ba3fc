/** A room: who is here, and what they hear of each other. */
import type { Fields, Log } from "../../tools/program/log.ts";
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
  /** Empty where people have no names. */
  nick = "";
  readonly #left = Promise.withResolvers<void>();
  #here = true;

  constructor(
    readonly out: Outlet,
    readonly peer: Peer,
    readonly tooSlow: () => void,
  ) {}

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
}

/** How a room is set up. */
export interface RoomOptions {
  /** Lines that newcomers read first. */
  motd: string[];
  /** How many lines of talk newcomers read, at most MOST_HISTORY. */
  history: number;
  log: Log;
}

/** What all rooms have in common. `Line` is what they make of a line: its text, or its bytes. */
export abstract class Room<Line> {
  protected readonly fanOut: FanOut<Line>;
  readonly #options: RoomOptions;
  readonly #people = new Set<Person>();
  readonly #history: Line[] = [];
  #closed = false;

  constructor(options: RoomOptions, join: (lines: Line[]) => Uint8Array) {
    this.#options = options;
    this.fanOut = new FanOut(join);
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
    for (const text of this.#options.motd) this.fanOut.toOne(person, this.line(text));
    for (const line of this.#history) this.fanOut.toOne(person, line);
    this.welcome(person);
    this.#options.log.event("joined", described(person));
    if (this.#closed) this.leave(person, "stopped");
    return person;
  }

  /** Takes a line that `person` said, without its end; its bytes may change later. */
  abstract hear(person: Person, line: Uint8Array): void;

  /** Takes `person` out of the room; the second time it does nothing. */
  leave(person: Person, how: Departure): void {
    if (!this.#people.delete(person)) return;
    this.fanOut.remove(person, this.farewell(person, how));
    this.#options.log.event("left", { ...described(person), how });
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

  /** Sends talk to everybody but the person it comes from, and keeps it for newcomers. */
  protected publish(from: Person, line: Line): void {
    this.fanOut.toAll(line, from);
    if (this.#options.history === 0) return;
    this.#history.push(line);
    if (this.#history.length > this.#options.history) this.#history.shift();
  }

  /** `text` as a line. */
  protected abstract line(text: string): Line;

  /** What is said when `person` has come. */
  protected abstract welcome(person: Person): void;

  /** What is said when `person` leaves; returns the last lines for the person itself. */
  protected abstract farewell(person: Person, how: Departure): Line[];
}

function described({ peer: { hostname, port }, nick }: Person): Fields {
  return { peer: hostname, port, nick: nick === "" ? undefined : nick };
}
