/** The chat server with the clients people have, and the chat client with a server of another kind. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type ChatOptions, start } from "../../servers/chat.ts";
import { command as client } from "../../clients/chat.ts";
import { Log } from "../../tools/program/log.ts";
import { missingProgram, processTestUnless } from "../support/permissions.ts";
import { commandLine, run, ServerProcess } from "../support/process.ts";
import { Talker } from "../support/talker.ts";
import { TerminalRows } from "../support/terminal.ts";

/** A chat server on a port of 127.0.0.1. */
interface Room {
  port: string;
  /** Waits until so many have joined since the start. */
  joined(count: number): Promise<void>;
}

/** Runs `test` with a chat server. */
async function withServer(
  test: (room: Room) => Promise<void>,
  options: Partial<ChatOptions> = {},
): Promise<void> {
  let joins = 0;
  let wake = (): void => {};
  const log = new Log({
    name: "chatd",
    form: "text",
    quiet: false,
    write(bytes): Promise<number> {
      joins += new TextDecoder().decode(bytes).split(" joined ").length - 1;
      wake();
      return Promise.resolve(bytes.length);
    },
  });
  const server = start({
    hosts: ["127.0.0.1"],
    port: 0,
    raw: false,
    motd: [],
    history: 0,
    rate: 10,
    idleTimeout: 60_000,
    maxConnections: 10,
    maxPerAddress: 10,
    log,
    ...options,
  });
  try {
    await test({
      port: `${server.addrs[0]?.port}`,
      async joined(count): Promise<void> {
        while (joins < count) await new Promise<void>((resolve) => wake = resolve);
      },
    });
  } finally {
    await server.shutdown();
  }
}

const nc = (...args: string[]): Talker => new Talker("nc", args);

processTestUnless(
  missingProgram("nc"),
  "two nc -C, one nc and the chat client talk to each other",
  async () => {
    await withServer(async ({ port }) => {
      await using ada = nc("-C", "127.0.0.1", port);
      await ada.shows("you are guest1");
      await using bob = nc("-C", "127.0.0.1", port);
      await ada.shows("* guest2 joined\r\n");
      await using cid = nc("127.0.0.1", port);
      await bob.shows("* guest3 joined\r\n");
      await using dan = new Talker(
        Deno.execPath(),
        commandLine("clients/chat.ts", [`127.0.0.1:${port}`, "--nick", "dan"], client.permissions),
      );
      await cid.shows("* guest4 is now dan\r\n");

      await ada.type("/nick ada\n");
      await bob.shows("* guest1 is now ada\r\n");
      await ada.type("déjà vu\n");
      for (const other of [bob, cid]) await other.shows("<ada> déjà vu\r\n");
      await dan.shows("<ada> déjà vu\n");
      await cid.type("with LF alone\n");
      await ada.shows("<guest3> with LF alone\r\n");
      await dan.type("from a pipe\n");
      await bob.shows("<dan> from a pipe\r\n");
      await bob.type("/msg dan psst\n");
      await dan.shows("<guest2 to you> psst\n");

      // Nobody heard themselves, nor what was for another.
      assertEquals(/vu/.test(ada.text.split("déjà").join("")), false);
      assertEquals(ada.text.includes("psst") || cid.text.includes("psst"), false);
      assertEquals(await dan.end(), 0);
      await ada.shows("* dan left\r\n");
    });
  },
);

processTestUnless(
  missingProgram("nc"),
  "nc -N says what it is given, without a last line end, and gets what is for it before the end",
  async () => {
    await withServer(async ({ port }) => {
      await using ada = nc("-C", "127.0.0.1", port);
      await ada.shows("you are guest1");
      await using script = nc("-N", "127.0.0.1", port);
      await script.type("one\n/who\nlast words");
      assertEquals(await script.end(), 0);
      assertEquals(
        script.text,
        "* you are guest2, one of 2 here; /help lists the commands\r\n* 2 here: guest1, guest2\r\n",
      );
      await ada.shows("<guest2> one\r\n<guest2> last words\r\n* guest2 left\r\n");
    });
  },
);

processTestUnless(
  missingProgram("nc"),
  "nc -C clients of a raw room read each other's lines and nothing else",
  async () => {
    await withServer(async ({ port, joined }) => {
      await using ada = nc("-C", "127.0.0.1", port);
      await using bob = nc("-C", "127.0.0.1", port);
      await joined(2);
      await bob.type("/who\n");
      await ada.shows("/who\r\n");
      await ada.type("\x1b[1mhello\n");
      await bob.shows("\x1b[1mhello\r\n");
      assertEquals([ada.text, bob.text], ["/who\r\n", "\x1b[1mhello\r\n"]);
    }, { raw: true });
  },
);

processTestUnless(missingProgram("ncat"), "ncat and ncat -C talk to each other", async () => {
  await withServer(async ({ port }) => {
    await using ada = new Talker("ncat", ["127.0.0.1", port]);
    await ada.shows("you are guest1");
    await using bob = new Talker("ncat", ["-C", "127.0.0.1", port]);
    await ada.shows("* guest2 joined\r\n");
    await ada.type("hello\n");
    await bob.shows("<guest1> hello\r\n");
    await bob.type("/me waves\n");
    await ada.shows("* <guest2> waves\r\n");
    await bob.end();
    await ada.shows("* guest2 left\r\n");
  });
});

processTestUnless(missingProgram("telnet"), "telnet talks, without its negotiation", async () => {
  await withServer(async ({ port }) => {
    await using ada = nc("-C", "127.0.0.1", port);
    await ada.shows("you are guest1");
    await using bob = new Talker("telnet", ["127.0.0.1", port]);
    await ada.shows("* guest2 joined\r\n");
    await bob.type("hello\n");
    await ada.shows("<guest2> hello\r\n");
  });
});

processTestUnless(
  missingProgram("ncat"),
  "the chat client takes part in the chat of ncat",
  async () => {
    const port = freePort();
    await using ncat = new ServerProcess("ncat", ["-v", "--chat", "-l", "127.0.0.1", port]);
    await ncat.says(/Listening on/);
    await using ada = new Talker("ncat", ["127.0.0.1", port]);
    await ada.shows("already connected");
    const { code, stdout, stderr } = await run("clients/chat.ts", [`127.0.0.1:${port}`], {
      permissions: client.permissions,
      stdin: "hello",
    });
    assertEquals([code, stderr], [0, ""]);
    assertStringIncludes(stdout, "<announce> already connected: ");
    await ada.shows("hello");
  },
);

/** A port that was free a moment ago: ncat cannot be told to choose one and say which. */
function freePort(): string {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return `${listener.addr.port}`;
}

processTestUnless(
  missingProgram("script"),
  "the chat client on a terminal: typing, completion, and Ctrl-D",
  async () => {
    await withServer(async ({ port }) => {
      await using ada = nc("-C", "127.0.0.1", port);
      await ada.shows("you are guest1");
      const args = commandLine("clients/chat.ts", [`127.0.0.1:${port}`], client.permissions);
      const line = [Deno.execPath(), ...args].map((word) => `'${word}'`).join(" ");
      await using bob = new Talker("script", ["-qec", `stty cols 80; ${line}`, "/dev/null"], {
        env: { NO_COLOR: "1" },
      });
      const shows = (...rows: string[]): Promise<void> =>
        bob.until((text) => {
          const terminal = new TerminalRows(80);
          terminal.write(text);
          return terminal.text.join("\n").endsWith(`\n${rows.join("\n")}`);
        }, rows.join("\n"));
      await bob.shows("* you are guest2");
      await bob.type("half a li");
      await shows("> half a li|");
      await ada.type("hello\n");
      await shows("<guest1> hello", "> half a li|");
      await bob.type("ne\r");
      await ada.shows("<guest2> half a line\r\n");
      await bob.type("/msg g");
      await shows("> /msg g|");
      await bob.type("\t");
      await shows("> /msg guest1 |");
      await bob.type("psst\r");
      await ada.shows("<guest2 to you> psst\r\n");
      await bob.type("\x04");
      assertEquals(await bob.ended(), 0);
      await ada.shows("* guest2 left\r\n");
    });
  },
);
