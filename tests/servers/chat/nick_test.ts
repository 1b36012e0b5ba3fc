import { assertEquals } from "@std/assert";
import { LONGEST_NICK, nickKey, parseNick } from "../../../servers/chat/nick.ts";

Deno.test("parseNick() takes names people have", () => {
  for (
    const nick of [
      "bob",
      "Zoë",
      "李雷",
      "Юля",
      "x",
      "a_b-c.d",
      "7of9",
      "हिन्दी",
      "m".repeat(LONGEST_NICK),
    ]
  ) {
    assertEquals(parseNick(nick), nick);
  }
  assertEquals(parseNick("Zoe\u0308"), "Zoë");
});

Deno.test("parseNick() refuses what is no name, or could be taken for another", () => {
  const refused = [
    ...["", " ", "a b", "a\tb", "<bob>", "bob>", "a,b", "-bob", "_", ".", "/quit", "*", "@bob"],
    ...["bob\x1b[31m", "bob\x9b", "bob\u202e", "bob\u200b", "b\u200dob", "bob\ufe0f", "\u0301bob"],
    // Letters that cannot be seen.
    ...["\u115f", "bob\u3164", "bob\u034f", "bob\u2800"],
    "m".repeat(LONGEST_NICK + 1),
  ];
  for (const nick of refused) assertEquals(parseNick(nick), undefined, JSON.stringify(nick));
});

Deno.test("nickKey() is the same for names that differ in case or form alone", () => {
  const same = [["Bob", "bOB"], ["Zoë", "ZOE\u0308"], ["straße", "STRASSE"], ["ΣΑΣ", "σας"], [
    "ｂｏｂ",
    "bob",
  ]];
  for (const [one = "", other = ""] of same) assertEquals(nickKey(one), nickKey(other));
  assertEquals(nickKey("bob") === nickKey("rob"), false);
});
