import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  checkFormat,
  daytimeLine,
  LONGEST_LINE,
  RFC_FORM,
} from "../../../tools/protocol/daytime.ts";
import { missingProgram, processTestUnless, testWith } from "../../support/permissions.ts";
import { runCommand } from "../../support/process.ts";

// The moment of the RFC's own example.
const EXAMPLE = new Date("1982-02-22T17:37:43-08:00");

function utc(format: string, date: string | Date): string {
  return daytimeLine({ format, utc: true }, new Date(date));
}

/** Runs `test` in the time zone `zone`. */
function inZone(zone: string, test: () => void): void {
  const before = Deno.env.get("TZ");
  Deno.env.set("TZ", zone);
  try {
    test();
  } finally {
    if (before === undefined) Deno.env.delete("TZ");
    else Deno.env.set("TZ", before);
  }
}

Deno.test("daytimeLine() writes the RFC's form, C's own form and ISO 8601", () => {
  assertEquals(utc(RFC_FORM, EXAMPLE), "Tuesday, February 23, 1982 01:37:43-UTC");
  assertEquals(utc("%c", EXAMPLE), "Tue Feb 23 01:37:43 1982");
  assertEquals(utc("%c", "2026-07-05T04:05:06Z"), "Sun Jul  5 04:05:06 2026");
  assertEquals(utc("iso", "2026-07-05T04:05:06.789Z"), "2026-07-05T04:05:06Z");
});

Deno.test("daytimeLine() knows C's conversions and the flags for padding and capitals", () => {
  const rows: [format: string, line: string][] = [
    ["%a %A %b %B %h", "Sun Sunday Jul July Jul"],
    ["%C %y %Y %m %d %e", "20 26 2026 07 05  5"],
    ["%D %F %x", "07/05/26 2026-07-05 07/05/26"],
    ["%H %I %k %l %M %S", "16 04 16  4 05 06"],
    ["%R %T %X %r", "16:05 16:05:06 16:05:06 04:05:06 PM"],
    ["%p %P %s %z %Z %%", "PM pm 1783267506 +0000 UTC %"],
    ["%j %u %w %U %W", "186 7 0 27 26"],
    ["%G %g %V", "2026 26 27"],
    ["%-d %_d %0e %^a %^B %-I", "5  5 05 SUN JULY 4"],
    ["on %d%d, 100%%", "on 0505, 100%"],
  ];
  for (const [format, line] of rows) {
    assertEquals(checkFormat(format), format);
    assertEquals(utc(format, "2026-07-05T16:05:06Z"), line);
  }
  assertEquals(utc("%I %l %p", "2026-07-05T00:00:00Z"), "12 12 AM");
  assertEquals(utc("%j %U %W", "2026-01-01T00:00:00Z"), "001 00 00");
  assertEquals(utc("%G-W%V-%u", "2027-01-01T00:00:00Z"), "2026-W53-5");
});

testWith(["env"], "daytimeLine() writes local time, with the zone's short name", () => {
  const local = (format: string, date: string | Date): string =>
    daytimeLine({ format, utc: false }, new Date(date));
  inZone("America/Los_Angeles", () => {
    assertEquals(local(RFC_FORM, EXAMPLE), "Monday, February 22, 1982 17:37:43-PST");
    assertEquals(local("%H %Z %z", "2026-07-05T04:05:06Z"), "21 PDT -0700");
    assertEquals(local("iso", EXAMPLE), "1982-02-22T17:37:43-08:00");
  });
  inZone("Europe/Paris", () => assertEquals(local("%Z %s", EXAMPLE), `CET ${+EXAMPLE / 1000}`));
  inZone("Asia/Tokyo", () => assertEquals(local("%Z", EXAMPLE), "JST"));
  // A zone that no locale has a name for is given by its offset.
  inZone("America/Sao_Paulo", () => {
    assertEquals(local("%Z %z", "2026-07-05T04:05:06Z"), "GMT-3 -0300");
  });
});

testWith(["env"], "daytimeLine() in UTC is not disturbed by the hour the local clock skips", () => {
  inZone("America/New_York", () => {
    assertEquals(utc("%T %j", "2026-03-08T02:30:00Z"), "02:30:00 067");
    assertEquals(utc(RFC_FORM, "2026-11-01T01:30:00Z"), "Sunday, November 1, 2026 01:30:00-UTC");
  });
});

Deno.test("checkFormat() refuses what is unknown, not one line of ASCII, or too long", () => {
  const rows: [format: string, message: string][] = [
    ["%Q", "unknown conversion %Q"],
    ["%", "unknown conversion %"],
    ["%d %-", "unknown conversion %-"],
    ["%n", "unknown conversion %n"],
    ["%Ec", "unknown conversion %E"],
    ["%__proto__", "unknown conversion %__"],
    ["%d\n%T", "printable ASCII"],
    ["\x1b[2J%c", "printable ASCII"],
    ["%d mai à %T", "printable ASCII"],
    ["%\n", "printable ASCII"],
    ["", "printable ASCII"],
    ["x".repeat(LONGEST_LINE - 1), `longer than ${LONGEST_LINE}`],
    ["%c".repeat(30), `longer than ${LONGEST_LINE}`],
  ];
  for (const [format, message] of rows) {
    assertThrows(() => checkFormat(format), RangeError, message);
  }
  assertEquals(checkFormat("x".repeat(LONGEST_LINE - 2)).length, LONGEST_LINE - 2);
});

Deno.test("a format that checkFormat() takes gives one short line at any time", () => {
  const piece = fc.constantFrom(..."%A %B %Z %c %r %^A %_j %s x".split(" "));
  const format = fc.array(piece, { minLength: 1, maxLength: 70 }).map((pieces) => pieces.join(""));
  const date = fc.date({
    min: new Date("1990-01-01T00:00:00Z"),
    max: new Date("2200-01-01T00:00:00Z"),
    noInvalidDate: true,
  });
  fc.assert(fc.property(format, date, fc.boolean(), (format, date, utc) => {
    try {
      checkFormat(format);
    } catch (error) {
      assert(error instanceof RangeError);
      return;
    }
    const line = new TextEncoder().encode(`${daytimeLine({ format, utc }, date)}\r\n`);
    assert(line.length <= LONGEST_LINE);
    assert(line.subarray(0, -2).every((byte) => byte >= 0x20 && byte < 0x7f));
  }));
});

Deno.test("checkFormat() never throws anything but RangeError", () => {
  fc.assert(fc.property(fc.string({ unit: "binary-ascii" }), (format) => {
    try {
      assertEquals(checkFormat(format), format);
    } catch (error) {
      assert(error instanceof RangeError);
    }
  }));
});

processTestUnless(
  missingProgram("date"),
  "daytimeLine() writes what GNU date writes, around the year and its changes of clock",
  async () => {
    const version = await runCommand("date", ["--version"]);
    if (!version.stdout.includes("GNU")) return;
    const letters = [..."aAbBcCdDeFgGhHIjklmMpPrRsSTuUVwWxXyYzZ"];
    const format = letters.flatMap((letter) =>
      "zZ".includes(letter)
        ? [`%${letter}`]
        : ["", "-", "_", "0"].map((flag) => `%${flag}${letter}`)
    ).join("|");
    // Every 17 hours of 2026 and of the days around it.
    const start = Date.UTC(2025, 11, 25) / 1000;
    const seconds = Array.from({ length: 540 }, (_, i) => start + i * 17 * 3600 + i);
    for (const zone of ["UTC", "America/New_York", "Australia/Sydney"]) {
      const { stdout } = await runCommand("date", ["-f", "-", `+${format}`], {
        stdin: seconds.map((second) => `@${second}\n`).join(""),
        env: { TZ: zone, LC_ALL: "C" },
      });
      const lines = stdout.trimEnd().split("\n");
      assertEquals(lines.length, seconds.length);
      inZone(
        zone,
        () =>
          seconds.forEach((second, i) =>
            assertEquals(daytimeLine({ format, utc: false }, new Date(second * 1000)), lines[i])
          ),
      );
    }
  },
);
