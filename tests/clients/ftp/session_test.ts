import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { FtpError, LONGEST_FAREWELL } from "../../../clients/ftp/client.ts";
import { Failure } from "../../../tools/program/failure.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { LONGEST_REPLY } from "../../../tools/protocol/ftp_reply.ts";
import { Secret } from "../../../tools/protocol/secret.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { connect, FtpServer, type Script, session } from "../../support/ftp_script.ts";

const guest = { user: "guest", password: new Secret("secret") };

/** Logs in to a server that follows `script`, and returns what was sent. */
async function login(
  script: Script,
  welcome: string,
  account: Secret | undefined,
): Promise<string[]> {
  const server = new FtpServer(script, { welcome });
  using client = await connect(server);
  await client.login({ ...guest, account });
  return server.commands;
}

Deno.test("login goes as RFC 959 section 5.4 has it, and as servers have it", async () => {
  const cases: [script: Script, welcome: string, sent: string][] = [
    [{}, "220 ready", "USER guest,PASS secret,FEAT"],
    [{}, "220-many\r\n220-lines\r\n220 here", "USER guest,PASS secret,FEAT"],
    [{ USER: "230 come in" }, "220 ready", "USER guest,FEAT"],
    [{ USER: "232 come in" }, "220 ready", "USER guest,FEAT"],
    [{ PASS: "202 no need" }, "220 ready", "USER guest,PASS secret,FEAT"],
    [{}, "230 logged in already", "FEAT"],
    [{}, "120 ready in 1 minute\r\n220 ready", "USER guest,PASS secret,FEAT"],
    [
      { PASS: "332 account?", ACCT: "230 ok" },
      "220 ready",
      "USER guest,PASS secret,ACCT money,FEAT",
    ],
    [{ USER: "332 account?", ACCT: "230 ok" }, "220 ready", "USER guest,ACCT money,FEAT"],
  ];
  for (const [script, welcome, sent] of cases) {
    assertEquals((await login(script, welcome, new Secret("money"))).join(), sent);
  }
});

Deno.test("login fails with the server's words, and the session goes on", async () => {
  const server = new FtpServer({
    USER: ["331 password", "530 no", "331 password"],
    PASS: ["530 \x1b[1mwrong", "332 account?"],
  });
  using client = await connect(server);
  const wrong = await assertRejects(() => client.login(guest), FtpError, "530 \\x1b[1mwrong");
  assertEquals([wrong.code, wrong.exitCode], [530, 1]);
  await assertRejects(() => client.login(guest), FtpError, "530 no");
  assertEquals((await assertRejects(() => client.login(guest), FtpError)).code, 332);
  assertEquals(client.closed, undefined);
});

Deno.test("a server that does not let us in is no session", async () => {
  const cases: [welcome: string, message: string, exitCode: number][] = [
    ["421 too many", "421 too many", 5],
    ["530 not you", "530 not you", 1],
    ["421-too\r\n421 many users", "421 too many users", 5],
  ];
  for (const [welcome, message, exitCode] of cases) {
    const error = await assertRejects(
      () => connect(new FtpServer({}, { welcome })),
      FtpError,
      message,
    );
    assertEquals(error.exitCode, exitCode);
  }
  await assertRejects(
    () => connect(new FtpServer({}, { welcome: "SSH-2.0-OpenSSH_9" })),
    ProtocolError,
    "not an FTP reply: SSH-2.0",
  );
  await assertRejects(
    () => connect(new FtpServer({}, { welcome: (_, server) => server.control.close() })),
    Failure,
    "closed the connection",
  );
});

Deno.test("of a long refusal the beginning is told", async () => {
  const { client } = await session({ CWD: `550-${"no ".repeat(200)}\r\n550 never` });
  const { message, reply } = await assertRejects(() => client.cd("x"), FtpError);
  assertEquals([message.length, reply.text.endsWith("never")], [404, true]);
  client.close();
});

Deno.test("passwords and accounts are in no trace and no error", async () => {
  const server = new FtpServer({ PASS: "332 account?", ACCT: "230 ok" });
  const shown: string[] = [];
  const trace = {
    shown: true,
    sent: (line: string) => shown.push(`> ${line}`),
    received: (line: string) => shown.push(`< ${line}`),
    note: (line: string) => shown.push(`* ${line}`),
  };
  using client = await connect(server, { trace: trace as never });
  await client.login({ ...guest, account: new Secret("money") });
  await client.quote("PASS again");
  assertEquals(shown.filter((line) => line.startsWith(">")), [
    "> USER guest",
    "> PASS ***",
    "> ACCT ***",
    "> FEAT",
    "> PASS ***",
  ]);
  assert(!shown.join().match(/secret|money|again/));
  const password = new Secret("sec\r\nret");
  const { message } = await assertRejects(() => client.login({ user: "u", password }), RangeError);
  assert(!message.includes("ret"), message);
  assertEquals(server.commands.at(-1), "PASS again");
});

Deno.test("replies are the same however they arrive: byte by byte, in one piece, with others", async () => {
  for (const most of [1, 2, 7, undefined]) {
    const { client } = await session({
      STAT: "211-\u00fcn\u00ef\r\n 212 not yet\r\n\r\n211 end",
      PWD: '257 "/\u00fc"',
    }, most === undefined ? {} : { most });
    assertEquals((await client.stat()).text, "\u00fcn\u00ef\n 212 not yet\n\nend");
    assertEquals(await client.pwd(), "/\u00fc");
    client.close();
  }
});

Deno.test("a reply may be long, but not for ever", async () => {
  const line = `211-${"x".repeat(1000)}\r\n`;
  const { client } = await session({
    STAT: [`${line.repeat(60)}211 end`, `${line.repeat(70)}211 end`],
  });
  assertEquals((await client.stat()).lines.length, 61);
  await assertRejects(() => client.stat(), ProtocolError, `longer than`);
  assertStringIncludes(String(client.closed), "longer than");

  const endless = await session({ STAT: "x".repeat(LONGEST_REPLY + 1) });
  await assertRejects(() => endless.client.stat(), ProtocolError, "longer than");
});

Deno.test("features are asked for after the login, and where they cannot be told there are none", async () => {
  const script = { FEAT: ["530 log in first", "211-Here\r\n MDTM\r\n rest STREAM\r\n211 end"] };
  const server = new FtpServer(script);
  using client = await connect(server);
  assertEquals([...await client.features()], []);
  await client.login(guest);
  assertEquals([...await client.features()], [["MDTM", ""], ["REST", "STREAM"]]);
  assertEquals(server.commands, ["FEAT", "USER guest", "PASS secret", "FEAT"]);
  for (const FEAT of ["500 what", "502 no", "530 no", "211 no features"]) {
    const { client } = await session({ FEAT });
    assertEquals([...await client.features()], []);
    client.close();
  }
});

Deno.test("UTF-8 is agreed on where the server offers it and names are in UTF-8", async () => {
  const script = { FEAT: "211-Here\r\n UTF8\r\n211 end", OPTS: "501 what", CWD: "250 ok" };
  assertEquals((await login(script, "220 ready", undefined)).slice(-2), ["FEAT", "OPTS UTF8 ON"]);
  const server = new FtpServer({ ...script, PWD: '257 "/\xfc"' });
  using client = await connect(server, { encoding: "latin1" });
  await client.login(guest);
  assertEquals(server.commands.at(-1), "FEAT");
  await client.cd("\u00fc\u20ac");
  assertEquals(server.commands.at(-1), "CWD \xfc\x80");
  await assertRejects(() => client.cd("\u0434"), RangeError, "not in windows-1252");
  assertEquals(client.closed, undefined);
});

Deno.test("one command runs at a time", async () => {
  const { client } = await session({ PWD: '257 "/"' });
  const first = client.pwd();
  await assertRejects(() => client.noop(), Error, "NOOP was called while PWD runs");
  assertEquals(await first, "/");
  await client.noop();
  client.close();
});

Deno.test("421 ends the session at any time", async () => {
  const { client, server } = await session({ CWD: "421 shutting down" });
  const error = await assertRejects(() => client.cd("x"), FtpError, "421 shutting down");
  assertEquals(error.exitCode, 5);
  const later = await assertRejects(
    () => client.pwd(),
    Failure,
    "not connected: 421 shutting down",
  );
  assertEquals(later.exitCode, 3);
  assertEquals(server.commands, ["CWD x"]);

  const idle = await session();
  await idle.server.say("421 you did nothing");
  await assertRejects(() => idle.client.noop(), FtpError, "421 you did nothing");
  assert(idle.client.closed);
});

Deno.test("a connection that ends or breaks ends the session, and says so from then on", async () => {
  const { client } = await session({ CWD: (_, server) => server.control.close() });
  await assertRejects(() => client.cd("x"), Failure, "the server closed the connection");
  await assertRejects(() => client.cd("x"), Failure, "not connected: the server closed");

  const reset = await session({ CWD: (_, server) => server.control.reset() });
  await assertRejects(() => reset.client.cd("x"), Deno.errors.ConnectionReset);

  const cut = await session({
    CWD: async (_, server) => {
      await server.say("250-half a reply");
      server.control.close();
    },
  });
  await assertRejects(() => cut.client.cd("x"), Failure, "the server closed the connection");

  const closed = await session({ PWD: (_, server) => void server });
  const pending = closed.client.pwd();
  closed.client.close();
  await assertRejects(() => pending, Failure, "the session was closed");
});

Deno.test("a server that says nothing is given up", async () => {
  using time = new FakeTime();
  const { client } = await session({ PWD: () => {} });
  const pending = assertRejects(() => client.pwd(), Deno.errors.TimedOut);
  await time.tick(29_000);
  assertEquals(client.closed, undefined);
  await time.tick(2_000);
  await pending;
  assert(client.closed instanceof Deno.errors.TimedOut);
  const silent = new FtpServer({}, { welcome: () => {} });
  const connecting = assertRejects(() => connect(silent), Deno.errors.TimedOut);
  await time.tick(31_000);
  await connecting;
});

Deno.test("a dial that takes too long is given up", async () => {
  using time = new FakeTime();
  const server = new FtpServer();
  const dialling = connect(server, {
    dial: (_host, _port, signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  });
  const failed = assertRejects(() => dialling, Deno.errors.TimedOut);
  await time.tick(31_000);
  await failed;
});

Deno.test("quit does not wait for long", async () => {
  using time = new FakeTime();
  const { client } = await session({ QUIT: () => {} });
  const quitting = client.quit();
  await time.tick(LONGEST_FAREWELL - 1);
  assertEquals(client.closed, undefined);
  await time.tick(1);
  await quitting;
  assert(client.closed);
});

Deno.test("quit says goodbye, and takes what comes for an answer", async () => {
  for (
    const QUIT of ["221 bye", "500 what", (_: string, server: FtpServer) => server.control.close()]
  ) {
    const { client, server } = await session({ QUIT });
    await client.quit();
    assert(client.closed);
    await client.quit();
    assertEquals(server.commands, ["QUIT"]);
    await server.finished();
  }
});
