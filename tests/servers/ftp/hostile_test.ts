/** What nobody in their right mind sends to an FTP server. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import fc from "fast-check";
import { COMMANDS } from "../../../servers/ftp/commands.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { type FtpControl, ftpTest } from "../../support/ftp_server.ts";
import { connectResettable } from "../../support/resettable.ts";

const VERBS = COMMANDS.flatMap(({ verbs }) => verbs).filter((verb) => !/QUIT|REIN/.test(verb));

/** Arguments: names, numbers, addresses, globs, options, text in any writing, and bytes that are none. */
const ARGUMENT = fc.oneof(
  fc.constantFrom(
    "hello",
    "sub",
    "..",
    "/",
    "-la",
    "*",
    "[a",
    "**/*",
    "|||1|",
    "1,2,3,4,5,6",
    "ALL",
  ),
  fc.constantFrom(
    "CHMOD 777 hello",
    "UTIME 20010101000000 hello",
    "MLST ;;;",
    "HASH x",
    "~",
    "%00",
  ),
  fc.integer().map(String),
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.string({ unit: fc.constantFrom("*", "?", "[", "]", "\\", "/", "."), maxLength: 300 }),
).map((text) => new TextEncoder().encode(text.replace(/[\n]/g, "")));

const LINE = fc.record({
  verb: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...VERBS) }, {
    weight: 1,
    arbitrary: fc.string({ unit: "grapheme", maxLength: 20 }).map((word) =>
      word.replace(/\s/g, "")
    ),
  }),
  argument: fc.oneof(
    ARGUMENT,
    fc.uint8Array({ maxLength: 300 }).map((data) => data.filter((byte) => byte !== 10)),
  ),
});

/** Whether `reply` is one of FTP, its last line like its first. */
function isReply(reply: string): boolean {
  const lines = reply.split("\n");
  const [, code = "", sign] = /^([1-5]\d\d)([ -])/.exec(reply) ?? [];
  return lines.length === 1
    ? sign === " "
    : sign === "-" && `${lines.at(-1)}`.startsWith(`${code} `);
}

ftpTest("whatever is asked is answered, once, and the session goes on", async (served) => {
  const client = await served.login();
  await fc.assert(
    fc.asyncProperty(LINE, async ({ verb, argument }) => {
      const line = new Uint8Array([...new TextEncoder().encode(`${verb} `), ...argument, 13, 10]);
      await client.raw(line);
      const reply = await client.reply();
      assert(isReply(reply), `${JSON.stringify(new TextDecoder().decode(line))} gives ${reply}`);
      assertEquals(/\p{Cc}/u.test(reply.replace(/[\t\n]/g, "")), false);
      assert(!reply.includes(served.outside), reply);
      // After an EPSV or a PORT: it waits for the data.
      if (reply.startsWith("150 ")) {
        assertMatch(await client.ask("ABOR"), /^426 /);
        assertMatch(await client.reply(), /^226 /);
      }
      // One reply, not two.
      assertMatch(await client.ask("CWD /"), /^250 "\/" /);
    }),
    { numRuns: 1000 },
  );
  assertEquals(/failed/.test(served.log.text), false, served.log.text.slice(-2000));
  assertEquals([...Deno.readDirSync(served.outside)].map(({ name }) => name), ["served"]);
});

ftpTest("bytes that are no commands harm nobody", async ({ connect, login, log }) => {
  const bystander = await login();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 2000 }), async (data) => {
      const client: FtpControl = await connect();
      await client.raw(data);
      await client.end();
      for (let reply; (reply = await client.reply()) !== "";) assert(isReply(reply), reply);
      client.close();
      assertEquals(await bystander.codes("NOOP"), [200]);
    }),
    { numRuns: 100 },
  );
  assertEquals(/failed/.test(log.text), false, log.text.slice(-2000));
});

ftpTest(
  "a client of another protocol, or a handshake of TLS in clear, gets nothing",
  async (served) => {
    const hello = Uint8Array.of(22, 3, 1, 0, 5, 1, 0, 0, 1, 0);
    const ssh = new TextEncoder().encode("SSH-2.0-OpenSSH_9.2\r\n");
    for (const data of [hello, ssh]) {
      const client = await served.connect();
      await client.raw(data);
      await client.end();
      assertMatch(await client.reply(), /^500 /);
      assertEquals(await client.reply(), "");
    }
  },
);

ftpTest("a patterned listing costs no more than its folder", async ({ login, root }) => {
  await Deno.writeTextFile(`${root}/${"a".repeat(250)}`, "");
  const client = await login();
  // What takes exponential time where patterns are made into regular expressions.
  assertEquals(await client.fetch(`NLST ${"*a".repeat(120)}*b`), "");
  assertMatch(await client.fetch(`NLST ${"*a".repeat(120)}*`), /^a+\r\n$/);
});

ftpTest(
  "a control connection that goes after PORT, PASV or a command leaves nobody waiting",
  async (served) => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    for (const line of [`EPRT |1|127.0.0.1|${listener.addr.port}|`, "EPSV", "EPSV\r\nRETR hello"]) {
      for (const how of ["close", "reset"] as const) {
        const stream = await connectResettable(served.port);
        await writeAll(stream, new TextEncoder().encode(`USER ftp\r\nPASS x\r\n${line}\r\n`));
        await stream[how]();
      }
    }
    assertEquals(await (await served.login()).codes("NOOP"), [200]);
  },
);
