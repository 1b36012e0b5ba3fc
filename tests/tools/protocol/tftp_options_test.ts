import { assert, assertEquals, assertThrows } from "@std/assert";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import {
  agreedTerms,
  largestWindow,
  negotiate,
  PLAIN_TERMS,
  requestOptions,
  type Terms,
} from "../../../tools/protocol/tftp_options.ts";

const LIMITS = { blksize: 8192, windowsize: 64, timeout: 255_000 };

type Pairs = Record<string, string>;

/** What a server that has a file of 1000 bytes makes of options. */
const ASKED: [asked: Pairs, accepted: Pairs, terms: Partial<Terms>][] = [
  [{}, {}, {}],
  [{ blksize: "1428" }, { blksize: "1428" }, { blksize: 1428 }],
  [{ blksize: "8" }, { blksize: "8" }, { blksize: 8 }],
  // Numbers too large are lowered.
  [{ blksize: "65464" }, { blksize: "8192" }, { blksize: 8192 }],
  [{ blksize: "99999" }, { blksize: "8192" }, { blksize: 8192 }],
  [{ blksize: "9".repeat(400) }, { blksize: "8192" }, { blksize: 8192 }],
  [{ windowsize: "16" }, { windowsize: "16" }, { windowsize: 16 }],
  [{ windowsize: "70000" }, { windowsize: "64" }, { windowsize: 64 }],
  // A window has to fit into the receiver's socket buffer.
  [{ blksize: "8192", windowsize: "64" }, { blksize: "8192", windowsize: "12" }, {
    blksize: 8192,
    windowsize: 12,
  }],
  // What cannot be met is as if it had not been asked for.
  ...["7", "0", "-1", "abc", "", " 512", "1e3", "0x200", "512.5"].map((blksize) =>
    [{ blksize }, {}, {}] as [Pairs, Pairs, Partial<Terms>]
  ),
  ...["0", "-1", "many"].map((windowsize) =>
    [{ windowsize }, {}, {}] as [Pairs, Pairs, Partial<Terms>]
  ),
  [{ timeout: "1" }, { timeout: "1" }, { timeout: 1000 }],
  [{ timeout: "255" }, { timeout: "255" }, { timeout: 255_000 }],
  [{ timeout: "0" }, {}, {}],
  [{ timeout: "256" }, {}, {}],
  [{ utimeout: "150000" }, { utimeout: "150000" }, { timeout: 150 }],
  [{ utimeout: "99999" }, {}, {}],
  [{ utimeout: "256000000" }, {}, {}],
  [{ timeout: "3", utimeout: "150000" }, { utimeout: "150000" }, { timeout: 150 }],
  [{ timeout: "3", utimeout: "1" }, { timeout: "3" }, { timeout: 3000 }],
  [{ rollover: "0" }, { rollover: "0" }, { rollover: 0 }],
  [{ rollover: "1" }, { rollover: "1" }, { rollover: 1 }],
  [{ rollover: "2" }, {}, {}],
  [{ tsize: "0" }, { tsize: "1000" }, { size: 1000 }],
  [{ tsize: "77" }, { tsize: "1000" }, { size: 1000 }],
  [{ tsize: "-1" }, {}, {}],
  [{ multicast: "", password: "x", constructor: "1" }, {}, {}],
];

Deno.test("a TFTP server agrees on no longer wait than it is told", () => {
  const rows: [asked: Pairs, timeout: number | undefined][] = [
    [{ timeout: "7" }, 7000],
    [{ timeout: "8" }, undefined],
    [{ utimeout: "7500000" }, 7500],
    [{ utimeout: "7500001" }, undefined],
    [{ utimeout: "7500001", timeout: "2" }, 2000],
  ];
  for (const [asked, timeout] of rows) {
    const limits = { ...LIMITS, timeout: 7500 };
    const { terms, accepted } = negotiate(new Map(Object.entries(asked)), limits, undefined);
    assertEquals([terms.timeout, accepted.size], [timeout, timeout ? 1 : 0]);
  }
});

Deno.test("a TFTP server clamps options, leaves out what it cannot meet, and echoes nothing", () => {
  for (const [asked, accepted, terms] of ASKED) {
    const result = negotiate(new Map(Object.entries(asked)), LIMITS, 1000);
    assertEquals(Object.fromEntries(result.accepted), accepted, JSON.stringify(asked));
    assertEquals(result.terms, { ...PLAIN_TERMS, ...terms }, JSON.stringify(asked));
  }
});

Deno.test("a TFTP server takes a client's word for the size of what it sends", () => {
  const told = (tsize: string): unknown =>
    negotiate(new Map([["tsize", tsize]]), LIMITS, "told").terms.size;
  assertEquals(["77", "0", "-1", "1".repeat(30)].map(told), [77, 0, undefined, undefined]);
  // As netascii a file has a size that nobody knows.
  assertEquals(negotiate(new Map([["tsize", "0"]]), LIMITS, undefined).accepted.size, 0);
});

Deno.test("windows fit into the socket buffer that Linux gives, as measured", () => {
  const held = { 8: 256, 512: 166, 1024: 92, 1428: 92, 4096: 25, 8192: 12, 32768: 6, 65464: 3 };
  for (const [blksize, blocks] of Object.entries(held)) {
    const window = largestWindow(Number(blksize));
    assert(window <= blocks && window > 0.6 * blocks, `${blksize}: ${window}`);
  }
});

Deno.test("a TFTP client's wishes become options", () => {
  const options = (wishes: Parameters<typeof requestOptions>[0]): unknown =>
    Object.fromEntries(requestOptions(wishes));
  assertEquals(options({}), {});
  assertEquals(options({ blksize: 1428, windowsize: 16, timeout: 2000, rollover: 0, tsize: 0 }), {
    blksize: "1428",
    windowsize: "16",
    timeout: "2",
    rollover: "0",
    tsize: "0",
  });
  assertEquals(options({ timeout: 250 }), { utimeout: "250000" });
});

const WISHES: Pairs = {
  blksize: "1428",
  windowsize: "16",
  timeout: "2",
  utimeout: "250000",
  rollover: "1",
  tsize: "0",
};

Deno.test("a TFTP client agrees with what it asked for, and with less", () => {
  const rows: [accepted: Pairs, terms: Partial<Terms>][] = [
    [{}, {}],
    [{ blksize: "1428", windowsize: "16" }, { blksize: 1428, windowsize: 16 }],
    [{ blksize: "8", windowsize: "1" }, { blksize: 8, windowsize: 1 }],
    [{ timeout: "2" }, { timeout: 2000 }],
    [{ utimeout: "250000" }, { timeout: 250 }],
    [{ rollover: "1" }, { rollover: 1 }],
    [{ tsize: "5368709120" }, { size: 5368709120 }],
    // Only information.
    [{ tsize: "-2147483648" }, {}],
    [{ tsize: "" }, {}],
  ];
  for (const [accepted, terms] of rows) {
    assertEquals(
      agreedTerms(new Map(Object.entries(WISHES)), new Map(Object.entries(accepted))),
      { ...PLAIN_TERMS, ...terms },
    );
  }
});

Deno.test("a TFTP client does not agree with more, or with something else", () => {
  const rows: [accepted: Pairs, asked?: Pairs][] = [
    ...["1429", "7", "0", "-1", "abc", ""].map((blksize) => [{ blksize }] as [Pairs]),
    ...["17", "0", "many"].map((windowsize) => [{ windowsize }] as [Pairs]),
    [{ timeout: "3" }],
    [{ utimeout: "250001" }],
    [{ rollover: "0" }],
    [{ multicast: "" }],
    [{ blksize: "512" }, {}],
    [{ tsize: "1" }, { blksize: "512" }],
  ];
  for (const [accepted, asked = WISHES] of rows) {
    assertThrows(
      () => agreedTerms(new Map(Object.entries(asked)), new Map(Object.entries(accepted))),
      ProtocolError,
      "the server",
    );
  }
});
