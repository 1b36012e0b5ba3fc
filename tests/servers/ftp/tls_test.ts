/** TLS of the FTP server: on control and data, required, implicit, resumed, renewed. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { RenewedIdentity } from "../../../servers/ftp/renewal.ts";
import { type FtpTls, TIMEOUTS } from "../../../servers/ftp/settings.ts";
import { tlsClient, type TlsStream } from "../../../tools/net/tls.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { parseExtendedPassive } from "../../../tools/protocol/ftp_address.ts";
import { FtpControl, ftpTest, TestLog } from "../../support/ftp_server.ts";
import { SERVER, STRANGER } from "../../support/identities.ts";
import { testWith } from "../../support/permissions.ts";
import { bytes, readText } from "../../support/stream.ts";

const TLS: FtpTls = { identity: () => SERVER, implicit: false, required: undefined, reuse: false };

const trusting = { host: "server.test", insecure: true };

/** A client whose control connection has TLS, from the first byte on or by AUTH TLS. */
class TlsControl extends FtpControl {
  constructor(readonly stream: TlsStream) {
    super(stream);
  }

  static async connect(port: number, implicit = false): Promise<TlsControl> {
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    if (!implicit) {
      const plain = new FtpControl(conn);
      assertMatch(await plain.reply(), /^220 /);
      assertMatch(await plain.ask("AUTH TLS"), /^234 /);
    }
    const control = new TlsControl(await tlsClient(conn, trusting));
    if (implicit) assertMatch(await control.reply(), /^220 /);
    return control;
  }

  async protectedData(resume: boolean): Promise<[Deno.TcpConn, Promise<TlsStream>]> {
    const port = parseExtendedPassive(await this.ask("EPSV"));
    const conn = await Deno.connect({ hostname: "127.0.0.1", port });
    const session = resume ? this.stream.session() : undefined;
    return [conn, tlsClient(conn, { ...trusting, session })];
  }

  /** Fetches by a protected data connection; the last reply stands in place of what was not sent. */
  async fetchProtected(line: string, resume = true): Promise<string> {
    const [conn, handshake] = await this.protectedData(resume);
    handshake.catch(() => {});
    try {
      const first = await this.ask(line);
      if (!first.startsWith("150 ")) return first;
      const data = await handshake.catch(() => undefined);
      const text = data ? await readText(data).catch(() => "") : "";
      data?.close();
      const last = await this.reply();
      return last.startsWith("226 ") ? text : last;
    } finally {
      try {
        conn.close();
      } catch {
        // TLS closed it.
      }
    }
  }

  override close(): void {
    this.stream.close();
  }
}

/** Waits for the end of the conversation, so that nothing is open after the test. */
async function leave(client: TlsControl): Promise<void> {
  assertMatch(await client.ask("QUIT"), /^221 /);
  assertEquals(await client.reply(), "");
  client.close();
}

ftpTest("TLS on control and data", async ({ port, connect, root }) => {
  assertMatch(await (await connect()).ask("FEAT"), / AUTH TLS\n[^]* PBSZ\n[^]* PROT\n/);
  const client = await TlsControl.connect(port);
  assertEquals(await client.codes("USER ftp", "PASS x", "TYPE I"), [331, 230, 200]);
  assertEquals(await client.ask("PBSZ 0"), "200 PBSZ=0");
  assertEquals(await client.ask("PBSZ 16384"), "200 PBSZ=0");
  assertEquals(await client.codes("PBSZ x", "PBSZ -1"), [501, 501]);
  assertEquals(await client.codes("PROT E", "PROT X", "PROT C", "PROT P"), [536, 504, 200, 200]);
  assertEquals(await client.fetchProtected("RETR hello"), "hello\n");
  assertMatch(await client.fetchProtected("LIST"), / hello\r\n/);
  const [, handshake] = await client.protectedData(true);
  assertMatch(await client.ask("STOR new"), /^150 /);
  const data = await handshake;
  await writeAll(data, bytes("news"));
  data.close();
  assertMatch(await client.reply(), /^226 /);
  assertEquals(Deno.readTextFileSync(`${root}/new`), "news");
  assertMatch(await client.ask("STAT"), /by TLSv1\.3[^]*PROT P/);
  assertEquals(await client.codes("AUTH TLS"), [503]);
  await leave(client);
}, { tls: TLS });

ftpTest("an upload that ends without the farewell of TLS is not whole", async (served) => {
  const client = await TlsControl.connect(served.port);
  assertEquals(await client.codes("USER ftp", "PASS x", "PBSZ 0", "PROT P"), [331, 230, 200, 200]);
  const [conn, handshake] = await client.protectedData(true);
  assertMatch(await client.ask("STOR new"), /^150 /);
  const data = await handshake;
  await writeAll(data, bytes("half"));
  while (!/: 4 bytes so far/.test(await client.ask("STAT")));
  conn.close(); // Anybody on the way could do that.
  assertMatch(await client.reply(), /^426 /);
  data.close();
  assertEquals(served.names(), [".hidden", "hello", "sub"]);
  await leave(client);
}, { tls: TLS });

ftpTest(
  "PBSZ and PROT come before the login too; REIN takes the protection of data back",
  async (served) => {
    const client = await TlsControl.connect(served.port);
    const begin = ["PBSZ 0", "PROT P", "USER ftp", "PASS x"];
    assertEquals(await client.codes(...begin), [200, 200, 331, 230]);
    assertEquals(await client.fetchProtected("RETR hello"), "hello\r\n");
    assertEquals(await client.codes("REIN", "AUTH TLS"), [220, 503]);
    assertMatch(await client.ask("STAT"), /by TLSv1\.3[^]*PROT C/);
    assertEquals(await client.codes(...begin), [200, 200, 331, 230]);
    assertEquals(await client.fetchProtected("RETR hello"), "hello\r\n");
    await leave(client);
  },
  { tls: TLS },
);

ftpTest("who sends too much by TLS hears so, and keeps nothing here", async (served) => {
  const client = await TlsControl.connect(served.port);
  assertEquals(await client.codes("USER ftp", "PASS x", "PBSZ 0", "PROT P"), [331, 230, 200, 200]);
  const [, handshake] = await client.protectedData(true);
  assertMatch(await client.ask("STOR new"), /^150 /);
  const data = await handshake;
  await writeAll(data, new Uint8Array(3_000_000));
  await data.closeWrite();
  assertMatch(await client.reply(), /^552 The file is larger/);
  data.close();
  assertEquals(served.names(), [".hidden", "hello", "sub"]);
  await leave(client);
}, { tls: TLS, maxFileSize: 1000 });

ftpTest("ABOR ends a transfer by TLS", async ({ port, root, names }) => {
  await Deno.writeTextFile(`${root}/large`, "");
  await Deno.truncate(`${root}/large`, 64 * 1024 * 1024);
  const client = await TlsControl.connect(port);
  assertEquals(await client.codes("USER ftp", "PASS x", "PBSZ 0", "PROT P"), [331, 230, 200, 200]);
  for (const line of ["RETR large", "STOR new"]) {
    const [, handshake] = await client.protectedData(true);
    assertMatch(await client.ask(line), /^150 /);
    const data = await handshake;
    if (line.startsWith("STOR")) await writeAll(data, bytes("half"));
    else assert(await data.read(new Uint8Array(1000)));
    assertMatch(await client.ask("ABOR"), /^426 /);
    assertMatch(await client.reply(), /^226 /);
    data.close();
  }
  assertEquals(await client.fetchProtected("RETR hello"), "hello\r\n");
  assertEquals(names(), [".hidden", "hello", "large", "sub"]);
  await leave(client);
}, { tls: TLS });

ftpTest("a data connection on which no TLS begins in time is 425", async ({ port }) => {
  const client = await TlsControl.connect(port);
  assertEquals(await client.codes("USER ftp", "PASS x", "PBSZ 0", "PROT P"), [331, 230, 200, 200]);
  using _data = await client.data();
  assertMatch(await client.ask("RETR hello"), /^150 /);
  assertMatch(await client.reply(), /^42[56] /);
  assertEquals(await client.codes("NOOP"), [200]);
  await leave(client);
}, { tls: TLS, timeouts: { ...TIMEOUTS, accept: 200 } });

ftpTest("AUTH takes TLS and SSL, and nothing that follows in clear", async ({ connect }) => {
  const client = await connect();
  assertEquals(await client.codes("AUTH KERBEROS", "PBSZ 0", "PROT P"), [504, 503, 503]);
  assertEquals(await client.codes("AUTH ssl"), [234]);
  const other = await connect();
  await other.raw("AUTH TLS\r\nUSER ftp\r\n");
  assertMatch(await other.reply(), /^503 Nothing may follow AUTH/);
  assertEquals(await other.reply(), "");
  const late = await connect();
  assertEquals(await late.codes("USER ftp", "PASS x", "AUTH TLS"), [331, 230, 503]);
}, { tls: TLS });

ftpTest("a client that speaks no TLS after AUTH is logged and left", async ({ connect, log }) => {
  const client = await connect();
  assertEquals(await client.codes("AUTH TLS"), [234]);
  await client.raw("USER ftp\r\n");
  await log.says(/failed peer=127\.0\.0\.1 reason="TLS: /);
}, { tls: TLS });

ftpTest("nothing goes in clear where TLS is required", async ({ port, connect }) => {
  const plain = await connect();
  assertEquals(await plain.codes("USER ftp", "PASS x", "FEAT"), [530, 503, 211]);
  const client = await TlsControl.connect(port);
  assertEquals(await client.codes("USER ftp", "PASS x"), [331, 230]);
  assertEquals(await client.codes("EPSV", "LIST", "PROT C", "LIST"), [229, 521, 534, 521]);
  assertEquals(await client.codes("PBSZ 0", "PROT P"), [200, 200]);
  assertMatch(await client.fetchProtected("NLST"), /hello\r\n/);
  await leave(client);
}, { tls: { ...TLS, required: "all" } });

ftpTest("data may go in clear where TLS is required to log in", async ({ port, connect }) => {
  const plain = await connect();
  assertEquals(await plain.codes("USER ftp", "PASS x"), [530, 503]);
  const client = await TlsControl.connect(port);
  assertEquals(await client.codes("USER ftp", "PASS x"), [331, 230]);
  assertEquals(await client.fetch("RETR hello"), "hello\r\n");
  assertEquals(await client.codes("PBSZ 0", "PROT P"), [200, 200]);
  assertEquals(await client.fetchProtected("RETR hello"), "hello\r\n");
  assertEquals(await client.codes("PROT C"), [200]);
  assertEquals(await client.fetch("RETR hello"), "hello\r\n");
  await leave(client);
}, { tls: { ...TLS, required: "login" } });

ftpTest("a data connection must resume the session where that is required", async ({ port }) => {
  const client = await TlsControl.connect(port);
  assertEquals(await client.codes("USER ftp", "PASS x", "PBSZ 0", "PROT P"), [331, 230, 200, 200]);
  for (let i = 0; i < 3; i++) {
    assertEquals(await client.fetchProtected("RETR hello"), "hello\r\n");
    assertMatch(await client.fetchProtected("RETR hello", false), /^522 .*resume/);
  }
  await leave(client);
}, { tls: { ...TLS, reuse: true } });

ftpTest("implicit TLS begins with the first byte", async ({ port }) => {
  const client = await TlsControl.connect(port, true);
  assertEquals(await client.codes("USER ftp", "PASS x", "PBSZ 0", "PROT P"), [331, 230, 200, 200]);
  assertEquals(await client.fetchProtected("RETR hello"), "hello\r\n");
  await leave(client);
}, { tls: { ...TLS, implicit: true } });

testWith(
  ["read", "write", "run"],
  "ftpd: SIGHUP renews the certificate, if the new one is good",
  async () => {
    const folder = await Deno.makeTempDir();
    const log = new TestLog();
    // A signal that is waited for keeps no program running.
    const running = setInterval(() => {}, 1000);
    const [cert, key] = [`${folder}/cert.pem`, `${folder}/key.pem`];
    const write = (identity: typeof SERVER): void => {
      Deno.writeTextFileSync(cert, identity.cert);
      Deno.writeTextFileSync(key, identity.key);
    };
    try {
      write(SERVER);
      using renewed = await RenewedIdentity.read(cert, key, log.log);
      assertEquals(renewed.current, SERVER);
      write({ ...STRANGER, key: SERVER.key });
      Deno.kill(Deno.pid, "SIGHUP");
      await log.says(/the certificate stays as it was: .*not the key of the certificate/);
      assertEquals(renewed.current, SERVER);
      write(STRANGER);
      Deno.kill(Deno.pid, "SIGHUP");
      await log.says(/the certificate is renewed/);
      assertEquals(renewed.current, STRANGER);
    } finally {
      clearInterval(running);
      await Deno.remove(folder, { recursive: true });
    }
  },
);
