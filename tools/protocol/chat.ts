/** What both ends of a chat agree on: lines of UTF-8 text, and commands that begin with a slash. */
import { UNSAFE, visible } from "./text.ts";

/** The port of the chat server. */
export const CHAT_PORT = 7777;

/**
 * The longest line in bytes, without its end. A terminal in line mode lets no
 * longer one through, so nobody who types meets it.
 */
export const LONGEST_LINE = 4096;

/**
 * `text` for somebody else's terminal: whatever could steer it is written as an
 * escape. Tabs stay, as they do no harm and program text is full of them.
 */
export function safeText(text: string): string {
  return text.replace(UNSAFE, (char) => char === "\t" ? char : visible(char));
}

/** A command of the room. */
export interface ChatCommand {
  name: string;
  /** What must follow it, a word for each; the last one takes the rest of the line. */
  words: readonly string[];
  help: string;
}

/** The commands, as people type them after a slash. */
export const CHAT_COMMANDS = [
  { name: "nick", words: ["NAME"], help: "take another name" },
  { name: "who", words: [], help: "list who is here" },
  { name: "msg", words: ["NAME", "TEXT"], help: "say something to one person only" },
  { name: "me", words: ["TEXT"], help: "say what you do" },
  { name: "quit", words: [], help: "leave" },
  { name: "help", words: [], help: "list the commands" },
] as const satisfies readonly ChatCommand[];

/** How the server's notice begins that answers `/nick`; the name follows, or the reason. */
export const NICK_ANSWERS = { taken: "you are now ", refused: "no: " } as const;

/** The name of a command. */
export type ChatCommandName = typeof CHAT_COMMANDS[number]["name"];
