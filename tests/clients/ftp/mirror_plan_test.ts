/** What a mirror does in one folder. */
import { assertEquals } from "@std/assert";
import { compare, type Item, planFolder, type Rules } from "../../../clients/ftp/mirror_plan.ts";

const TIME = Date.UTC(2024, 4, 5, 12, 30, 7);
const DAY = 24 * 3600 * 1000;

/** A file of 5 bytes, changed `later` milliseconds after TIME. */
function file(name: string, later = 0, size = 5): Item {
  return { name, type: "file", size, modified: new Date(TIME + later), exact: true };
}

function dir(name: string): Item {
  return { name, type: "dir", exact: true };
}

const link = (name: string): Item => ({ name, type: "link", exact: true });
const device = (name: string): Item => ({ name, type: "other", exact: true });

const RULES: Rules = {
  up: false,
  delete: false,
  wanted: () => true,
  foldCase: false,
  windows: false,
};

/** The plan in a few words, in its order. */
function planned(source: Item[], target: Item[], rules: Partial<Rules> = {}): string[] {
  const { removals, folders, files, same, notes } = planFolder(source, target, {
    ...RULES,
    ...rules,
  });
  return [
    ...removals.map(({ name }) => `remove ${name}`),
    ...folders.map(({ item, isNew }) => `${isNew ? "make" : "enter"} ${item.name}`),
    ...files.map(({ item, offset, unsure }) =>
      `move ${item.name}${offset > 0 ? ` from ${offset}` : ""}${unsure ? ", perhaps" : ""}`
    ),
    ...same > 0 ? [`same ${same}`] : [],
    ...notes.map(({ name, reason }) => `${name} ${reason}`),
  ];
}

const PART = `.f.5-${TIME / 1000}.part`;

const CASES: [what: string, Item[], Item[], Partial<Rules>, string[]][] = [
  ["nothing", [], [], {}, []],
  ["what is new", [dir("d"), file("f")], [], {}, ["make d", "move f"]],
  ["what is the same", [dir("d"), file("f")], [dir("d"), file("f")], {}, ["enter d", "same 1"]],
  ["another size", [file("f", 0, 4)], [file("f", 9 * DAY)], {}, ["move f"]],
  ["newer", [file("f", 1000)], [file("f")], {}, ["move f"]],
  ["older", [file("f")], [file("f", 1000)], {}, ["same 1"]],
  ["less than a second", [file("f", 999)], [file("f")], {}, ["same 1"]],

  ["gone, kept", [], [file("f"), dir("d")], {}, []],
  ["gone", [], [file("f"), dir("d"), link("l"), device("o")], { delete: true }, [
    "remove f",
    "remove d",
    "remove l",
    "remove o",
  ]],
  ["left out", [file("a"), dir("b")], [file("f")], { delete: true, wanted: () => false }, []],
  [
    "left out by its kind",
    [dir("a"), file("b")],
    [dir("c"), file("d")],
    { delete: true, wanted: (_, isFolder) => isFolder },
    ["remove c", "make a"],
  ],

  ["a folder in the way", [file("f")], [dir("f")], {}, ["f a folder of this name is in the way"]],
  ["a file in the way", [dir("f")], [file("f")], {}, ["f a file of this name is in the way"]],
  ["a link in the way", [file("f")], [link("f")], {}, ["f a link of this name is in the way"]],
  ["a folder removed", [file("f")], [dir("f")], { delete: true }, ["remove f", "move f"]],
  ["a link removed", [dir("f")], [link("f")], { delete: true }, ["remove f", "make f"]],

  ["links", [link("l"), device("o")], [file("l"), file("o")], { delete: true }, [
    "l is a link",
    "o is no regular file",
  ]],
  [
    "names that lead elsewhere",
    [file("../f"), file("a/b"), dir(".."), file("a\\b"), file("a\nb"), file("")],
    [],
    {},
    ["../f", "a/b", "..", "a\\b", "a\nb", ""].map((name) =>
      `${name} its name could lead elsewhere`
    ),
  ],
  ["names of Windows", [file("con")], [], { windows: true }, [
    "con its name could lead elsewhere",
  ]],

  ["two cases, two names", [file("a"), file("A")], [file("a")], {}, ["move A", "same 1"]],
  ["two cases, one name", [file("a"), file("A")], [file("a")], { foldCase: true, delete: true }, [
    "same 1",
    "A here it is one name with a",
  ]],
  ["another case", [file("a", 5000), dir("D")], [file("A"), dir("d")], { foldCase: true }, [
    "enter D",
    "move a",
  ]],
  ["another case is not gone", [file("README")], [file("readme")], {
    foldCase: true,
    delete: true,
  }, ["same 1"]],
  ["one name in two forms", [file("\u00e9")], [file("e\u0301")], { foldCase: true }, ["same 1"]],

  ["a part", [file("f")], [file(PART, DAY, 3)], { delete: true }, ["move f from 3"]],
  ["a part that is whole", [file("f")], [file(PART, 0, 5)], {}, ["move f from 5"]],
  ["a part that is too long", [file("f")], [file(PART, 0, 6)], {}, [`remove ${PART}`, "move f"]],
  ["a part without content", [file("f")], [file(PART, 0, 0)], {}, [`remove ${PART}`, "move f"]],
  ["a part that is a link", [file("f")], [link(PART)], {}, [`remove ${PART}`, "move f"]],
  ["a part of another time", [file("f", 1000)], [file(PART, 0, 3)], {}, [
    `remove ${PART}`,
    "move f",
  ]],
  ["a part of another size", [file("f", 0, 9)], [file(PART, 0, 3)], {}, [
    `remove ${PART}`,
    "move f",
  ]],
  ["a part of a file that is gone", [], [file(PART)], { delete: true }, [`remove ${PART}`]],
  ["a part of a file that is the same", [file("f")], [file("f"), file(PART)], { delete: true }, [
    `remove ${PART}`,
    "same 1",
  ]],
  ["a part of the source", [file(PART)], [], {}, []],
  ["what a download left here", [file(".f.part"), file(".a\nb.part")], [], { up: true }, []],
  ["what looks like it there", [file(".f.part")], [], {}, ["move .f.part"]],
  [
    "what only looks a little like it",
    [dir(".f.part"), file("f.part"), file(".part"), file(".f.parts")],
    [],
    { up: true },
    ["make .f.part", "move f.part", "move .part", "move .f.parts"],
  ],
];

for (const [what, source, target, rules, expected] of CASES) {
  Deno.test(`planFolder() ${what}`, () => {
    assertEquals(planned(source, target, rules), expected);
  });
}

Deno.test("planFolder() finds the part of a name that leaves no room for it", () => {
  const source = file("x".repeat(251) + ".iso");
  const [action] = planFolder([source], [], RULES).files;
  const name = action?.part ?? "";
  assertEquals([name.length, name.startsWith(".xx")], [255, true]);
  assertEquals(planned([source], [file(name, 0, 2)], { delete: true }), [
    `move ${source.name} from 2`,
  ]);
});

Deno.test("planFolder() goes on with no part of a file whose version is not known", () => {
  for (const unknown of [{ size: undefined }, { modified: undefined }]) {
    const source = { ...file("f"), ...unknown };
    const [action] = planFolder([source], [], RULES).files;
    const part = file(action?.part ?? "", 0, 2);
    assertEquals(planned([source], [part]), [`remove ${part.name}`, "move f"]);
  }
});

Deno.test("compare() knows how exact the times are", () => {
  const minute = { ...file("f"), modified: new Date(TIME - 7000), exact: false };
  const day = { ...minute, modified: new Date(Date.UTC(2024, 4, 5)) };
  const none = { ...file("f"), modified: undefined };
  const unknown = { ...none, size: undefined };
  const cases: [Item, Item, "up" | "down", string][] = [
    // A server cuts off what it does not tell.
    [file("f"), minute, "up", "no"],
    [file("f", 52_999), minute, "up", "no"],
    [file("f", 53_000), minute, "up", "perhaps"],
    [file("f"), day, "up", "no"],
    [file("f", DAY / 2), day, "up", "perhaps"],
    [file("f", 999), file("f"), "up", "no"],
    [file("f", 1000), file("f"), "up", "yes"],
    // What we keep here is what it told.
    [minute, file("f", -7000), "down", "no"],
    [minute, file("f", -8000), "down", "yes"],
    [day, file("f"), "down", "no"],
    // What is not told makes no difference.
    [none, file("f", -DAY), "down", "no"],
    [file("f", DAY), none, "up", "no"],
    [{ ...none, size: 1 }, file("f"), "down", "yes"],
    [{ ...file("f"), size: undefined }, file("f"), "down", "no"],
    [unknown, file("f"), "down", "yes"],
  ];
  for (const [source, target, direction, expected] of cases) {
    assertEquals(
      compare(source, target, direction === "up"),
      expected,
      JSON.stringify([source, target, direction]),
    );
  }
});
