/** What the TFTP server makes of requests, and of what is none. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  encodeAck,
  encodeData,
  encodeRequest,
  parsePacket,
} from "../../../tools/protocol/tftp_packet.ts";
import { testWith } from "../../support/permissions.ts";
import { packetLine, withTftpd } from "../../support/tftp_server.ts";

function test(name: string, fn: () => Promise<void>): void {
  testWith(["net", "sys", "read", "write"], name, fn);
}

const FILES = { cake: "Flour", "pub/pie": "Apples", empty: "" };

test("tftpd answers a request for a file by its first block, or by the options it takes", async () => {
  await withTftpd({ maxBlksize: 1000 }, FILES, async ({ client }) => {
    const rows: [name: string, options: Record<string, string>, answer: string][] = [
      ["cake", {}, "DATA 1 Flour"],
      ["empty", {}, "DATA 1 "],
      ["cake", { blksize: "8" }, "OACK blksize=8"],
      ["cake", { blksize: "7" }, "DATA 1 Flour"],
      ["cake", { blksize: "-1" }, "DATA 1 Flour"],
      ["cake", { blksize: "abc" }, "DATA 1 Flour"],
      ["cake", { blksize: "99999" }, "OACK blksize=1000"],
      ["cake", { BLKSIZE: "600" }, "OACK blksize=600"],
      ["cake", { timeout: "0" }, "DATA 1 Flour"],
      ["cake", { timeout: "300" }, "DATA 1 Flour"],
      ["cake", { timeout: "3" }, "OACK timeout=3"],
      ["cake", { utimeout: "500000" }, "OACK utimeout=500000"],
      ["cake", { windowsize: "0" }, "DATA 1 Flour"],
      ["cake", { windowsize: "70000" }, "OACK windowsize=64"],
      ["cake", { windowsize: "16", blksize: "1000" }, "OACK blksize=1000 windowsize=16"],
      ["cake", { rollover: "1" }, "OACK rollover=1"],
      ["cake", { tsize: "0" }, "OACK tsize=5"],
      ["empty", { tsize: "0" }, "DATA 1 "], // For curl, which takes 0 for an error.
      ["cake", { unknown: "1", multicast: "" }, "DATA 1 Flour"],
    ];
    for (const [name, options, answer] of rows) {
      assertEquals(await client().answer("RRQ", name, options), answer, JSON.stringify(options));
    }
    // As netascii a file has another size, which only reading it would tell.
    const text = await client().answer("RRQ", "cake", { tsize: "0", blksize: "8" }, "netascii");
    assertEquals(text, "OACK blksize=8");
  });
});

test("tftpd refuses with the code of the RFC, and tells no path of its own", async () => {
  await withTftpd({}, FILES, async ({ client, folder }) => {
    await Deno.symlink("/etc/passwd", `${folder}/out`);
    await Deno.symlink("nowhere", `${folder}/dangling`);
    await Deno.symlink("/etc", `${folder}/etc`);
    const rows: [name: string, error: string][] = [
      ["nosuch", "ERROR 1 File not found"],
      ["nosuch/file", "ERROR 1 File not found"],
      ["pub", "ERROR 2 Not a file"],
      ["/", "ERROR 2 Not a file"],
      ["cake/deep", "ERROR 1 No such folder"],
      ["out", "ERROR 2 Access violation"],
      ["etc/passwd", "ERROR 2 Access violation"],
      ["dangling", "ERROR 1 File not found"],
      // There is nothing above the folder: these are names within.
      ["../../../etc/passwd", "ERROR 2 Access violation"],
      ["../../../etc/hostname2", "ERROR 1 File not found"],
      ["..", "ERROR 2 Not a file"],
      ["%2e%2e/cake", "ERROR 1 File not found"],
      ["ca\nke", "ERROR 2 No file can have this name"],
      ["ca\x1bke", "ERROR 2 No file can have this name"],
      ["x".repeat(2000), "ERROR 2 No file can have this name"],
      [`${"x/".repeat(2040)}`, "ERROR 1 File not found"],
    ];
    for (const [name, error] of rows) {
      assertEquals(await client().answer("RRQ", name), error, JSON.stringify(name));
    }
    assertEquals(
      await client().answer("RRQ", "cake", {}, "mail"),
      "ERROR 4 Unknown mode: octet and netascii are known",
    );
    assertEquals(await client().answer("WRQ", "new"), "ERROR 2 This server is read-only");
  });
});

test("tftpd serves no FIFO and no device, and does not wait for one", async () => {
  await withTftpd({}, FILES, async ({ client, folder }) => {
    const { success } = await new Deno.Command("mkfifo", { args: [`${folder}/fifo`] }).output();
    assert(success);
    assertEquals(await client().answer("RRQ", "fifo"), "ERROR 2 Not a file");
    await Deno.symlink("/dev/zero", `${folder}/zero`);
    assertEquals(await client().answer("RRQ", "zero"), "ERROR 2 Access violation");
    assertEquals(await client().answer("RRQ", "cake"), "DATA 1 Flour");
  });
  await withTftpd({ folder: "/dev" }, {}, async ({ client }) => {
    assertEquals(await client().answer("RRQ", "zero"), "ERROR 2 Not a file");
  });
});

test("tftpd understands names as PXE and Windows write them", async () => {
  const files = {
    "Boot/x64/a.efi": "boot",
    cake: "Flour",
    "caf\u00e9": "NFC",
    "cafe\u0301": "NFD",
  };
  await withTftpd({}, files, async ({ client }) => {
    const rows: [name: string, answer: string][] = [
      ["\\Boot\\x64\\a.efi", "DATA 1 boot"],
      ["/Boot/x64/a.efi", "DATA 1 boot"],
      ["//Boot//x64/./a.efi", "DATA 1 boot"],
      ["C:\\Boot\\x64\\a.efi", "DATA 1 boot"],
      ["..\\..\\Boot\\x64\\a.efi", "DATA 1 boot"],
      ["Boot/x64/a.efi\u00ff", "DATA 1 boot"],
      ["boot/x64/a.efi", "ERROR 1 File not found"],
      ["C:cake", "ERROR 1 File not found"],
      // Names that only look alike are two.
      ["caf\u00e9", "DATA 1 NFC"],
      ["cafe\u0301", "DATA 1 NFD"],
    ];
    for (const [name, answer] of rows) {
      assertEquals(await client().answer("RRQ", name), answer, JSON.stringify(name));
    }
    // The stray byte as firmware sends it.
    const one = client();
    const request = encodeRequest("RRQ", "Boot/x64/a.efi?", "octet", new Map());
    request[request.indexOf(63)] = 0xff;
    await one.ask(request);
    assertEquals(await one.line(), "DATA 1 boot");
  });
});

/** A packet as its bytes are written: one character for each. */
function packet(text: string): Uint8Array {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

test("tftpd answers a request to all on the network, where it listens at all addresses", async () => {
  await withTftpd({ hosts: [] }, FILES, async ({ port, log }) => {
    const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    try {
      const request = encodeRequest("RRQ", "cake", "octet", new Map());
      await socket.send(request, { transport: "udp", hostname: "127.255.255.255", port });
      const [answer, from] = await socket.receive();
      assertEquals(packetLine(parsePacket(answer)), "DATA 1 Flour");
      // From one that is its own, and there the transfer goes on.
      assertEquals((from as Deno.NetAddr).hostname, "127.0.0.1");
      await socket.send(encodeAck(1), from);
      await log.says(/ sent peer=127\.0\.0\.1 .* bytes=5 /);
    } finally {
      socket.close();
    }
  });
});

test("tftpd says of requests that are none what is wrong with them", async () => {
  await withTftpd({}, FILES, async ({ client, log }) => {
    const rows: [request: Uint8Array, answer: string][] = [
      [packet("\0\x01"), "ERROR 4 the request names no file"],
      [packet("\0\x01cake"), "ERROR 4 the request has no mode"],
      [packet("\0\x01cake\0"), "ERROR 4 the request has no mode"],
      [packet("\0\x02\0octet\0"), "ERROR 4 the request names no file"],
      [packet("\0\x01cake\0octet"), "DATA 1 Flour"],
      [packet("\0\x01cake\0octet\0blksize\0"), "DATA 1 Flour"],
      [packet("\0\x01cake\0octet\0\0\0"), "DATA 1 Flour"],
      [packet("\0\x01cake\0OcTeT\0blksize\x008\0blksize\x009\0"), "OACK blksize=9"],
      [packet(`\0\x01${"x".repeat(60_000)}\0octet\0`), "ERROR 4 the request is too long"],
      [
        packet(`\0\x01cake\0octet\0${"o\0v\0".repeat(1000)}blksize\x008\0`),
        "OACK blksize=8",
      ],
      [packet(`\0\x01cake\0octet\0${"o\0v\0".repeat(5000)}`), "ERROR 4 the request is too long"],
    ];
    for (const [request, answer] of rows) {
      const one = client();
      await one.ask(request);
      assertEquals(await one.line(), answer);
    }
    await log.says(/ refused peer=127\.0\.0\.1 port=\d+ reason="the request has no mode"\n/);
  });
});

test("tftpd never answers what is no request, least of all an ERROR", async () => {
  for (const singlePort of [false, true]) {
    await withTftpd({ singlePort }, FILES, async ({ client }) => {
      const one = client();
      const silent = ["", "\0", "\x01", "\0\x04\0\x01", "\0\x05\0\x04no\0", "\0\x05", "\0\x06"];
      for (const text of [...silent, "\0\x63\0\0", "\0\0", "\x01\x01cake\0octet\0", "\0\x03"]) {
        await one.ask(packet(text));
      }
      await one.ask(encodeData(1, packet("data")));
      // They were all before this one.
      assertEquals(await one.answer("RRQ", "cake"), "DATA 1 Flour");
    });
  }
});

test("tftpd shows names in its log so that no terminal obeys them", async () => {
  await withTftpd({}, FILES, async ({ client, log }) => {
    await client().answer("RRQ", "\x1b]0;owned\x07 \u202e");
    const [line] = await log.says(/ refused .*\n/);
    assertMatch(line, /file="\\u001b\]0;owned\\u0007 \\u\{202e\}"/);
  });
});

test("tftpd understands the path of its own folder before a name, in reading and in writing", async () => {
  const uploads = await Deno.makeTempDir();
  try {
    await withTftpd({ writing: "new", uploads }, FILES, async ({ client, folder }) => {
      assertEquals(await client().answer("RRQ", `${folder}/pub/pie`), "DATA 1 Apples");
      assertEquals(await client().answer("RRQ", `${folder}x/cake`), "ERROR 1 File not found");
      const one = client();
      await one.request("WRQ", `${uploads}/new`);
      assertEquals(await one.line(), "ACK 0");
      await one.send(encodeData(1, packet("data")));
      assertEquals(await one.line(), "ACK 1");
      assertEquals(await Deno.readTextFile(`${uploads}/new`), "data");
    });
  } finally {
    await Deno.remove(uploads, { recursive: true });
  }
});

test("tftpd in lower case, by maps, and with a folder for each client", async () => {
  const files = { "boot/pxe.0": "pxe", "127.0.0.1/config": "mine", config: "all", other: "all" };
  const rules = [
    { pattern: /^sep([0-9a-f]{4})$/u, replacement: "boot/$1" },
    { pattern: /^network-confg$/u, replacement: "{ip}/config" },
    { pattern: /pixie/u, replacement: "pxe" },
  ];
  await withTftpd({ names: { lowerCase: true, map: rules } }, files, async ({ client }) => {
    assertEquals(await client().answer("RRQ", "BOOT/PXE.0"), "DATA 1 pxe");
    assertEquals(await client().answer("RRQ", "\\Boot\\Pixie.0"), "DATA 1 pxe");
    assertEquals(await client().answer("RRQ", "Network-Confg"), "DATA 1 mine");
    assertEquals(await client().answer("RRQ", "SEPABCD"), "ERROR 1 File not found");
  });
  await withTftpd({ perClient: true, writing: "new" }, files, async ({ client, read }) => {
    assertEquals(await client().answer("RRQ", "config"), "DATA 1 mine");
    assertEquals(await client().answer("RRQ", "other"), "DATA 1 all");
    const one = client();
    await one.request("WRQ", "new");
    assertEquals(await one.line(), "ACK 0");
    await one.send(encodeData(1, packet("data")));
    assertEquals(await one.line(), "ACK 1");
    assertEquals(await read("127.0.0.1/new"), "data");
  });
  // A file that is called as an address is one: its name makes no folder.
  const named = { "127.0.0.1": "list", config: "all" };
  await withTftpd({ perClient: true, writing: "new" }, named, async ({ client }) => {
    assertEquals(await client().answer("RRQ", "config"), "DATA 1 all");
    assertEquals(await client().answer("RRQ", "127.0.0.1"), "DATA 1 list");
    assertEquals(await client().answer("RRQ", "nosuch"), "ERROR 1 File not found");
    assertEquals(await client().answer("WRQ", "config"), "ERROR 6 File already exists");
    assertEquals(await client().answer("WRQ", "new"), "ACK 0");
  });
});
