import { assert, assertEquals } from "@std/assert";
import { coloured, Names } from "../../../clients/chat/names.ts";

function heard(...lines: string[]): Names {
  const names = new Names();
  lines.forEach((line) => names.hear(line));
  return names;
}

Deno.test("names: commands are completed, talk is not", () => {
  const names = heard();
  assertEquals(names.complete("/"), ["/nick ", "/who", "/msg ", "/me ", "/quit", "/help"]);
  assertEquals(names.complete("/M"), ["/msg ", "/me "]);
  assertEquals(names.complete("/nothing"), []);
  assertEquals(names.complete("m"), []);
  assertEquals(names.complete(""), []);
});

Deno.test("names: after /msg come those who were heard of, and are not known to have left", () => {
  const names = heard(
    "* ada joined",
    "<bob> hello",
    "<cid to you> psst",
    "* <dan> waves",
    "* dan is now dora",
    "* bob left (silent for too long)",
    "no name here",
    "* 3 here: eve, fay, ada",
    "* and gil",
  );
  assertEquals(
    names.complete("/msg "),
    ["ada", "cid", "dora", "eve", "fay", "gil"].map((name) => `/msg ${name} `),
  );
  assertEquals(names.complete("/msg  A"), ["/msg ada "]);
  assertEquals(names.complete("/msg ada h"), []);
});

Deno.test("names: a server that invents names without end fills no memory", () => {
  const names = new Names();
  for (let i = 0; i < 5000; i++) names.hear(`* n${i} joined`);
  assertEquals(names.complete("/msg ").length, 1000);
});

Deno.test("coloured: the name alone, the same colour each time; notices dim", () => {
  const ESC = "\x1b[";
  const line = coloured("<ada> hello <bob>");
  const colour = Number(line.slice(2, 4));
  assert(colour >= 31 && colour <= 36);
  assertEquals(line, `${ESC}${colour}m<ada>${ESC}0m hello <bob>`);
  assertEquals(coloured("<ada> x"), `${ESC}${colour}m<ada>${ESC}0m x`);
  assertEquals(coloured("* <ada> waves"), `${ESC}${colour}m* <ada>${ESC}0m waves`);
  assertEquals(coloured("* ada joined"), `${ESC}2m* ada joined${ESC}0m`);
  assertEquals(coloured("plain"), "plain");
});
