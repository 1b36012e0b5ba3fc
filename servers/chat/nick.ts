/** Names of people in the room. */

/** The longest name in characters: as wide as a name may be beside its text, and some more than IRC's 9. */
export const LONGEST_NICK = 16;

/**
 * Letters, digits, `_`, `-` and `.`, beginning with a letter or digit. So no
 * space or `<>`, which the lines of the room are made of, no control or
 * bidirectional mark, and nothing that cannot be seen.
 */
const NICK = new RegExp(
  `^(?!\\p{M}|[_.-])(?:(?!\\p{Default_Ignorable_Code_Point})[\\p{L}\\p{M}\\p{N}_.-]){1,${LONGEST_NICK}}$`,
  "u",
);

/** The rule, for whoever broke it. */
export const NICK_RULE =
  `a name has 1 to ${LONGEST_NICK} letters, digits, "_", "-" or ".", and begins with a letter or digit`;

/** `text` as a name in its composed form; undefined when it breaks the rule. */
export function parseNick(text: string): string | undefined {
  const nick = text.normalize("NFC");
  return NICK.test(nick) ? nick : undefined;
}

/** What is equal for names that look alike: upper and lower case, composed or not, full or half width. */
export function nickKey(nick: string): string {
  return nick.normalize("NFKC").toUpperCase().toLowerCase().normalize("NFC");
}
