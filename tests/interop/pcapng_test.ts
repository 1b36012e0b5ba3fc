/** What the recorder writes, read by tshark. */
import { assert, assertEquals } from "@std/assert";
import {
  type Direction,
  type Ends,
  Recorder,
  type RecorderOptions,
} from "../../tools/net/recorder.ts";
import { concat } from "../../tools/protocol/bytes.ts";
import { missingProgram, processTestUnless } from "../support/permissions.ts";
import { runCommand } from "../support/process.ts";
import { bytes } from "../support/stream.ts";

const noTshark = missingProgram("tshark");

// By default tshark looks at no checksum, since network cards often fill them in later.
const CHECKSUMS = ["ip", "tcp", "udp"].flatMap((name) => ["-o", `${name}.check_checksum:TRUE`]);

// What tshark notes of every connection that ends in FIN, at its first and its second FIN.
const CLOSING = [
  "This frame initiates the connection closing",
  "This frame undergoes the connection closing",
];

const ENDS: Ends = {
  client: { hostname: "10.0.1.11", port: 40000 },
  server: { hostname: "10.0.1.1", port: 7777 },
};

function ends(client: string, server: string, port = 40000): Ends {
  return { client: { hostname: client, port }, server: { hostname: server, port: 7777 } };
}

/** Bytes that are not all alike, and make no dissector think that it knows them. */
function pattern(length: number, seed = 0): Uint8Array {
  const block = Uint8Array.from({ length: 65521 }, (_, i) => 97 + (i * (seed + 1) + (i >> 8)) % 26);
  const all = new Uint8Array(length);
  for (let at = 0; at < length; at += block.length) {
    all.set(block.subarray(0, length - at), at);
  }
  return all;
}

async function tshark(file: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand("tshark", ["-n", "-r", file, ...args]);
  assertEquals(code, 0, stderr);
  return stdout;
}

/** What tshark makes of a recording. */
interface Reading {
  /** What it finds remarkable, beyond chats and comments. */
  findings: string[];
  /** The bytes of each conversation it follows. */
  streams: Record<Direction, Uint8Array>[];
}

/** Has tshark judge `file`, and follow its first `count` conversations. */
async function read(file: string, count = 0, transport = "tcp"): Promise<Reading> {
  const streams = Array.from({ length: count }, (_, i) => `follow,${transport},raw,${i}`);
  const taps = ["expert", ...streams].flatMap((tap) => ["-z", tap]);
  const text = await tshark(file, ...CHECKSUMS, "-q", ...taps);
  const severe = [...text.matchAll(/^(?:Errors|Warns|Notes) .*\n=+\n.*\n((?: .*\n)*)/gm)];
  const findings = severe.flatMap(([, lines = ""]) => lines.trimEnd().split("\n"))
    .map((line) => line.trim().split(/\s{2,}/).at(-1) ?? "")
    .filter((summary) => !CLOSING.includes(summary));
  const followed = [...text.matchAll(/^Filter: \w+\.stream eq (\d+)\n.*\n.*\n([^=]*)^=/gm)];
  const found: Reading["streams"] = [];
  for (const [, stream, body = ""] of followed) found[Number(stream)] = split(body.split("\n"));
  return { findings, streams: found };
}

/** Data in hexadecimal; tshark indents what goes down. */
function split(lines: string[]): Record<Direction, Uint8Array> {
  const take = (down: boolean): Uint8Array =>
    Uint8Array.fromHex(
      lines.filter((line) => line.startsWith("\t") === down).join("").replaceAll("\t", ""),
    );
  return { up: take(false), down: take(true) };
}

/** Makes a recording by `act`, and gives its file to `check`. */
async function recorded(
  act: (recorder: Recorder) => void | Promise<void>,
  check: (file: string) => Promise<void>,
  options: Partial<RecorderOptions> = {},
): Promise<void> {
  const file = await Deno.makeTempFile({ suffix: ".pcapng" });
  try {
    const recorder = new Recorder({
      name: "proxyd",
      notice: (notice) => assert(false, notice),
      ...options,
    });
    recorder.writeTo(await Deno.open(file, { write: true }), file);
    await act(recorder);
    await recorder.close();
    await check(file);
  } finally {
    await Deno.remove(file);
  }
}

/** As assertEquals, for megabytes. */
function same(got: Uint8Array | undefined, sent: Uint8Array, name = ""): void {
  const equal = got?.length === sent.length && got.every((byte, i) => byte === sent[i]);
  assert(equal, `${name}: ${got?.length} bytes of ${sent.length}, or others`);
}

type Say = (direction: Direction, data: Uint8Array) => Promise<void>;
type End = (direction: Direction) => void;

const BOTH: Direction[] = ["up", "down"];
const V4 = ["10.0.1.11", "10.0.1.1"] as const;
const V6 = ["2001:db8::11", "2001:db8::1"] as const;

const TALKS: [
  name: string,
  addresses: readonly [client: string, server: string],
  talk: (say: Say, end: End) => Promise<void>,
][] = [
  ["a dialogue", V4, async (say, end) => {
    for (let i = 0; i < 20; i++) {
      await say("up", bytes(`question ${i}\r\n`));
      await say("down", pattern(i * 1000 + 1, i));
    }
    BOTH.forEach(end);
  }],
  ["a client that half-closes first", V4, async (say, end) => {
    await say("up", bytes("all of it"));
    end("up");
    await say("down", pattern(100_000));
    await say("down", bytes("late"));
    end("down");
  }],
  ["a server that half-closes first", V4, async (say, end) => {
    await say("up", bytes("hello"));
    await say("down", bytes("the whole answer"));
    end("down");
    await say("up", pattern(100_000));
    end("up");
  }],
  ["a connection that never ends", V4, async (say) => {
    await say("up", bytes("hello"));
    await say("down", bytes("hello"));
  }],
  ["a connection that says nothing", V4, async (_, end) => {
    await Promise.resolve();
    BOTH.forEach(end);
  }],
  ["both at once", V4, async (say, end) => {
    for (let i = 0; i < 50; i++) {
      await say("up", pattern(65_536, i));
      await say("down", pattern(3, i));
    }
    BOTH.forEach(end);
  }],
  ["10 MB one way", V4, async (say, end) => {
    for (let i = 0; i < 40; i++) await say("down", pattern(262_144, i));
    BOTH.forEach(end);
  }],
  ["small pieces one way", V4, async (say, end) => {
    for (let i = 0; i < 300; i++) await say("up", pattern(512, i));
    BOTH.forEach(end);
  }],
  ["IPv6", V6, async (say, end) => {
    await say("up", pattern(200_000));
    await say("down", pattern(200_001));
    BOTH.forEach(end);
  }],
  ["an IPv4 client of a dual-stack server", ["::ffff:10.0.1.11", V4[1]], async (say, end) => {
    await say("up", bytes("hello"));
    BOTH.forEach(end);
  }],
  ["an IPv6 client and an IPv4 server", [V6[0], V4[1]], async (say, end) => {
    await say("up", pattern(70_000));
    await say("down", bytes("hello"));
    BOTH.forEach(end);
  }],
];

// A clock 5,000 before the wrap of the sequence numbers that are taken from it.
let wrapping = 4 * (2 ** 32 - 5000);
const CLOCKS: [string, Partial<RecorderOptions>][] = [
  ["now", {}],
  ["where sequence numbers wrap", { now: () => wrapping++ }],
];

for (const [when, options] of CLOCKS) {
  processTestUnless(
    noTshark,
    `pcapng: tshark follows every kind of connection, and finds nothing amiss, ${when}`,
    async () => {
      const said: Record<Direction, Uint8Array[]>[] = [];
      await recorded(
        async (recorder) => {
          for (const [i, [, [client, server], talk]] of TALKS.entries()) {
            const tap = recorder.connection(ends(client, server, 40000 + i));
            const all = { up: [] as Uint8Array[], down: [] as Uint8Array[] };
            said.push(all);
            await talk(async (direction, data) => {
              await tap.ready();
              tap.data(direction, data);
              all[direction].push(data);
            }, (direction) => tap.end(direction));
          }
        },
        async (file) => {
          const { findings, streams } = await read(file, TALKS.length);
          assertEquals(findings, []);
          for (const [i, [name]] of TALKS.entries()) {
            for (const way of BOTH) same(streams[i]?.[way], concat(said[i]?.[way] ?? []), name);
          }
        },
        options,
      );
    },
  );
}

processTestUnless(noTshark, "pcapng: tshark would find what is amiss", async () => {
  await recorded((recorder) => {
    recorder.connection(ENDS).data("up", bytes("hello"));
  }, async (file) => {
    const data = await Deno.readFile(file);
    data[data.lastIndexOf("h".charCodeAt(0))] = 0;
    await Deno.writeFile(file, data);
    const { findings } = await read(file);
    assertEquals(findings.map((finding) => finding.slice(0, 12)), ["Bad checksum"]);
  });
});

processTestUnless(noTshark, "pcapng: a reset is a reset, from either side", async () => {
  await recorded((recorder) => {
    for (const [i, side] of BOTH.entries()) {
      const tap = recorder.connection(ends(...V4, 40000 + i));
      tap.data("up", pattern(100_000));
      tap.data("down", bytes("no"));
      tap.reset(side);
    }
  }, async (file) => {
    const { findings, streams } = await read(file, 2);
    // The only one that a reset must have.
    assertEquals(findings, ["Connection reset (RST)"]);
    for (const { up, down } of streams) {
      same(up, pattern(100_000));
      same(down, bytes("no"));
    }
    const from = await tshark(file, "-Y", "tcp.flags.reset == 1", "-T", "fields", "-e", "ip.src");
    assertEquals(from, "10.0.1.11\n10.0.1.1\n");
  });
});

processTestUnless(noTshark, "pcapng: many connections, with their packets mixed", async () => {
  const COUNT = 50;
  await recorded((recorder) => {
    const taps = Array.from(
      { length: COUNT },
      (_, i) => recorder.connection(ends(`10.0.1.${10 + i % 7}`, "10.0.1.1", 40000 + i)),
    );
    for (let round = 0; round < 10; round++) {
      taps.forEach((tap, i) => {
        tap.data("up", pattern(100 * i, round));
        tap.data("down", bytes(`${i} ${round}\n`));
      });
    }
    taps.forEach((tap, i) => (i % 2 ? BOTH : BOTH.toReversed()).forEach((way) => tap.end(way)));
  }, async (file) => {
    const { findings, streams } = await read(file, COUNT);
    assertEquals(findings, []);
    const rounds = Array.from({ length: 10 }, (_, round) => round);
    for (let i = 0; i < COUNT; i++) {
      same(streams[i]?.up, concat(rounds.map((round) => pattern(100 * i, round))));
      same(streams[i]?.down, bytes(rounds.map((round) => `${i} ${round}\n`).join("")));
    }
  });
});

processTestUnless(noTshark, "pcapng: datagrams, of both families", async () => {
  await recorded((recorder) => {
    for (const way of [ends(...V4), ends(...V6), ends(V6[0], V4[1])]) {
      recorder.datagram("up", way, bytes("question"));
      recorder.datagram("down", way, pattern(65_507));
      recorder.datagram("up", way, bytes(""));
      recorder.datagram("up", way, bytes("odd"));
    }
  }, async (file) => {
    const { findings, streams } = await read(file, 3, "udp");
    assertEquals([findings, streams.length], [[], 3]);
    for (const { up, down } of streams) {
      same(up, bytes("questionodd"));
      same(down, pattern(65_507));
    }
  });
});

processTestUnless(
  noTshark,
  "pcapng: tshark knows the protocol by the port; comments, times and ways are there",
  async () => {
    let time = 1_790_000_000_123_456;
    await recorded((recorder) => {
      const server = { hostname: "10.0.1.1", port: 21 };
      const tap = recorder.connection({ ...ENDS, server, comment: "through 10.0.1.1:2121" });
      tap.data("down", bytes("220 ready\r\n"));
      tap.data("up", bytes("USER alice\r\n"));
    }, async (file) => {
      const list = (filter: string, ...names: string[]): Promise<string> =>
        tshark(file, "-Y", filter, "-T", "fields", ...names.flatMap((name) => ["-e", name]));
      assertEquals(
        await list(
          "ftp.request.command",
          "ftp.request.arg",
          "frame.time_epoch",
          "frame.packet_flags_direction",
        ),
        "alice\t1790000000.123461000\t0x00000001\n",
      );
      assertEquals(
        await list("frame.comment", "frame.comment", "frame.number"),
        "through 10.0.1.1:2121\t1\n",
      );
    }, { now: () => time++ });
  },
);

processTestUnless(
  noTshark,
  "pcapng: tshark reads live, what was under way already and what comes",
  async () => {
    const recorder = new Recorder({ name: "proxyd", notice: (notice) => assert(false, notice) });
    const early = recorder.connection(ENDS);
    early.data("up", bytes("before"));
    early.end("down");
    const file = await Deno.makeTempFile({ suffix: ".pcapng" });
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    try {
      const source = `TCP@127.0.0.1:${listener.addr.port}`;
      const viewing = runCommand("tshark", ["-i", source, "-w", file]);
      const streaming = recorder.streamTo(await listener.accept(), "viewer");
      early.data("up", pattern(300_000));
      early.end("up");
      const fresh = recorder.connection(ends("10.0.1.12", "10.0.1.1"));
      fresh.data("down", bytes("hello"));
      BOTH.forEach((way) => fresh.end(way));
      await recorder.close();
      await streaming;
      const { code, stderr } = await viewing;
      assertEquals(code, 0, stderr);
      const { findings, streams } = await read(file, 2);
      assertEquals(findings, []);
      same(streams[0]?.up, pattern(300_000));
      same(streams[1]?.down, bytes("hello"));
    } finally {
      listener.close();
      await Deno.remove(file);
    }
  },
);
