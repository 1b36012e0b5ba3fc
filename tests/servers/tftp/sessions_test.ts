/** Transfers of the TFTP server: who may take part in them, how they end, and what is logged. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { GRACE } from "../../../tools/net/server.ts";
import {
  encodeAck,
  encodeData,
  encodeError,
  encodeRequest,
} from "../../../tools/protocol/tftp_packet.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { testWith } from "../../support/permissions.ts";
import { pattern } from "../../support/tftp_line.ts";
import { freePorts, packetLine, withTftpd } from "../../support/tftp_server.ts";

function test(name: string, fn: () => Promise<void>): void {
  testWith(["net", "sys", "read", "write"], name, fn);
}

const LARGE = pattern(512 * 20 + 100);
const FILES = { cake: "Flour", large: LARGE };

test("tftpd answers from a port of its own, or from the one that listens", async () => {
  await withTftpd({}, FILES, async ({ client, port, log }) => {
    const one = client();
    assertEquals(await one.fetch("large", { blksize: "1000" }), LARGE);
    assert(one.tid !== port);
    await log.says(
      new RegExp(
        `Z tftpd: sent peer=127\\.0\\.0\\.1 port=${one.port} request=read file=/large mode=octet ` +
          `bytes=${LARGE.length} blksize=1000 windowsize=1 resent=0 seconds=0\\.\\d+ rate=\\d+\n`,
      ),
    );
  });
  await withTftpd({ singlePort: true }, FILES, async ({ client, port }) => {
    const one = client();
    assertEquals(await one.fetch("large"), LARGE);
    assertEquals(one.tid, port);
  });
});

test("tftpd answers from the very address that was asked, and over IPv6", async () => {
  await withTftpd({ hosts: [] }, FILES, async ({ client, server, log }) => {
    const six = server.addrs.some(({ hostname }) => hostname === "::1");
    for (const hostname of ["127.0.0.1", ...six ? ["::1"] : []]) {
      assertEquals(await client(hostname).fetch("large"), LARGE);
    }
    if (six) await log.says(/ sent peer=::1 /);
  });
  await withTftpd({ hosts: ["127.0.0.1", "127.0.0.2"] }, FILES, async ({ client, server }) => {
    assertEquals(server.addrs.map(({ hostname }) => hostname), ["127.0.0.1", "127.0.0.2"]);
    for (const hostname of ["127.0.0.1", "127.0.0.2"]) {
      assertEquals(await client(hostname).fetch("large"), LARGE);
    }
  });
});

test("tftpd serves a name and a file as text: LF as CR LF, CR as CR NUL, back again", async () => {
  const local = `${"a line\n".repeat(200)}\r\n\rend`;
  await withTftpd({ writing: "new" }, { text: local }, async ({ client, read }) => {
    const wire = new TextDecoder().decode(await client().fetch("text", {}, "netascii"));
    assertEquals(wire, `${"a line\r\n".repeat(200)}\r\0\r\n\r\0end`);
    const one = client();
    await one.request("WRQ", "copy", {}, "netascii");
    assertEquals(await one.line(), "ACK 0");
    const bytes = new TextEncoder().encode(wire);
    for (let block = 1; (block - 1) * 512 <= bytes.length; block++) {
      await one.send(encodeData(block, bytes.subarray((block - 1) * 512, block * 512)));
      assertEquals(await one.line(), `ACK ${block}`);
    }
    assertEquals(await read("copy"), local);
  });
});

test("who has nothing to do with a transfer is told so, and the transfer goes on", async () => {
  await withTftpd({}, FILES, async ({ client }) => {
    const [one, other] = [client(), client()];
    await one.request("RRQ", "large");
    assertMatch(await one.line(), /^DATA 1 /);
    await other.send(encodeAck(1), one.tid);
    assertEquals(await other.line(), "ERROR 5 Unknown transfer ID");
    // But an ERROR is never answered: neither of these is.
    await other.send(encodeError(0, "no"), one.tid);
    await other.send(encodeData(1, new Uint8Array(0)), one.tid);
    assertEquals(await other.line(), "ERROR 5 Unknown transfer ID");
    await one.send(encodeAck(1));
    assertMatch(await one.line(), /^DATA 2 /);
  });
});

test("stale, future and cut acknowledgements change nothing", async () => {
  await withTftpd({}, FILES, async ({ client }) => {
    const one = client();
    await one.request("RRQ", "large", { blksize: "512" });
    assertEquals(await one.line(), "OACK blksize=512");
    for (const packet of [encodeAck(1), encodeAck(32), Uint8Array.of(0, 4, 0)]) {
      await one.send(packet);
    }
    await one.send(encodeAck(0));
    assertMatch(await one.line(), /^DATA 1 /);
    for (const block of [1, 0, 3, 32, 65535, 1]) await one.send(encodeAck(block));
    assertMatch(await one.line(), /^DATA 2 /);
    await one.send(encodeAck(2));
    assertMatch(await one.line(), /^DATA 3 /);
  });
});

test("a client that asks for the size alone is a probe, and no failure", async () => {
  await withTftpd({}, { ...FILES, empty: "" }, async ({ client, log }) => {
    const [one, other] = [client(), client()];
    const rows: [name: string, mode: string, options: Record<string, string>, answer: string][] = [
      ["cake", "octet", { tsize: "0", blksize: "1468" }, "OACK blksize=1468 tsize=5"],
      // These sizes are not told, and that is an answer too.
      ["empty", "octet", { tsize: "0" }, "DATA 1 "],
      ["empty", "octet", { tsize: "0", blksize: "8" }, "OACK blksize=8"],
      ["cake", "netascii", { tsize: "0" }, "DATA 1 Flour"],
    ];
    let probes = 0;
    for (const [name, mode, options, answer] of rows) {
      // Boot ROMs end it by either error.
      for (const code of [8, 0]) {
        await one.request("RRQ", name, options, mode);
        assertEquals(await one.line(), answer);
        await one.send(encodeError(code, "User aborted the transfer"));
        await log.saysTimes(" probe ", ++probes);
        await log.says(
          new RegExp(
            ` probe peer=127\\.0\\.0\\.1 port=\\d+ request=read file=/${name} mode=${mode}\n$`,
          ),
        );
      }
    }
    // And at once it asks again, from the same port.
    assertEquals(new TextDecoder().decode(await one.fetch("cake", { blksize: "1468" })), "Flour");
    await other.request("RRQ", "large");
    assertMatch(await other.line(), /^DATA 1 /);
    await other.send(encodeError(3, "disk \x1b[full"));
    const [line] = await log.says(/ failed .*\n/);
    assertMatch(
      line,
      /bytes=0 blksize=512 windowsize=1 resent=0 seconds=\S+ rate=\d+ reason="the client says: disk \\u001b\[full"/,
    );
  });
});

test("a request that comes twice begins one transfer", async () => {
  for (const singlePort of [false, true]) {
    await withTftpd({ singlePort }, FILES, async ({ client, log }) => {
      const one = client();
      await one.request("RRQ", "large");
      await one.request("RRQ", "large");
      assertMatch(await one.line(), /^DATA 1 /);
      await one.send(encodeAck(1));
      assertMatch(await one.line(), /^DATA 2 /);
      if (!singlePort) return;
      // With one port not even a late copy begins another.
      await one.request("RRQ", "large");
      await one.send(encodeAck(2));
      assertMatch(await one.line(), /^DATA 3 /);
      await one.send(encodeError(0, "enough"));
      await log.says(/ failed .*enough/);
      assertEquals(log.text.match(/ failed /g)?.length, 1);
    });
  }
});

test("a client that asks for something else from the same port gets that", async () => {
  for (const singlePort of [false, true]) {
    await withTftpd({ singlePort }, FILES, async ({ client, log }) => {
      const one = client();
      await one.request("RRQ", "large", { blksize: "1000" });
      assertEquals(await one.line(), "OACK blksize=1000");
      assertEquals(new TextDecoder().decode(await one.fetch("cake")), "Flour");
      await log.says(/ failed .*reason="The client asked for something else"/);
    });
  }
});

test("a client may ask for the same again as soon as it has it, also from the same port", async () => {
  for (const singlePort of [false, true]) {
    await withTftpd({ singlePort, writing: "overwrite" }, FILES, async ({ client, read }) => {
      const one = client();
      for (const text of ["one", "two", "three"]) {
        assertEquals(
          new TextDecoder().decode(await one.fetch("cake")),
          text === "one" ? "Flour" : await read("cake"),
        );
        await one.request("WRQ", "cake");
        assertEquals(await one.line(), "ACK 0");
        await one.send(encodeData(1, new TextEncoder().encode(text)));
        assertEquals(await one.line(), "ACK 1");
        assertEquals(await read("cake"), text);
      }
    });
  }
});

test("to a client that never answers the first packet goes three times", async () => {
  using time = new FakeTime();
  await withTftpd({}, FILES, async ({ client, log }) => {
    const one = client();
    await one.request("RRQ", "large");
    for (const wait of [0, 1000, 2000]) {
      await time.tick(wait);
      assertMatch(await one.line(), /^DATA 1 /);
    }
    await time.tick(4000);
    await log.says(/ failed .* resent=2 .*reason="no answer"/);
  });
});

test("a transfer that makes no progress for long is given up", async () => {
  using time = new FakeTime();
  await withTftpd({ idleTimeout: 5000, writing: "new" }, FILES, async ({ client, log, names }) => {
    const one = client();
    await one.request("WRQ", "new");
    assertEquals(await one.line(), "ACK 0");
    await one.send(encodeData(1, new Uint8Array(512)));
    assertEquals(await one.line(), "ACK 1");
    await time.tick(4999);
    assertEquals(await one.line(), "ACK 1"); // After two seconds it asked again.
    assertEquals((await names()).length, 3);
    await time.tick(1);
    await log.says(/ failed .*request=write file=\/new .*bytes=512 .*reason="no answer"/);
  });
});

test("tftpd takes so many transfers, and so many from one address", async () => {
  const caps = { maxConnections: 3, maxPerAddress: 2 };
  const hosts = ["127.0.0.1", "127.0.0.2"];
  await withTftpd({ hosts, ...caps }, FILES, async ({ client, log }) => {
    const clients = ["127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.2"].map(client);
    const answers = [];
    for (const one of clients) {
      await one.request("RRQ", "large", { blksize: "8" });
      answers.push(await one.line());
    }
    const [taken, busy] = ["OACK blksize=8", "ERROR 0 Too many transfers; try later"];
    assertEquals(answers, [taken, taken, busy, taken, busy]);
    await log.says(/ refused peer=127\.0\.0\.2 port=\d+ reason="Too many transfers; try later"/);
    await clients[0]?.goodbye();
    await log.says(/ failed .*bye/);
    assertEquals(await client("127.0.0.2").answer("RRQ", "cake"), "DATA 1 Flour");
  });
});

test("tftpd answers the networks it is told, and nobody else", async () => {
  const allow = [{ bytes: Uint8Array.of(127, 0, 0, 2), bits: 32 }];
  await withTftpd({ hosts: ["127.0.0.1", "127.0.0.2"], allow }, FILES, async ({ client, log }) => {
    await client("127.0.0.1").request("RRQ", "cake");
    await log.says(/ ignored peer=127\.0\.0\.1 port=\d+ reason="not allowed"/);
    assertEquals(await client("127.0.0.2").answer("RRQ", "cake"), "DATA 1 Flour");
    // Nor does the port of a transfer answer anybody else.
    const one = client("127.0.0.2");
    await one.request("RRQ", "large");
    assertMatch(await one.line(), /^DATA 1 /);
    const other = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    const heard = other.receive();
    await other.send(encodeAck(1), { transport: "udp", hostname: "127.0.0.2", port: one.tid });
    await one.send(encodeAck(1));
    assertMatch(await one.line(), /^DATA 2 /);
    other.close();
    await assertRejects(() => heard, Deno.errors.Interrupted);
  });
});

test("tftpd takes the ports it is told, and says when they are used up", async () => {
  const { first, last } = freePorts(2);
  await withTftpd({ ports: { first, last } }, FILES, async ({ client, log }) => {
    const clients = [client(), client(), client()];
    const answers: string[] = [];
    for (const one of clients) {
      await one.request("RRQ", "large", { blksize: "8" });
      answers.push(await one.line());
    }
    assertEquals(answers, [
      "OACK blksize=8",
      "OACK blksize=8",
      "ERROR 0 No port is free; try later",
    ]);
    assertEquals(clients.slice(0, 2).map(({ tid }) => tid).sort(), [first, last]);
    await clients[1]?.goodbye();
    await log.says(/ failed .*bye/);
    assertEquals(await client().answer("RRQ", "cake"), "DATA 1 Flour");
  });
});

test("when tftpd stops, transfers may end, and are told when they have not", async () => {
  for (const singlePort of [false, true]) {
    using time = new FakeTime();
    await withTftpd({ singlePort }, FILES, async ({ client, server, log }) => {
      const [one, other] = [client(), client()];
      for (const each of [one, other]) {
        await each.request("RRQ", "cake", { blksize: "8" });
        assertEquals(await each.line(), "OACK blksize=8");
      }
      const stopped = server.shutdown();
      await one.send(encodeAck(0));
      assertEquals(await one.line(), "DATA 1 Flour");
      await one.send(encodeAck(1));
      await log.says(/ sent /);
      await other.send(encodeAck(0));
      assertEquals(await other.line(), "DATA 1 Flour");
      await time.tick(GRACE);
      const lines = [];
      while (lines.at(-1) !== "ERROR 0 The server is stopping") lines.push(await other.line());
      await stopped;
      await log.says(/ failed .*reason="The server is stopping"/);
    });
  }
});

/** A socket at the port of chargen, if this user may have that. */
function chargen(): Deno.DatagramConn | undefined {
  try {
    return Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.3", port: 19 });
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return undefined;
    throw error;
  }
}

test("a request from the port of a small service is ignored", async () => {
  await withTftpd({}, FILES, async ({ server: { addrs: [addr] }, client, log }) => {
    const socket = chargen();
    if (!socket || !addr) return;
    await socket.send(encodeRequest("RRQ", "nosuch", "octet", new Map()), addr);
    socket.close();
    await log.says(/ ignored peer=127\.0\.0\.3 port=19 reason="from the port of a small service"/);
    assertEquals(await client().answer("RRQ", "cake"), "DATA 1 Flour");
  });
});

test("at the address of all addresses tftpd serves IPv4 and IPv6", async () => {
  if (!Deno.networkInterfaces().some(({ address }) => address === "::1")) return;
  await withTftpd({ hosts: ["::"] }, FILES, async ({ client, log }) => {
    for (const hostname of ["127.0.0.1", "::1"]) {
      assertEquals(await client(hostname).fetch("large", { blksize: "1428" }), LARGE);
      await log.says(new RegExp(` sent peer=${hostname} `));
    }
  });
});

test("200 clients fetch a file at once, and each gets it", async () => {
  await withTftpd({}, FILES, async ({ client }) => {
    const files = await Promise.all(
      Array.from({ length: 200 }, () => client().fetch("large", { blksize: "1428" })),
    );
    for (const data of files) assertEquals(data, LARGE);
  });
});

test("a file of no bytes, of whole blocks, and of one byte more or less", async () => {
  const sizes = [0, 1, 511, 512, 513, 1023, 1024, 1025];
  const files = Object.fromEntries(sizes.map((size) => [`f${size}`, pattern(size)]));
  await withTftpd({ writing: "new" }, files, async ({ client, folder }) => {
    for (const size of sizes) {
      const data = pattern(size);
      assertEquals(await client().fetch(`f${size}`), data);
      const one = client();
      await one.request("WRQ", `up${size}`);
      assertEquals(packetLine(await one.receive()), "ACK 0");
      for (let block = 1; (block - 1) * 512 <= size; block++) {
        await one.send(encodeData(block, data.subarray((block - 1) * 512, block * 512)));
        assertEquals(await one.line(), `ACK ${block}`);
      }
      assertEquals(await Deno.readFile(`${folder}/up${size}`), data);
    }
  });
});
