/** A room where people have names, hear who comes and goes, and may give commands. */
import { LONGEST_LINE, NICK_ANSWERS, safeText } from "../../tools/protocol/chat.ts";
import { Bucket } from "./bucket.ts";
import { type CommandRoom, runCommand } from "./commands.ts";
import { NICK_RULE, nickKey, parseNick } from "./nick.ts";
import { type Departure, type Person, Room, type RoomOptions } from "./room.ts";

/**
 * How many comings and goings are told: those of a class that arrives together,
 * and then one a second. Without a limit n people cause n * n lines, and
 * somebody who comes and goes in a loop leaves no room for talk.
 */
export const NOTICE_BURST = 100;
const NOTICE_RATE = 1;

/** What a person is told who leaves so, and what the others read; they read nothing when everybody leaves. */
const DEPARTURES: Record<Departure, { told?: string; others?: string }> = {
  closed: { others: "left" },
  quit: { told: "good-bye", others: "left" },
  lost: { others: "left (the connection broke)" },
  idle: { told: "good-bye: you said nothing for too long", others: "left (silent for too long)" },
  slow: { told: "good-bye: you read too slowly", others: "left (read too slowly)" },
  stopped: { told: "good-bye: the server stops" },
};

const decoder = new TextDecoder();
const encoder = new TextEncoder();
const scratch = new Uint8Array(LONGEST_LINE);

/** A room with names. */
export class NamedRoom extends Room<string> implements CommandRoom {
  /** By what makes two names the same. */
  readonly #byKey = new Map<string, Person>();
  readonly #notices = new Bucket(NOTICE_RATE, NOTICE_BURST);
  readonly #now: () => number;
  #guests = 0;
  #untold = 0;

  constructor(options: RoomOptions & { now(): number }) {
    super(options, (lines) => encoder.encode(lines.join("")));
    this.#now = options.now;
  }

  get nicks(): string[] {
    return [...this.#byKey.values()].map(({ nick }) => nick);
  }

  find(nick: string): Person | undefined {
    return this.#byKey.get(nickKey(nick));
  }

  /** Takes a line of UTF-8: a command, or talk for all. */
  override hear(person: Person, line: Uint8Array): void {
    const text = this.#fitting(person, safeText(decoder.decode(line)));
    if (text.trim() === "") return;
    if (text.startsWith("/") && !text.startsWith("//")) runCommand(this, person, text);
    else this.say(person, text.startsWith("/") ? text.slice(1) : text);
  }

  /** `person` says `text` to all. */
  say(person: Person, text: string): void {
    this.publish(person, this.line(`<${person.nick}> ${text}`));
  }

  /** No notice has `<>`, so this cannot be taken for one. */
  act(person: Person, text: string): void {
    this.publish(person, this.line(`* <${person.nick}> ${text}`));
  }

  /** No name has spaces, so this cannot be taken for talk. */
  whisper(person: Person, other: Person, text: string): void {
    this.fanOut.toOne(other, this.line(`<${person.nick} to you> ${text}`));
  }

  notify(person: Person, text: string): void {
    this.fanOut.toOne(person, this.line(`* ${text}`));
  }

  rename(person: Person, wanted: string): void {
    const nick = parseNick(wanted);
    if (nick === undefined) return this.notify(person, `${NICK_ANSWERS.refused}${NICK_RULE}`);
    const holder = this.find(nick);
    if (holder && holder !== person) {
      return this.notify(person, `${NICK_ANSWERS.refused}${holder.nick} is here already`);
    }
    const old = person.nick;
    this.#byKey.delete(nickKey(old));
    this.#name(person, nick);
    if (nick !== old) this.fanOut.toAll(this.line(`* ${old} is now ${nick}`), person);
    this.notify(person, `${NICK_ANSWERS.taken}${nick}`);
  }

  protected override line(text: string): string {
    return `${text}\r\n`;
  }

  protected override welcome(person: Person): void {
    let nick;
    do nick = `guest${++this.#guests}`; while (this.find(nick));
    this.#name(person, nick);
    const company = this.size === 1 ? "the only one here" : `one of ${this.size} here`;
    this.notify(person, `you are ${nick}, ${company}; /help lists the commands`);
    this.#announce(person, "joined");
  }

  protected override farewell(person: Person, how: Departure): string[] {
    this.#byKey.delete(nickKey(person.nick));
    const { told, others } = DEPARTURES[how];
    if (others !== undefined) this.#announce(person, others);
    return told === undefined ? [] : [this.line(`* ${told}`)];
  }

  #name(person: Person, nick: string): void {
    person.nick = nick;
    this.#byKey.set(nickKey(nick), person);
  }

  #announce(person: Person, what: string): void {
    const now = this.#now();
    if (this.#notices.wait(now) > 0) {
      this.#untold++;
      return;
    }
    this.#notices.take(now);
    if (this.#untold > 0) {
      this.fanOut.toAll(this.line(`* ${this.#untold} more came or went`), person);
    }
    this.#untold = 0;
    this.fanOut.toAll(this.line(`* ${person.nick} ${what}`), person);
  }

  /** `text` cut to the longest line, which `person` is then told. */
  #fitting(person: Person, text: string): string {
    // A unit of UTF-16 takes three bytes at most.
    if (3 * text.length <= LONGEST_LINE) return text;
    const { read } = encoder.encodeInto(text, scratch);
    if (read === text.length) return text;
    this.notify(person, `your line was cut: a line has at most ${LONGEST_LINE} bytes`);
    return text.slice(0, read);
  }
}
