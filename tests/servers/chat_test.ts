/** The chat server as its people meet it: over sockets. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type ChatOptions, start } from "../../servers/chat.ts";
import { writeAll } from "../../tools/net/writer.ts";
import { Log } from "../../tools/program/log.ts";
import { LONGEST_LINE } from "../../tools/protocol/chat.ts";
import { netTest } from "../support/permissions.ts";
import { readText } from "../support/stream.ts";

const PATIENT = 3_600_000;

/** Somebody connected with no more than a socket. */
class Guest implements Disposable {
  readonly #conn: Deno.TcpConn;
  readonly #decoder = new TextDecoder();
  #heard = "";

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  static async come(port: number): Promise<Guest> {
    return new Guest(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async say(text: string | Uint8Array): Promise<void> {
    await writeAll(
      this.#conn,
      typeof text === "string" ? new TextEncoder().encode(text) : text,
    );
  }

  /** What comes up to and with `end`. */
  async hear(end: string): Promise<string> {
    const buffer = new Uint8Array(4096);
    while (!this.#heard.includes(end)) {
      const length = await this.#conn.read(buffer);
      if (length === null) throw new Error(`closed without ${end}: ${this.#heard}`);
      this.#heard += this.#decoder.decode(buffer.subarray(0, length), { stream: true });
    }
    const at = this.#heard.indexOf(end) + end.length;
    const text = this.#heard.slice(0, at);
    this.#heard = this.#heard.slice(at);
    return text;
  }

  /** All that comes until the end. */
  async rest(): Promise<string> {
    return this.#heard + await readText(this.#conn);
  }

  async endOwn(): Promise<void> {
    await this.#conn.closeWrite();
  }

  [Symbol.dispose](): void {
    try {
      this.#conn.close();
    } catch {
      // Closed already.
    }
  }
}

/** Runs `test` with a server and a way to come in. */
async function room(
  options: Partial<ChatOptions>,
  test: (come: () => Promise<Guest>, stop: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const server = start({
    hosts: ["127.0.0.1"],
    port: 0,
    raw: false,
    motd: [],
    history: 0,
    rate: 10_000,
    idleTimeout: PATIENT,
    maxConnections: 1000,
    maxPerAddress: 1000,
    log: new Log({ name: "chatd", form: "text", quiet: true }),
    ...options,
  });
  const guests: Guest[] = [];
  try {
    await test(async () => {
      const guest = await Guest.come(server.addrs[0]?.port ?? 0);
      guests.push(guest);
      return guest;
    }, () => server.shutdown());
  } finally {
    guests.forEach((guest) => guest[Symbol.dispose]());
    await server.shutdown();
  }
}

/** Two people who have heard all that is said on arrival. */
async function two(come: () => Promise<Guest>): Promise<[Guest, Guest]> {
  const first = await come();
  await first.hear("/help lists the commands\r\n");
  const second = await come();
  await second.hear("/help lists the commands\r\n");
  await first.hear("* guest2 joined\r\n");
  return [first, second];
}

netTest("chat: what one says the others hear, and nobody hears themselves", async () => {
  await room({}, async (come) => {
    const [ada, bob] = await two(come);
    await ada.say("hello\n");
    assertEquals(await bob.hear("\n"), "<guest1> hello\r\n");
    await bob.say("with CRLF\r\n");
    assertEquals(await ada.hear("\n"), "<guest2> with CRLF\r\n");
  });
});

netTest("chat: lines and characters are whole, however they come", async () => {
  await room({}, async (come) => {
    const [ada, bob] = await two(come);
    for (const byte of new TextEncoder().encode("déjà vu €\none\ntwo\r\n")) {
      await ada.say(Uint8Array.of(byte));
    }
    assertEquals(
      await bob.hear("two\r\n"),
      "<guest1> déjà vu €\r\n<guest1> one\r\n<guest1> two\r\n",
    );
    await ada.say(Uint8Array.of(0x61, 0xff, 0xf4, 0xc3, 0x28, 0x0a));
    assertEquals(await bob.hear("\n"), "<guest1> a\ufffd(\r\n");
  });
});

netTest("chat: nothing that one types can steer the terminal of another", async () => {
  await room({}, async (come) => {
    const [ada, bob] = await two(come);
    await ada.say("\x1b[2J\x07 \x9b31m \u202egnp.exe \x7f \u2028* bob left\ttab\n");
    const line = await bob.hear("\r\n");
    assertEquals(
      line,
      "<guest1> \\x1b[2J\\x07 \\x9b31m \\u{202e}gnp.exe \\x7f \\u{2028}* bob left\ttab\r\n",
    );
    await ada.say("/nick \x1b[31mroot\n");
    assertStringIncludes(await ada.hear("\r\n"), "* no: ");
  });
});

netTest("chat: names are unique whatever their case, and change before all", async () => {
  await room({}, async (come) => {
    const [ada, bob] = await two(come);
    await ada.say("/nick Zoé\n");
    assertEquals(await ada.hear("\n"), "* you are now Zoé\r\n");
    assertEquals(await bob.hear("\n"), "* guest1 is now Zoé\r\n");
    for (const taken of ["zoé", "ZOÉ", "Zoe\u0301"]) {
      await bob.say(`/nick ${taken}\n`);
      assertEquals(await bob.hear("\n"), "* no: Zoé is here already\r\n");
    }
    for (const bad of ["a b", "<x>", "*", "x".repeat(17), "\u200b"]) {
      await bob.say(`/nick ${bad}\n`);
      assertStringIncludes(await bob.hear("\n"), "* no: ");
    }
    await bob.say("/msg ZOÉ psst\n");
    assertEquals(await ada.hear("\n"), "<guest2 to you> psst\r\n");
    await bob.say("/me waves\n/who\n/nobody\n/msg eve hi\n");
    assertEquals(await ada.hear("\n"), "* <guest2> waves\r\n");
    assertStringIncludes(await bob.hear("\n"), "* 2 here: ");
    assertStringIncludes(await bob.hear("\n"), "there is no command /nobody");
    assertStringIncludes(await bob.hear("\n"), "nobody here is called eve");
  });
});

netTest("chat: who goes is missed, in whatever way", async () => {
  await room({}, async (come) => {
    const [ada, bob] = await two(come);
    await bob.say("/quit\n");
    assertEquals(await bob.rest(), "* good-bye\r\n");
    assertEquals(await ada.hear("\n"), "* guest2 left\r\n");
    const cid = await come();
    await ada.hear("guest3 joined\r\n");
    await cid.say("no end");
    await cid.endOwn();
    assertEquals(await ada.hear("left\r\n"), "<guest3> no end\r\n* guest3 left\r\n");
    assertStringIncludes(await cid.rest(), "you are guest3");
  });
});

netTest("chat: a long line is cut, its sender told, and one without end costs nobody", async () => {
  await room({}, async (come) => {
    const [ada, bob] = await two(come);
    for (let i = 0; i < 64; i++) await ada.say("x".repeat(65_536));
    await ada.say("\nafter\n");
    const line = await bob.hear("\r\n");
    assert(line.length <= LONGEST_LINE + 20, `${line.length}`);
    assertEquals(await bob.hear("\r\n"), "<guest1> after\r\n");
    assertStringIncludes(await ada.hear("\r\n"), `at most ${LONGEST_LINE} bytes`);
  });
});

netTest("chat: a newcomer reads the greeting and what was said before", async () => {
  await room({ motd: ["Be nice.", "Or go."], history: 2 }, async (come) => {
    const [ada, bob] = await two(come);
    await ada.say("one\ntwo\nthree\n");
    await bob.hear("three\r\n");
    const cid = await come();
    assertEquals(
      await cid.hear("you are "),
      "Be nice.\r\nOr go.\r\n<guest1> two\r\n<guest1> three\r\n* you are ",
    );
  });
});

netTest("chat --raw: each line to all others as it is, and nothing else", async () => {
  await room({ raw: true }, async (come) => {
    const ada = await come();
    const bob = await come();
    // Whoever comes says nothing on arrival here: the first line shows that both are in.
    await ada.say("/nick x\nhello\x1b[0m\n");
    await bob.say("back\r\n");
    assertEquals(await ada.hear("\n"), "back\r\n");
    await ada.say("more\n");
    assert((await bob.hear("more\r\n")).endsWith("more\r\n"));
  });
});

netTest("chat: one who never reads is let go, and keeps nobody waiting", async () => {
  await room({ rate: 1_000_000 }, async (come) => {
    const [ada, bob] = await two(come);
    await come(); // This one never reads.
    await ada.hear("guest3 joined\r\n");
    await bob.hear("guest3 joined\r\n");
    const lines = `${"x".repeat(1000)}\n`.repeat(64);
    for (let gone = false, i = 0; !gone; i++) {
      await ada.say(`${lines}mark ${i}\n`);
      gone = (await bob.hear(`mark ${i}\r\n`)).includes("guest3 left (read too slowly)\r\n");
    }
    await ada.say("and on\n");
    await bob.hear("<guest1> and on\r\n");
  });
});

netTest("chat: above the caps one is told so", async () => {
  await room({ maxConnections: 2 }, async (come) => {
    await two(come);
    const third = await come();
    assertEquals(await third.rest(), "* there is no room for more people: try again later\r\n");
  });
});

netTest("chat: who says nothing for too long has to go", async () => {
  await room({ idleTimeout: 50 }, async (come) => {
    const ada = await come();
    assertStringIncludes(await ada.rest(), "* good-bye: you said nothing for too long\r\n");
  });
});

netTest("chat: when the server stops, everybody hears it", async () => {
  await room({}, async (come, stop) => {
    const [ada, bob] = await two(come);
    const stopping = stop();
    for (const guest of [ada, bob]) {
      assertEquals(await guest.rest(), "* good-bye: the server stops\r\n");
      guest[Symbol.dispose]();
    }
    await stopping;
  });
});
