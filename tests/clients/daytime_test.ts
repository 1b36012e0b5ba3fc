/** The daytime client against scripted servers, and as its user meets it. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { askDaytime, command, type DaytimeQuery } from "../../clients/daytime.ts";
import { isGone } from "../../tools/net/errors.ts";
import { writeAll } from "../../tools/net/writer.ts";
import { Failure } from "../../tools/program/failure.ts";
import { LONGEST_LINE } from "../../tools/protocol/daytime.ts";
import { latin1Bytes } from "../../tools/protocol/text.ts";
import { FakeTime } from "../support/fake_time.ts";
import { netTest, processTest } from "../support/permissions.ts";
import { type Ended, run } from "../support/process.ts";

const LOOPBACK = "127.0.0.1";
const LINE = "Tuesday, February 22, 1982 17:37:43-PST";

/** A server for one client, to which it says what `serve` says; `await using` waits for its end. */
function tcpServer(
  serve: (conn: Deno.TcpConn) => Promise<unknown>,
): { port: number } & AsyncDisposable {
  const listener = Deno.listen({ hostname: LOOPBACK, port: 0 });
  const serving = (async (): Promise<void> => {
    using conn = await listener.accept();
    await serve(conn);
  })().catch((error) => {
    // A client that has seen enough closes first.
    if (!isGone(error)) throw error;
  });
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose](): Promise<void> {
      listener.close();
      await serving;
    },
  };
}

/** A UDP socket that is closed by `using`. */
function udpSocket(
  hostname = LOOPBACK,
  wanted = 0,
): Deno.DatagramConn & Disposable & { port: number } {
  const socket = Deno.listenDatagram({ transport: "udp", hostname, port: wanted });
  const { port } = socket.addr as Deno.NetAddr;
  return Object.assign(socket, { port, [Symbol.dispose]: () => socket.close() });
}

function ask(port: number, query: Partial<DaytimeQuery> = {}): Promise<string> {
  const standard = { host: LOOPBACK, udp: false, ipv4: false, ipv6: false, timeout: 5000 };
  return askDaytime({ ...standard, port, ...query });
}

/** What comes of a TCP server's answer. */
async function tcpAnswer(answer: string, end: "close" | "open" = "close"): Promise<string> {
  await using server = tcpServer(async (conn) => {
    await writeAll(conn, latin1Bytes(answer));
    if (end === "open") await conn.read(new Uint8Array(1));
  });
  return await ask(server.port);
}

/** What comes of a UDP server's answer. */
async function udpAnswer(answer: string): Promise<string> {
  using server = udpSocket();
  const asked = ask(server.port, { udp: true });
  const [data, peer] = await server.receive();
  assertEquals(data.length, 0);
  await server.send(latin1Bytes(answer), peer);
  return await asked;
}

/** The answers of servers, and what the client makes of them by TCP and UDP alike. */
const ANSWERS: [answer: string, shown: string][] = [
  [`${LINE}\r\n`, LINE],
  [`${LINE}\n`, LINE],
  [LINE, LINE], // The RFC asks for no line end.
  [
    `\n61000 26-11-25 12:00:00 00 0 0 123.4 UTC(NIST) * \n`,
    "61000 26-11-25 12:00:00 00 0 0 123.4 UTC(NIST) * ",
  ],
  ["\x1b]0;title\x07\x9b2J\tnow\r\n", "\\x1b]0;title\\x07\ufffd2J\\tnow"],
  ["a\0b\\r\n", "a\\x00b\\r"],
  ["caf\xc3\xa9 \xe2\x80\xae1982\r\n", "café \\u{202e}1982"],
  [`${"x".repeat(LONGEST_LINE - 2)}\r\n`, "x".repeat(LONGEST_LINE - 2)],
  ["x".repeat(LONGEST_LINE), "x".repeat(LONGEST_LINE)],
  ["one\r\ntwo\r\n", "one"],
  [`one\r\n${"x".repeat(LONGEST_LINE)}`, "one"],
];

netTest("askDaytime() returns the server's line, safe to show", async () => {
  for (const [answer, shown] of ANSWERS) {
    assertEquals(await tcpAnswer(answer), shown);
    assertEquals(await udpAnswer(answer), shown);
  }
});

netTest("askDaytime() does not wait for a server that has answered to close", async () => {
  assertEquals(await tcpAnswer(`${LINE}\r\n`, "open"), LINE);
  assertEquals(await tcpAnswer(`\r\n${LINE}\r\n`, "open"), LINE);
});

netTest("askDaytime() refuses an answer that is empty or too long", async () => {
  const long = "x".repeat(LONGEST_LINE + 1);
  for (
    const [answer, message] of [
      ["", "the answer is empty"],
      ["\r\n", "the answer is empty"],
      [long, `the answer is longer than ${LONGEST_LINE} bytes`],
      [long.repeat(100), `the answer is longer than ${LONGEST_LINE} bytes`],
    ] as const
  ) {
    for (const answered of [() => tcpAnswer(answer), () => udpAnswer(answer)]) {
      const failure = await assertRejects(answered, Failure, message);
      assertEquals(failure.exitCode, 1);
    }
  }
});

netTest("askDaytime() gives up on a server that is silent, by TCP and UDP", async () => {
  const timedOut = async (asked: Promise<string>, time: FakeTime): Promise<void> => {
    const rejected = assertRejects(() => asked, Failure, "no answer in time");
    await time.tick(4999);
    await time.tick(1);
    assertEquals((await rejected).exitCode, 3);
  };
  using time = new FakeTime();
  const accepted = Promise.withResolvers<void>();
  await using server = tcpServer(async (conn) => {
    await conn.write(latin1Bytes("Tue"));
    accepted.resolve();
    await conn.read(new Uint8Array(1));
  });
  const asked = ask(server.port);
  await accepted.promise;
  await timedOut(asked, time);

  using lossy = udpSocket();
  const lost = ask(lossy.port, { udp: true });
  await lossy.receive();
  await timedOut(lost, time);
});

netTest("askDaytime() does not wait where no datagram can leave", async () => {
  // Nothing can be sent to port 0, on any machine.
  const asked = ask(0, { udp: true });
  assertEquals((await assertRejects(() => asked, Failure, "there is no route")).exitCode, 3);
});

netTest("askDaytime() takes a datagram from the server it asked alone", async () => {
  using server = udpSocket();
  using stranger = udpSocket();
  using elsewhere = udpSocket("127.0.0.2", server.port);
  const asked = ask(server.port, { udp: true });
  const [, peer] = await server.receive();
  await stranger.send(latin1Bytes("from another port"), peer);
  await elsewhere.send(latin1Bytes("from another address"), peer);
  await server.send(latin1Bytes(LINE), peer);
  assertEquals(await asked, LINE);
});

netTest("askDaytime() knows an address in every way it can be written", async () => {
  let server;
  try {
    server = udpSocket("::1");
  } catch {
    return; // A machine without IPv6.
  }
  using socket = server;
  for (const host of ["::1", "0:0:0:0:0:0:0:1", "0::0001"]) {
    const asked = ask(socket.port, { udp: true, host });
    const [, peer] = await socket.receive();
    await socket.send(latin1Bytes(LINE), peer);
    assertEquals(await asked, LINE);
  }
  using old = udpSocket();
  const asked = ask(old.port, { udp: true, host: "::ffff:127.0.0.1" });
  const [, peer] = await old.receive();
  await old.send(latin1Bytes(LINE), peer);
  assertEquals(await asked, LINE);
});

function daytime(...args: string[]): Promise<Ended> {
  return run("clients/daytime.ts", args, { permissions: command.permissions });
}

processTest("daytime prints the answer", async () => {
  await using server = tcpServer((conn) => writeAll(conn, latin1Bytes(`${LINE}\r\n`)));
  assertEquals(await daytime(`localhost:${server.port}`, "-4"), {
    code: 0,
    stdout: `${LINE}\n`,
    stderr: "",
  });
  using socket = udpSocket();
  const asked = daytime("-u", LOOPBACK, "--port", `${socket.port}`);
  const [, peer] = await socket.receive();
  await socket.send(latin1Bytes(LINE), peer);
  assertEquals(await asked, { code: 0, stdout: `${LINE}\n`, stderr: "" });
});

processTest("daytime: every mistake is one clear line and its exit code", async () => {
  const closed = Deno.listen({ hostname: LOOPBACK, port: 0 });
  const { port } = closed.addr;
  closed.close();
  using silent = Deno.listen({ hostname: LOOPBACK, port: 0 });
  using lossy = udpSocket();
  await using empty = tcpServer(() => Promise.resolve());
  const rows: [args: string[], code: number, line: RegExp][] = [
    [[], 2, /^daytime: too few words; usage: daytime HOST\[:PORT\] \[options\]/],
    [["a", "b"], 2, /^daytime: too many words/],
    [["--ucp", "a"], 2, /^daytime: unknown option --ucp; is it --udp\?/],
    [["a", "--port", "99999"], 2, /^daytime: --port 99999: a port is a number from 1 to 65535/],
    [["a:99999"], 2, /^daytime: "a:99999": a port is a number from 1 to 65535/],
    [["a b"], 2, /^daytime: "a b": give HOST, HOST:PORT or \[IPv6\]:PORT/],
    [["a", "--timeout", "0"], 2, /^daytime: --timeout 0: give a duration/],
    [["nosuch.invalid"], 3, /^daytime: nosuch\.invalid:13: no such host/],
    [["--udp", "nosuch.invalid"], 3, /^daytime: nosuch\.invalid:13: no such host/],
    [[`${LOOPBACK}:${port}`], 3, /^daytime: 127\.0\.0\.1:\d+: connection refused \(is a server/],
    [
      [`${LOOPBACK}:${silent.addr.port}`, "--timeout", "50ms"],
      3,
      /^daytime: 127\.0\.0\.1:\d+: no answer in time/,
    ],
    [
      [`${LOOPBACK}:${lossy.port}`, "--udp", "--timeout=50ms"],
      3,
      /^daytime: 127\.0\.0\.1:\d+: no answer in time/,
    ],
    [[`${LOOPBACK}:${empty.port}`], 1, /^daytime: 127\.0\.0\.1:\d+: the answer is empty/],
  ];
  for (const [args, code, line] of rows) {
    const ended = await daytime(...args);
    assertMatch(ended.stderr, line);
    assertEquals([ended.code, ended.stdout, ended.stderr.trimEnd().split("\n").length], [
      code,
      "",
      1,
    ]);
  }
});
