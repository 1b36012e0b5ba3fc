/** What the commands of the room do. */
import {
  CHAT_COMMANDS,
  type ChatCommand,
  type ChatCommandName,
} from "../../tools/protocol/chat.ts";
import type { Departure, Person } from "./room.ts";

/** So many names make a line that is easy to read. */
const NAMES_PER_LINE = 8;

/** What commands may do in a room where people have names. */
export interface CommandRoom {
  /** The names of all who are here. */
  readonly nicks: string[];
  /** The person called `nick`, in upper or lower case. */
  find(nick: string): Person | undefined;
  /** A notice for `person` alone. */
  notify(person: Person, text: string): void;
  /** `person` does something. */
  act(person: Person, text: string): void;
  /** `person` says `text` to `other` alone. */
  whisper(person: Person, other: Person, text: string): void;
  /** Gives `person` another name, if it is one and free. */
  rename(person: Person, wanted: string): void;
  /** Takes `person` out of the room. */
  leave(person: Person, how: Departure): void;
}

/** Runs a command for `person`; `first` and `rest` are its words, as many as the table says. */
type Run = (room: CommandRoom, person: Person, first: string, rest: string) => void;

const RUN: Record<ChatCommandName, Run> = {
  nick: (room, person, name) => room.rename(person, name),

  who(room, person): void {
    const { nicks } = room;
    for (let at = 0; at < nicks.length; at += NAMES_PER_LINE) {
      const names = nicks.slice(at, at + NAMES_PER_LINE).join(", ");
      room.notify(person, at === 0 ? `${nicks.length} here: ${names}` : `and ${names}`);
    }
  },

  msg(room, person, name, text): void {
    const other = room.find(name);
    if (other) room.whisper(person, other, text);
    else room.notify(person, `nobody here is called ${name}`);
  },

  me: (room, person, text) => room.act(person, text),

  quit: (room, person) => room.leave(person, "quit"),

  help(room, person): void {
    const forms = CHAT_COMMANDS.map(usage);
    const width = Math.max(...forms.map(({ length }) => length));
    CHAT_COMMANDS.forEach(({ help }, i) =>
      room.notify(person, `${(forms[i] ?? "").padEnd(width)}  ${help}`)
    );
    room.notify(person, `${"//...".padEnd(width)}  say a line that begins with /`);
  },
};

/** Runs the command in `text`, which begins with a slash, or tells `person` what is wrong. */
export function runCommand(room: CommandRoom, person: Person, text: string): void {
  const [, name = "", rest = ""] = /^\/(\S*)\s*(.*)$/s.exec(text) ?? [];
  const command = CHAT_COMMANDS.find((known) => known.name === name.toLowerCase());
  if (!command) {
    room.notify(person, `there is no command /${name}; /help lists them`);
    return;
  }
  const words = split(rest.trimEnd(), command.words.length);
  if (!words) room.notify(person, `this is how: ${usage(command)}`);
  else RUN[command.name](room, person, words[0] ?? "", words[1] ?? "");
}

/** `text` in `count` words, of which the last one takes all that is left; undefined when it has fewer. */
function split(text: string, count: number): string[] | undefined {
  if (count <= 1) return count === 0 || text !== "" ? [text] : undefined;
  const [, first = "", rest = ""] = /^(\S+)\s+(.*)$/s.exec(text) ?? [];
  return rest === "" ? undefined : [first, rest];
}

function usage({ name, words }: ChatCommand): string {
  return [`/${name}`, ...words].join(" ");
}
