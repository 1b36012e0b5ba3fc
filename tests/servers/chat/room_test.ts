import { assertEquals, assertMatch } from "@std/assert";
import { NamedRoom, NOTICE_BURST } from "../../../servers/chat/named_room.ts";
import { RawRoom } from "../../../servers/chat/raw_room.ts";
import { MOST_HISTORY, type Person } from "../../../servers/chat/room.ts";
import { concat } from "../../../tools/protocol/bytes.ts";
import { CHAT_COMMANDS, LONGEST_LINE } from "../../../tools/protocol/chat.ts";
import { bytes } from "../../support/stream.ts";
import { testLog, TestOutlet } from "../../support/chat.ts";

/** A person and its ears. */
interface Guest {
  person: Person;
  out: TestOutlet;
  says(line: string | Uint8Array): void;
  /** What has come since this was asked last, lines without their ends. */
  hears(): Promise<string[]>;
}

interface Setup {
  motd?: string[];
  history?: number;
}

class Tester {
  readonly log = testLog();
  readonly room: NamedRoom | RawRoom;
  clock = 0;

  constructor(raw: boolean, { motd = [], history = 0 }: Setup = {}) {
    const options = { motd, history, log: this.log.log };
    this.room = raw ? new RawRoom(options) : new NamedRoom({ ...options, now: () => this.clock });
  }

  guest(): Guest {
    const out = new TestOutlet();
    const person = this.room.enter(out, { hostname: "192.0.2.1", port: 1000 });
    return {
      person,
      out,
      says: (line) => this.room.hear(person, bytes(line)),
      async hears(): Promise<string[]> {
        const text = await out.heard();
        assertEquals(text === "" || text.endsWith("\r\n"), true, JSON.stringify(text));
        return text.split("\r\n").slice(0, -1);
      },
    };
  }

  /** People who have heard each other come, called guest1 and so on. */
  async guests(count: number): Promise<Guest[]> {
    const guests = Array.from({ length: count }, () => this.guest());
    for (const guest of guests) await guest.hears();
    return guests;
  }
}

const three = async (setup: Setup = {}): Promise<[Guest, Guest, Guest, Tester]> => {
  const tester = new Tester(false, setup);
  const [a, b, c] = await tester.guests(3) as [Guest, Guest, Guest];
  return [a, b, c, tester];
};

Deno.test("room: a newcomer is told its name and how many are here, and the others that it came", async () => {
  const tester = new Tester(false);
  const one = tester.guest();
  assertEquals(await one.hears(), [
    "* you are guest1, the only one here; /help lists the commands",
  ]);
  const other = tester.guest();
  assertEquals(await one.hears(), ["* guest2 joined"]);
  assertEquals(await other.hears(), [
    "* you are guest2, one of 2 here; /help lists the commands",
  ]);
});

Deno.test("room: what one says the others read with its name, and it does not itself", async () => {
  const [a, b, c] = await three();
  a.says("hello, all");
  a.says("/me waves");
  a.says("//etc/passwd begins so");
  for (const other of [b, c]) {
    assertEquals(await other.hears(), [
      "<guest1> hello, all",
      "* <guest1> waves",
      "<guest1> /etc/passwd begins so",
    ]);
  }
  assertEquals(await a.hears(), []);
});

Deno.test("room: lines of blanks are not passed on", async () => {
  const [a, b] = await three();
  for (const line of ["", " ", "\t"]) a.says(line);
  assertEquals(await b.hears(), []);
});

Deno.test("room: no text can steer the terminal of another, or look like a notice", async () => {
  const [a, b] = await three();
  a.says("\x1b[2Jboo\x9b1m \u202eevil\u2066");
  a.says(Uint8Array.of(0x66, 0x80, 0xff, 0x67));
  a.says("a\rb");
  a.says("/me guest3 left\r\n");
  a.says("/me \x1b[1A");
  a.says("/msg guest2 \x1b[1A");
  a.says("/nick \x1b[1A");
  a.says("/\x1b[1A");
  assertEquals(await b.hears(), [
    "<guest1> \\x1b[2Jboo\\x9b1m \\u{202e}evil\\u{2066}",
    "<guest1> f\ufffd\ufffdg",
    "<guest1> a\\rb",
    "* <guest1> guest3 left\\r\\n",
    "* <guest1> \\x1b[1A",
    "<guest1 to you> \\x1b[1A",
  ]);
  const [first = "", second] = await a.hears();
  assertMatch(first, /^\* no: a name has/);
  assertEquals(second, "* there is no command /\\x1b[1A; /help lists them");
});

Deno.test("room: a line that is too long is cut at a character, and its author is told", async () => {
  const [a, b] = await three();
  const exact = "é".repeat(LONGEST_LINE / 2);
  a.says(exact);
  assertEquals([await a.hears(), await b.hears()], [[], [`<guest1> ${exact}`]]);
  const told = "* your line was cut: a line has at most 4096 bytes";
  // What the session keeps of a longer line is a little more than the longest, and may end within a character.
  a.says(bytes(`x${exact}é`).subarray(0, LONGEST_LINE + 4));
  assertEquals([await a.hears(), await b.hears()], [[told], [`<guest1> x${exact.slice(1)}`]]);
  // Escapes make a line longer, too.
  a.says("\x1b".repeat(LONGEST_LINE));
  assertEquals([await a.hears(), await b.hears()], [
    [told],
    [`<guest1> ${"\\x1b".repeat(LONGEST_LINE / 4)}`],
  ]);
});

Deno.test("/nick: names are changed, told, free again, and the same in upper and lower case", async () => {
  const [a, b, c] = await three();
  a.says("/nick Zoe\u0308");
  assertEquals(await a.hears(), ["* you are now Zoë"]);
  assertEquals(await b.hears(), ["* guest1 is now Zoë"]);
  b.says("/NICK zoë");
  assertEquals(await b.hears(), ["* no: Zoë is here already"]);
  b.says("/nick guest1");
  assertEquals(await b.hears(), ["* you are now guest1"]);
  a.says("/nick ZOË");
  assertEquals(await a.hears(), ["* guest2 is now guest1", "* you are now ZOË"]);
  a.says("/nick ZOË");
  assertEquals(await a.hears(), ["* you are now ZOË"]);
  b.says("/nick <root>");
  assertMatch((await b.hears()).join("\n"), /\* no: a name has 1 to 16 letters/);
  c.says("hi");
  assertEquals((await a.hears()).at(-1), "<guest3> hi");
  assertEquals((await c.hears()).length, 3);
});

Deno.test("room: a newcomer does not get a name that somebody took", async () => {
  const [a, b, , tester] = await three();
  a.says("/nick GUEST4");
  await b.hears();
  tester.guest();
  assertEquals(await b.hears(), ["* guest5 joined"]);
});

Deno.test("/who lists all, some in each line", async () => {
  const tester = new Tester(false);
  const guests = await tester.guests(10);
  guests[0]?.says("/who");
  assertEquals(await guests[0]?.hears(), [
    "* 10 here: guest1, guest2, guest3, guest4, guest5, guest6, guest7, guest8",
    "* and guest9, guest10",
  ]);
  assertEquals(await guests[1]?.hears(), []);
});

Deno.test("/msg goes to one person only", async () => {
  const [a, b, c] = await three();
  a.says("/msg GUEST2   only for  you ");
  a.says("/msg nobody hi");
  assertEquals(await b.hears(), ["<guest1 to you> only for  you"]);
  assertEquals(await c.hears(), []);
  assertEquals(await a.hears(), ["* nobody here is called nobody"]);
});

Deno.test("commands: help lists all of the table, and mistakes are told", async () => {
  const [a, b] = await three();
  a.says("/help");
  const help = await a.hears();
  for (const { name, help: text } of CHAT_COMMANDS) {
    assertEquals(
      help.filter((line) => line.startsWith(`* /${name}`) && line.endsWith(text)).length,
      1,
    );
  }
  const rows = [
    ["/nonsense", "* there is no command /nonsense; /help lists them"],
    ["/", "* there is no command /; /help lists them"],
    ["/constructor", "* there is no command /constructor; /help lists them"],
    ["/nick", "* this is how: /nick NAME"],
    ["/msg", "* this is how: /msg NAME TEXT"],
    ["/msg guest2", "* this is how: /msg NAME TEXT"],
    ["/me  ", "* this is how: /me TEXT"],
  ];
  for (const [line = "", told = ""] of rows) {
    a.says(line);
    assertEquals(await a.hears(), [told]);
  }
  assertEquals(await b.hears(), []);
});

Deno.test("room: who leaves hears what came before, and how it left is told and logged", async () => {
  const rows = [
    ["quit", "* good-bye", "left"],
    ["closed", undefined, "left"],
    ["lost", undefined, "left (the connection broke)"],
    ["idle", "* good-bye: you said nothing for too long", "left (silent for too long)"],
    ["slow", "* good-bye: you read too slowly", "left (read too slowly)"],
  ] as const;
  for (const [how, told, others] of rows) {
    const [a, b, c, tester] = await three();
    b.says("before");
    if (how === "quit") a.says("/quit");
    else tester.room.leave(a.person, how);
    tester.room.leave(a.person, "closed");
    b.says("after");
    await a.person.left;
    assertEquals(a.person.here, false);
    assertEquals(await a.hears(), ["<guest2> before", ...told ? [told] : []]);
    assertEquals(await c.hears(), ["<guest2> before", `* guest1 ${others}`, "<guest2> after"]);
    assertMatch(
      await tester.log.text(),
      new RegExp(`\nleft peer=192.0.2.1 port=1000 nick=guest1 how=${how}\n$`),
    );
  }
});

Deno.test("room: a listener that does not read is let go, and the others are told", async () => {
  const [a, b, c, tester] = await three();
  a.out.held = true;
  while (a.person.here) {
    b.says("x".repeat(4000));
    await b.hears();
    await c.hears();
  }
  assertEquals((await a.out.heard()).endsWith("* good-bye: you read too slowly\r\n"), true);
  b.says("/who");
  assertEquals(await b.hears(), ["* 2 here: guest2, guest3"]);
  assertMatch(await tester.log.text(), /nick=guest1 how=slow\n$/);
});

Deno.test("room: newcomers read the greeting, and the latest talk", async () => {
  const [a, b, , tester] = await three({ motd: ["Welcome.", "Be kind."], history: 2 });
  a.says("one");
  a.says("/msg guest2 secret");
  a.says("/me two");
  b.says("three");
  const newcomer = tester.guest();
  a.says("four");
  assertEquals(await newcomer.hears(), [
    "Welcome.",
    "Be kind.",
    "* <guest1> two",
    "<guest2> three",
    "* you are guest4, one of 4 here; /help lists the commands",
    "<guest1> four",
  ]);
});

Deno.test("room: the longest history fits into what may wait for a listener", async () => {
  const [a, b, , tester] = await three({ history: MOST_HISTORY });
  for (let i = 0; i < MOST_HISTORY; i++) a.says("x".repeat(LONGEST_LINE));
  const newcomer = tester.guest();
  newcomer.out.held = true;
  b.says("hello");
  await newcomer.hears();
  b.says("hello");
  await newcomer.hears();
  assertEquals(newcomer.person.here, true);
});

Deno.test("room: comings and goings beyond a burst are counted, not told", async () => {
  const tester = new Tester(false);
  const first = tester.guest();
  await first.hears();
  for (let i = 0; i < NOTICE_BURST + 50; i++) {
    tester.room.leave(tester.guest().person, "closed");
  }
  // The first one's own coming counts as well.
  assertEquals((await first.hears()).length, NOTICE_BURST - 1);
  tester.clock = 1000;
  tester.guest();
  assertEquals(await first.hears(), [
    `* ${2 * (NOTICE_BURST + 50) - NOTICE_BURST + 1} more came or went`,
    `* guest${NOTICE_BURST + 52} joined`,
  ]);
  tester.guest();
  assertEquals(await first.hears(), []);
  tester.clock = 2000;
  tester.guest();
  assertEquals(await first.hears(), [
    "* 1 more came or went",
    `* guest${NOTICE_BURST + 54} joined`,
  ]);
});

Deno.test("room: when it closes all are told and go, and whoever comes then goes at once", async () => {
  const [a, b, , tester] = await three();
  tester.room.close();
  const late = tester.guest();
  for (const { person } of [a, b, late]) await person.left;
  assertEquals(await a.hears(), ["* good-bye: the server stops"]);
  assertEquals(await b.hears(), ["* good-bye: the server stops"]);
  assertEquals((await late.hears()).at(-1), "* good-bye: the server stops");
});

Deno.test("raw room: each line goes to all others byte for byte, and nothing else is said", async () => {
  const tester = new Tester(true, { history: 1 });
  const [a, b, c] = [tester.guest(), tester.guest(), tester.guest()];
  a.says("/nick bob");
  a.says("");
  a.says("\x1b[1mbold");
  const line = Uint8Array.of(0x80, 0xff, 0, 0x0d, 0x41);
  let raw: Uint8Array = new Uint8Array(0);
  c.out.send = (data): void => void (raw = concat([raw, data]));
  a.says(line);
  assertEquals(await b.hears(), ["/nick bob", "", "\x1b[1mbold", new TextDecoder().decode(line)]);
  assertEquals(raw.slice(-7), concat([line, bytes("\r\n")]));
  assertEquals(await a.hears(), []);
  a.says("y".repeat(LONGEST_LINE + 4));
  assertEquals(await b.hears(), ["y".repeat(LONGEST_LINE)]);
  assertEquals(await tester.guest().hears(), ["y".repeat(LONGEST_LINE)]);
  tester.room.leave(a.person, "idle");
  assertEquals([await a.hears(), await b.hears()], [[], []]);
  assertMatch(await tester.log.text(), /^joined peer=192.0.2.1 port=1000\n.*left .* how=idle\n$/s);
});
