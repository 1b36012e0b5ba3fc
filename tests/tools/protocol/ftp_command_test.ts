import { assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { formatCommand, maskCommand, parseCommand } from "../../../tools/protocol/ftp_command.ts";
import { latin1, latin1Bytes } from "../../../tools/protocol/text.ts";

function parse(line: string): [verb: string, argument: string | undefined] {
  const { verb, argument } = parseCommand(latin1Bytes(line));
  return [verb, argument && latin1(argument)];
}

Deno.test("commands are written and read; blanks of a name survive", () => {
  const cases: [verb: string, argument: string | undefined, line: string][] = [
    ["PWD", undefined, "PWD"],
    ["CWD", "", "CWD "],
    ["RETR", "a b", "RETR a b"],
    ["RETR", "  lead and trail  ", "RETR   lead and trail  "],
    ["STOR", "\xc3\xbc\xff", "STOR \xc3\xbc\xff"],
  ];
  for (const [verb, argument, line] of cases) {
    assertEquals(formatCommand(verb, argument), line);
    assertEquals(parse(line), [verb, argument]);
  }
});

Deno.test("formatCommand refuses a line end and NUL, and shows no secret", () => {
  for (const char of ["\r", "\n", "\r\n", "\0"]) {
    assertThrows(() => formatCommand("RETR", `a${char}DELE b`), RangeError, "line end or NUL");
    assertThrows(() => formatCommand(`NOOP${char}`), RangeError);
  }
  const { message } = assertThrows(() => formatCommand("PASS", "sec\nret"), RangeError);
  assertEquals(message.includes("ret"), false);
});

Deno.test("maskCommand hides what PASS and ACCT say", () => {
  assertEquals(maskCommand("PASS guest@"), "PASS ***");
  assertEquals(maskCommand("pass  a b"), "pass ***");
  assertEquals(maskCommand("ACCT x\ny"), "ACCT ***");
  assertEquals(maskCommand("PASSIVE x"), "PASSIVE x");
  assertEquals(maskCommand("USER guest"), "USER guest");
});

Deno.test("parseCommand takes verbs in any case, and passes over telnet before them alone", () => {
  assertEquals(parse("retr x"), ["RETR", "x"]);
  // As tnftp and lftp send ABOR, what is left of it (no SO_OOBINLINE).
  assertEquals(parse("\xff\xf4\xf2ABOR"), ["ABOR", undefined]);
  assertEquals(parse("\xff\xf4\xffABOR"), ["ABOR", undefined]);
  assertEquals(parse("\xff\xf4"), ["", undefined]);
  assertEquals(parse("DELE \xf0\x9f\x98\x80\xff"), ["DELE", "\xf0\x9f\x98\x80\xff"]);
  assertEquals(parse(""), ["", undefined]);
  assertEquals(parse(" x"), ["", "x"]);
});

Deno.test("parseCommand takes anything", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (line) => {
    parseCommand(line);
  }));
  assertEquals(parse("x".repeat(100_000))[0].length, 16);
});
