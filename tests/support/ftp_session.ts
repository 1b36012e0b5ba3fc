/** A session of the FTP server in memory, with a clock that the test moves. */
import { assertEquals, assertMatch } from "@std/assert";
import { BY_VERB } from "../../servers/ftp/commands.ts";
import { Folders, LoginGuard } from "../../servers/ftp/login.ts";
import { type Ends, FtpSession } from "../../servers/ftp/session.ts";
import type { FtpService } from "../../servers/ftp/service.ts";
import type { DataConn, FtpSettings } from "../../servers/ftp/settings.ts";
import { ConnectionCount } from "../../tools/net/limits.ts";
import type { ByteStream } from "../../tools/net/stream.ts";
import { parseUser } from "../../tools/protocol/users.ts";
import { FakeTime } from "./fake_time.ts";
import { FtpControl, ftpOptions, TestLog } from "./ftp_server.ts";
import { testWith } from "./permissions.ts";
import { streamPair, type TestStream } from "./stream.ts";

/** A session with a client. */
export interface InMemory {
  client: FtpControl;
  session: FtpSession;
  time: FakeTime;
  /** The served folder, with `file` of 100 bytes in it. */
  root: string;
  /** The client's end of the control connection. */
  stream: TestStream;
  /** Gives the server its next data connection; returns the client's end. */
  dataConnection(): TestStream;
  /** Gives the server a data connection that takes and brings nothing; resolves when it has begun to wait for it. */
  stalledConnection(): Promise<void>;
  /** What the server did: `reply CODE`, `listen ADDRESS`, `listener closed`, `data closed`. */
  events: string[];
  ended: Promise<void>;
  log: TestLog;
}

/** How the session is set up. */
export interface InMemoryOptions extends Partial<FtpSettings> {
  /** Log in as anonymous first. */
  login?: boolean;
  ends?: Ends;
  /** A reply of this code cannot be sent: the client is gone, which reading has not shown yet. */
  breaksAt?: number;
}

/** A stream on which nothing moves until it is closed; `onWait` is called when that begins. */
export function stalledStream(onWait = (): void => {}): ByteStream {
  const closed = Promise.withResolvers<never>();
  closed.promise.catch(() => {});
  const wait = (): Promise<never> => {
    onWait();
    return closed.promise;
  };
  return {
    read: wait,
    write: wait,
    closeWrite: () => closed.promise,
    close: () => closed.reject(new Deno.errors.Interrupted("closed")),
  };
}

/** A test with a session, which is over at its end. */
export function sessionTest(
  name: string,
  fn: (place: InMemory) => Promise<void>,
  { login = true, ends = { peer: "127.0.0.1", local: "127.0.0.1" }, breaksAt, ...settings }:
    InMemoryOptions = {},
): void {
  testWith(["read", "write"], `ftpd session: ${name}`, async () => {
    const root = await Deno.makeTempDir();
    await Deno.writeFile(`${root}/file`, new Uint8Array(100));
    using time = new FakeTime();
    const log = new TestLog();
    const events: string[] = [];
    const [server, stream] = streamPair();
    let give = (_: DataConn): void => {};
    const service: FtpService = {
      ...ftpOptions(root, log.log),
      users: [parseUser("ada:secret")],
      ...settings,
      guard: new LoginGuard(),
      folders: new Folders(),
      sessions: new ConnectionCount({ maxConnections: Infinity, maxPerAddress: Infinity }),
      network: {
        listen(host): { accept(): Promise<DataConn>; close(): void } {
          events.push(`listen ${host}`);
          const { promise, resolve, reject } = Promise.withResolvers<DataConn>();
          promise.catch(() => {});
          give = resolve;
          return {
            accept: () => promise,
            close(): void {
              events.push("listener closed");
              reject(new Deno.errors.BadResource("closed"));
            },
          };
        },
        // A client that is not there, and no system that says so.
        dial: (_host, _port, signal) =>
          new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      },
    };
    const connect = (conn: ByteStream): void =>
      give({
        ...conn,
        close(): void {
          events.push("data closed");
          conn.close();
        },
        remoteAddr: { transport: "tcp", hostname: ends.peer, port: 1 },
        setNoDelay: () => {},
      });
    const session = new FtpSession(
      {
        ...server,
        write(data): Promise<number> {
          const code = new TextDecoder().decode(data.subarray(0, 3));
          events.push(`reply ${code}`);
          if (code !== `${breaksAt}`) return server.write(data);
          return Promise.reject(new Deno.errors.ConnectionReset("reset"));
        },
      },
      ends,
      service,
      BY_VERB,
    );
    const ended = session.run();
    const client = new FtpControl(stream);
    try {
      assertMatch(await client.reply(), /^220 /);
      if (login) assertEquals(await client.codes("USER ftp", "PASS x", "TYPE I"), [331, 230, 200]);
      await fn({
        client,
        session,
        time,
        root,
        stream,
        dataConnection(): TestStream {
          const [ours, theirs] = streamPair();
          connect(ours);
          return theirs;
        },
        stalledConnection: () => new Promise((resolve) => connect(stalledStream(resolve))),
        events,
        ended,
        log,
      });
    } finally {
      stream.close();
      await time.tick(10_000);
      await ended;
      await Deno.remove(root, { recursive: true });
    }
  });
}
