/** The TFTP client with the servers that people have. */
import { assertEquals, assertMatch } from "@std/assert";
import { DONE, PEERS, peerTest } from "../clients/tftp/peers.ts";
import { pattern } from "../support/tftp_line.ts";

// Around the ends of blocks and windows.
const SIZES = [0, 1, 511, 512, 513, 1428, 32 * 1428, 4 * 512, 100_000];

const OPTIONS: string[][] = [
  [],
  ["--no-options"],
  ["-b", "512", "-w", "1"],
  ["-b", "8", "-w", "4"],
  ["-b", "199", "-w", "16"],
  ["-b", "1468", "-w", "64"],
  ["-b", "9001"],
  ["-b", "65464", "-w", "2"],
  ["--rexmt", "2"],
];

for (const kind of PEERS) {
  peerTest(kind, "files of all sizes with all options", async ({ tftp, served, cwd }) => {
    for (const size of SIZES) await Deno.writeFile(`${served}/down${size}`, pattern(size));
    for (const size of SIZES) await Deno.writeFile(`${cwd}/up${size}`, pattern(size));
    for (const options of OPTIONS) {
      assertEquals(await tftp(["mget", ...SIZES.map((size) => `down${size}`), ...options]), DONE);
      for (const size of SIZES) {
        assertEquals(
          await Deno.readFile(`${cwd}/down${size}`),
          pattern(size),
          `${size} ${options}`,
        );
      }
      if (!kind.writes) continue;
      assertEquals(await tftp(["mput", ...SIZES.map((size) => `up${size}`), ...options]), DONE);
      for (const size of SIZES) {
        assertEquals(
          await Deno.readFile(`${served}/up${size}`),
          pattern(size),
          `${size} ${options}`,
        );
        await Deno.remove(`${served}/up${size}`);
      }
    }
  });

  peerTest(kind, "what is agreed is what both can", async ({ tftp, served }) => {
    await Deno.writeTextFile(`${served}/cake`, "Flour.");
    const { stderr } = await tftp(["-v", "get", "cake"]);
    const window = kind.windows ? ", windowsize=32" : "";
    const [oack = ""] = /^< OACK .*$/m.exec(stderr) ?? [];
    for (const option of ["blksize=1428", "tsize=6"]) assertMatch(oack, new RegExp(option));
    assertEquals(/windowsize/.test(oack), window !== "");
  });

  peerTest(kind, "text both ways", async ({ tftp, served, cwd }) => {
    const text = "one\ntwo\rthree\r\n\n".repeat(100);
    await Deno.writeTextFile(`${served}/text`, text);
    assertEquals(await tftp(["get", "text", "--ascii"]), DONE);
    assertEquals(await Deno.readTextFile(`${cwd}/text`), text);
    if (!kind.writes) return;
    assertEquals(await tftp(["put", "text", "copy", "--ascii"]), DONE);
    assertEquals(await Deno.readTextFile(`${served}/copy`), text);
  });

  peerTest(kind, "what is refused is one line, and leaves no file", async ({ tftp, cwd }) => {
    const missing = await tftp(["get", "nosuch"]);
    assertMatch(missing.stderr, /^tftp: 127\.0\.0\.\d+:\d+: nosuch: .*\(error 1\)\n$/);
    assertEquals([missing.code, [...Deno.readDirSync(cwd)]], [1, []]);
    if (kind.writes) return;
    await Deno.writeTextFile(`${cwd}/cake`, "");
    const refused = await tftp(["put", "cake", "--timeout", "1500ms"]);
    assertMatch(refused.stderr, /^tftp: 127\.0\.0\.69:69: cake: /);
    assertEquals(refused.code === 1 || refused.code === 3, true);
  });

  peerTest(kind, "the lab sheet's session", async ({ tftp, served, cwd }) => {
    await Deno.writeTextFile(`${served}/cake`, "Flour, eggs, sugar.\n");
    await Deno.chmod(`${served}/cake`, 0o666);
    const put = kind.writes ? "put cake\n" : "";
    const ended = await tftp([], `binary\nverbose\ntrace\nget cake\n${put}quit\n`);
    assertEquals(ended.code, 0);
    assertMatch(
      ended.stderr,
      /^verbose is on\ntrace is on\ngetting from .* \[octet\]\n> RRQ <file=cake, mode=octet, .*>\n< OACK <.*>\n> ACK <block=0>\n< DATA <block=1, 20 bytes>\n> ACK <block=1>\ncake: 20 B in /,
    );
    if (kind.writes) assertMatch(ended.stderr, /> WRQ <file=cake[^]*< ACK <block=1>\ncake: 20 B/);
    assertEquals(await Deno.readTextFile(`${cwd}/cake`), "Flour, eggs, sugar.\n");
  });
}
