import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { findLogin, parseNetrc } from "../../../tools/protocol/netrc.ts";

/** Each entry in one line. */
function entries(text: string): string[] {
  return parseNetrc(text).map(({ machine, login, password, account }) =>
    [machine ?? "default", login, password?.reveal(), account?.reveal()].join(" ").trim()
  );
}

Deno.test("parseNetrc() reads what programs write", () => {
  const cases: [text: string, entries: string[]][] = [
    ["", []],
    ["machine a login b password c", ["a b c"]],
    ["machine a login b password c account d", ["a b c d"]],
    ["machine a\n\tlogin b\r\n  password c\n\nmachine d login e password f\n", ["a b c", "d e f"]],
    ["machine a password c login b", ["a b c"]],
    ["machine a login b", ["a b"]],
    ["machine a login b password", ["a b"]],
    ["default login anonymous password me@", ["default anonymous me@"]],
    ['machine a login "b c" password "d\\"e\\\\"', ['a b c d"e\\']],
    ["machine a login b password c\\ d", ["a b c d"]],
    ['machine a login b password ""', ["a b"]],
    ["# machine x login y\n  # another\nmachine a login b password #c", ["a b #c"]],
    ["login nobody password x machine a login b password c", ["a b c"]],
    ["machine a port 21 login b password c", ["a b c"]],
    ["machine login login password password machine", ["login password machine"]],
    ["machine a login b\nmacdef init\ncd pub\nmachine x login y\n\nmachine c login d", [
      "a b",
      "c d",
    ]],
    ["macdef m\nmachine x", []],
    ["machine a login macdefs password c", ["a macdefs c"]],
    ['machine "a', ["a"]],
  ];
  for (const [text, expected] of cases) assertEquals(entries(text), expected, text);
});

Deno.test("findLogin() takes the first entry for a host, or for a user on it", () => {
  const all = parseNetrc(
    "machine a login one password 1 machine A login two password 2 " +
      "default login any password 0 machine b login late password 3",
  );
  const cases: [host: string, user: string | undefined, password: string | undefined][] = [
    ["a", undefined, "1"],
    ["A", undefined, "1"],
    ["a", "two", "2"],
    ["a", "three", undefined],
    ["other", undefined, "0"],
    ["other", "any", "0"],
    ["b", undefined, "0"],
  ];
  for (const [host, user, password] of cases) {
    assertEquals(findLogin(all, host, user)?.password?.reveal(), password, `${host} ${user}`);
  }
});

Deno.test("parseNetrc() throws nothing and takes no long time", () => {
  const piece = fc.constantFrom("machine ", "login ", "macdef", "\n", '"', "\\", "#", "x", " ");
  fc.assert(fc.property(fc.array(piece).map((pieces) => pieces.join("")), (text) => {
    parseNetrc(text);
  }));
  assertEquals(parseNetrc(" macdef x\n".repeat(20_000)).length, 0);
});
