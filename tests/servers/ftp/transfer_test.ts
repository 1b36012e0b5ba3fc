/** Transfers of the FTP server: what arrives, what is left, what is said. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { type FtpControl, ftpTest, type Served } from "../../support/ftp_server.ts";
import { readText } from "../../support/stream.ts";
import { writeAll } from "../../../tools/net/writer.ts";

/** Larger than what sockets hold, so that a transfer of it does not end by itself. */
const LARGE = 64 * 1024 * 1024;

async function makeLarge({ root }: Served): Promise<void> {
  using file = await Deno.open(`${root}/large`, { write: true, create: true });
  await file.truncate(LARGE);
}

const read = (path: string): string => Deno.readTextFileSync(path);

ftpTest("files of odd sizes come and go whole", async ({ login, root }) => {
  const client = await login();
  await client.codes("TYPE I");
  for (const size of [0, 1, 1023, 65536, 262143, 262144, 262145, 1_000_003]) {
    const text = "0123456789abcdef\n".repeat(size / 17 + 1).slice(0, size);
    assertMatch(await client.store("STOR file", text), /^226 /);
    assertEquals(read(`${root}/file`), text);
    assertEquals(await client.fetch("RETR file"), text);
  }
});

ftpTest("150 says the size of a download, last and in brackets", async ({ login }) => {
  const client = await login();
  await client.codes("TYPE I");
  using data = await client.data();
  assertMatch(await client.ask("RETR hello"), /^150 .* \(6 bytes\)\.$/);
  assertEquals(await readText(data), "hello\n");
  assertMatch(await client.reply(), /^226 /);
});

ftpTest("text has CRLF on the wire and LF here", async ({ login, root }) => {
  const client = await login();
  assertEquals(await client.fetch("RETR hello"), "hello\r\n");
  assertMatch(await client.store("STOR text", "a\r\nb\rc\r\n\r"), /^226 /);
  assertEquals(read(`${root}/text`), "a\nb\rc\n\r");
  assertEquals(await client.codes("REST 2"), [350]);
  assertMatch(await client.fetch("RETR hello"), /^501 /);
});

ftpTest(
  "text keeps its lines however it is cut into pieces, and CRLF is not doubled",
  async (served) => {
    const { login, root } = served;
    const client = await login();
    using data = await client.data();
    assertMatch(await client.ask("STOR text"), /^150 /);
    let sent = 0;
    for (const piece of ["a\r", "\nb\r", "\r", "\n", "c"]) {
      await writeAll(data, new TextEncoder().encode(piece));
      sent += piece.length;
      while (!(await client.ask("STAT")).includes(`: ${sent} bytes so far`));
    }
    await data.closeWrite();
    assertMatch(await client.reply(), /^226 /);
    assertEquals(read(`${root}/text`), "a\nb\r\nc");
    await Deno.writeTextFile(`${root}/dos`, "a\r\nb\n\r\n");
    assertEquals(await client.fetch("RETR dos"), "a\r\nb\r\n\r\n");
  },
);

ftpTest("an upload in active mode", async ({ login, root }) => {
  const client = await login();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assertEquals(await client.codes(`EPRT |1|127.0.0.1|${listener.addr.port}|`), [200]);
  assertMatch(await client.ask("STOR new"), /^150 /);
  using data = await listener.accept();
  await writeAll(data, new TextEncoder().encode("news"));
  await data.closeWrite();
  assertMatch(await client.reply(), /^226 /);
  assertEquals(read(`${root}/new`), "news");
});

ftpTest("files may be larger than 4 GiB", async ({ login, root }) => {
  const size = 5 * 2 ** 30;
  await Deno.writeTextFile(`${root}/huge`, "");
  await Deno.truncate(`${root}/huge`, size);
  const client = await login();
  await client.codes("TYPE I");
  assertEquals(await client.ask("SIZE huge"), `213 ${size}`);
  assertMatch(await client.fetch("LIST huge"), new RegExp(` ${size} `));
  assertMatch(await client.ask("MLST huge"), new RegExp(`size=${size};`));
  for (const end of ["1", "22"]) {
    const offset = size - end.length;
    assertEquals(await client.codes(`REST ${offset}`), [350]);
    assertMatch(await client.store("STOR huge", end), /^226 /);
    assertEquals(await client.codes(`REST ${offset}`), [350]);
    assertEquals(await client.fetch("RETR huge"), end);
  }
  assertEquals(await client.codes(`REST ${size}`), [350]);
  assertMatch(await client.store("STOR huge", "and more"), /^226 /);
  assertEquals(await client.ask("SIZE huge"), `213 ${size + 8}`);
});

ftpTest("REST counts for one transfer", async ({ login, root }) => {
  const client = await login();
  await client.codes("TYPE I");
  assertEquals(await client.codes("REST 2"), [350]);
  assertEquals(await client.fetch("RETR hello"), "llo\n");
  assertEquals(await client.fetch("RETR hello"), "hello\n");
  assertEquals(await client.codes("REST 6"), [350]);
  assertEquals(await client.fetch("RETR hello"), "");
  assertEquals(await client.codes("REST 7"), [350]);
  assertMatch(await client.fetch("RETR hello"), /^554 /);
  // It keeps the head, and cuts off what stood behind the new end.
  assertEquals(await client.codes("REST 4"), [350]);
  assertMatch(await client.store("STOR hello", "!"), /^226 /);
  assertEquals(read(`${root}/hello`), "hell!");
  assertEquals(await client.codes("REST 9"), [350]);
  assertMatch(await client.store("STOR hello", "x"), /^554 /);
  assertEquals(await client.codes("REST 9"), [350]);
  assertMatch(await client.store("STOR nothing", "x"), /^550 /);
  // Also for one that is refused.
  assertEquals(await client.codes("REST 2", "EPSV", "RETR nothing"), [350, 229, 550]);
  assertEquals(await client.fetch("RETR hello"), "hell!");
  assertEquals(await client.codes("REST 2"), [350]);
  assertMatch(await client.store("APPE hello", "?"), /^226 /);
  assertEquals(read(`${root}/hello`), "hell!?");
  assertMatch(await client.store("APPE fresh", "new"), /^226 /);
  assertEquals(read(`${root}/fresh`), "new");
});

ftpTest("nothing is cut off for a data connection that does not come", async (served) => {
  const client = await served.login();
  await client.codes("TYPE I");
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const port = taken.addr.port;
  taken.close();
  assertEquals(await client.codes(`EPRT |1|127.0.0.1|${port}|`, "REST 1"), [200, 350]);
  assertMatch(await client.ask("STOR hello"), /^150 /);
  assertMatch(await client.reply(), /^425 /);
  assertEquals(read(`${served.root}/hello`), "hello\n");
});

/** An upload of which something has arrived. */
async function halfUploaded(
  { login }: Served,
  line: string,
): Promise<{ client: FtpControl; data: Deno.TcpConn }> {
  const client = await login();
  await client.codes("TYPE I");
  const data = await client.data();
  assertMatch(await client.ask(line), /^150 /);
  await writeAll(data, new TextEncoder().encode("half"));
  while (!/: 4 bytes so far/.test(await client.ask("STAT")));
  return { client, data };
}

ftpTest("an upload that is aborted leaves nothing, unless it can go on", async (served) => {
  {
    const { client, data } = await halfUploaded(served, "STOR hello");
    assertMatch(await client.ask("ABOR"), /^426 /);
    assertMatch(await client.reply(), /^226 /);
    data.close();
    assertEquals(await client.codes("NOOP"), [200]);
  }
  assertEquals(served.names(), [".hidden", "hello", "sub"]);
  assertEquals(read(`${served.root}/hello`), "hello\n");
  const { client, data } = await halfUploaded(served, "APPE fresh");
  assertMatch(await client.ask("ABOR"), /^426 /);
  assertMatch(await client.reply(), /^226 /);
  data.close();
  assertEquals(read(`${served.root}/fresh`), "half");
});

ftpTest("a client that is gone has uploaded nothing", async (served) => {
  const { client, data } = await halfUploaded(served, "STOR fresh");
  // As when it is killed: both connections end.
  data.close();
  client.close();
  await served.log.says(/broke off .* path=\/fresh reason="The client is gone\."\n/);
  await served.log.says(/ \/fresh b _ i a anonymous ftp 0 \* i$/m);
  assertEquals(served.names(), [".hidden", "hello", "sub"]);
});

ftpTest("a client that says goodbye early gets its upload done", async (served) => {
  const { client, data } = await halfUploaded(served, "STOR fresh");
  await client.raw("QUIT\r\n");
  await client.end();
  data.close();
  assertMatch(await client.reply(), /^226 /);
  assertMatch(await client.reply(), /^221 /);
  assertEquals(read(`${served.root}/fresh`), "half");
});

ftpTest("a folder may get another name during an upload into it", async (served) => {
  const { client, data } = await halfUploaded(served, "STOR sub/fresh");
  const other = await served.login();
  assertEquals(await other.codes("RNFR sub", "RNTO new"), [350, 250]);
  await data.closeWrite();
  assertMatch(await client.reply(), /^226 /);
  data.close();
  const names = [...Deno.readDirSync(`${served.root}/new`)].map(({ name }) => name).sort();
  assertEquals(names, ["deep", "fresh"]);
  assertEquals(read(`${served.root}/new/fresh`), "half");
});

ftpTest("--keep-partial keeps what came", async (served) => {
  const { client, data } = await halfUploaded(served, "STOR fresh");
  data.close();
  client.close();
  await served.log.says(/ \/fresh .* i$/m);
  assertEquals(served.names(), [".hidden", "fresh", "hello", "sub"]);
  assertEquals(read(`${served.root}/fresh`), "half");
}, { keepPartial: true });

/** ABOR as real clients send it: with bytes of telnet before it, or without. */
const ABORTS: Uint8Array[] = [
  [],
  [0xff, 0xf4, 0xf2],
  [0xff, 0xf4, 0xff],
  [0xff, 0xf4, 0xff, 0xf2],
].map((telnet) => Uint8Array.of(...telnet, ...new TextEncoder().encode("ABOR\r\n")));

ftpTest("a download is aborted however ABOR is sent", async (served) => {
  await makeLarge(served);
  const client = await served.login();
  await client.codes("TYPE I");
  for (const abort of ABORTS) {
    using data = await client.data();
    assertMatch(await client.ask("RETR large"), /^150 /);
    await client.raw(abort);
    assertMatch(await client.reply(), /^426 /);
    assertMatch(await client.reply(), /^226 /);
    assert(await readSize(data) < LARGE);
  }
  assertEquals(await client.fetch("RETR hello"), "hello\n");
});

/** How many bytes come before the end, or a reset. */
async function readSize(data: Deno.TcpConn): Promise<number> {
  const buffer = new Uint8Array(65536);
  let size = 0;
  try {
    for (let n = await data.read(buffer); n !== null; n = await data.read(buffer)) size += n;
  } catch (error) {
    assert(error instanceof Deno.errors.ConnectionReset);
  }
  return size;
}

ftpTest("every transfer is aborted, in both types, and not one that is over", async (served) => {
  await makeLarge(served);
  await Deno.mkdir(`${served.root}/many`);
  await Deno.writeTextFile(`${served.root}/many/first`, "");
  for (let i = 0; i < 20_000; i++) {
    await Deno.link(`${served.root}/many/first`, `${served.root}/many/${"x".repeat(200)}${i}`);
  }
  const client = await served.login();
  for (
    const line of ["RETR large", "LIST many", "NLST many", "MLSD many", "STOR new", "APPE new"]
  ) {
    for (const type of ["A", "I"]) {
      await client.codes(`TYPE ${type}`);
      {
        using data = await client.data();
        assertMatch(await client.ask(line), /^150 /);
        assertMatch(await client.ask("ABOR"), /^426 /, `${line} ${type}`);
        assertMatch(await client.reply(), /^226 The transfer is over/);
        await readSize(data);
      }
      // All of the data is there before ABOR, and before the 226.
      using data = await client.data();
      await data.closeWrite();
      assertMatch(await client.ask(line.replace("large", "hello").replace(/many/, "sub")), /^150 /);
      await readSize(data);
      assertMatch(await client.reply(), /^226 Transfer complete/);
      assertMatch(await client.ask("ABOR"), /^226 There is no transfer/);
    }
  }
});

ftpTest("while a file moves STAT and NOOP are answered; others wait, in order", async (served) => {
  await makeLarge(served);
  const client = await served.login();
  await client.codes("TYPE I");
  using data = await client.data();
  assertMatch(await client.ask("RETR large"), /^150 /);
  assertMatch(await client.ask("STAT"), /^211-[^]*Sending from \/large: \d+ bytes so far/);
  assertEquals(await client.codes("NOOP"), [200]);
  // None of these may touch the data connection of the transfer.
  await client.raw("EPSV\r\nRNFR hello\r\nSTAT\r\nRETR hello\r\nNOOP\r\n");
  assertEquals(await readSize(data), LARGE);
  assertMatch(await client.reply(), /^226 /);
  assertMatch(await client.reply(), /^229 /);
  assertMatch(await client.reply(), /^350 /);
  assertMatch(await client.reply(), /^211-[^]*No transfer is under way/);
  assertMatch(await client.reply(), /^150 /);
  assertMatch(await client.reply(), /^200 /);
  assertMatch(await client.ask("ABOR"), /^426 /);
  assertMatch(await client.reply(), /^226 /);
});

ftpTest(
  "a file that shrinks while it is sent is 451, and one that grows is sent",
  async (served) => {
    const client = await served.login();
    for (const type of ["A", "I"]) {
      await client.codes(`TYPE ${type}`);
      for (const [size, code] of [[1000, 451], [LARGE + 5, 226]] as const) {
        await makeLarge(served);
        using data = await client.data();
        assertMatch(await client.ask("RETR large"), /^150 /);
        await Deno.truncate(`${served.root}/large`, size);
        const came = await readSize(data);
        assert(code === 451 ? came < LARGE : came === size);
        assertMatch(await client.reply(), new RegExp(`^${code} `));
      }
      await served.log.says(/broke off .* path=\/large reason="The file became shorter .*"\n/);
      served.log.text = "";
    }
  },
);

ftpTest("a data connection that is cut is 426", async (served) => {
  await makeLarge(served);
  const client = await served.login();
  await client.codes("TYPE I");
  const data = await client.data();
  assertMatch(await client.ask("RETR large"), /^150 /);
  data.close(); // With much unread: a reset.
  assertMatch(await client.reply(), /^426 /);
  assertEquals(await client.codes("NOOP"), [200]);
});

ftpTest("no file grows beyond the largest size", async ({ login, names, root }) => {
  const client = await login();
  await client.codes("TYPE I");
  assertMatch(await client.store("STOR fits", "1234567890"), /^226 /);
  assertMatch(await client.store("STOR large", "12345678901"), /^552 /);
  assertMatch(await client.store("APPE fits", "1"), /^552 /);
  assertEquals(read(`${root}/fits`), "1234567890");
  assertEquals(names(), [".hidden", "fits", "hello", "sub"]);
}, { maxFileSize: 10 });

ftpTest("who sends too much may end, and hears why, instead of a reset", async ({ login }) => {
  const client = await login();
  await client.codes("TYPE I");
  // More than sockets hold.
  assertMatch(await client.store("STOR large", new Uint8Array(16 * 1024 * 1024)), /^552 /);
}, { maxFileSize: 10 });

ftpTest("a stop lets the transfer under way end, and says goodbye", async (served) => {
  await makeLarge(served);
  const [client, idle] = [await served.login(), await served.login()];
  await client.codes("TYPE I");
  using data = await client.data();
  assertMatch(await client.ask("RETR large"), /^150 /);
  const stopped = served.server.shutdown();
  assertMatch(await idle.reply(), /^421 /);
  idle.close();
  assertEquals(await readSize(data), LARGE);
  assertMatch(await client.reply(), /^226 /);
  assertMatch(await client.reply(), /^421 /);
  client.close();
  await stopped;
});
