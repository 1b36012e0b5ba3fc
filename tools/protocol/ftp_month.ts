/** Names of months in listings. */

/** As `ls` writes them in English. */
export const MONTHS: readonly string[] = [
  "Jan",
  "Feb",
  "Mar",
  "Apr",
  "May",
  "Jun",
  "Jul",
  "Aug",
  "Sep",
  "Oct",
  "Nov",
  "Dec",
];

// Where a word means two months, the language named first has it.
const LANGUAGES = "en fr de es it pt nl sv da nb fi pl cs hu tr ro ru uk el".split(" ");

let names: string[][] | undefined;

/** The number, from 1, of the month that `word` abbreviates in one of many languages; undefined when it is none. */
export function monthNumber(word: string): number | undefined {
  const [, digits] = /^(\d{1,2})[月월]$/.exec(word) ?? [];
  if (digits !== undefined) return Number(digits);
  if (!/^\p{L}{3,}/u.test(word)) return undefined;
  const start = word.toLowerCase().replace(/\.$/, "");
  const english = MONTHS.findIndex((month) => month.toLowerCase() === start);
  if (english >= 0) return english + 1;
  for (const months of names ??= LANGUAGES.map(monthsOf)) {
    const month = months.findIndex((name) => name.startsWith(start));
    if (month >= 0) return month + 1;
  }
  return undefined;
}

function monthsOf(language: string): string[] {
  const format = new Intl.DateTimeFormat(language, { month: "long", timeZone: "UTC" });
  return MONTHS.map((_, month) => format.format(Date.UTC(2000, month)).toLowerCase());
}
