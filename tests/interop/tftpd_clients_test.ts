/** The TFTP server with the clients that people have. */
import { assertEquals, assertMatch } from "@std/assert";
import { command } from "../../servers/tftp.ts";
import { missingProgram, processTestUnless } from "../support/permissions.ts";
import { runCommand, ServerProcess } from "../support/process.ts";
import { pattern } from "../support/tftp_line.ts";

const HERE = "127.0.0.1";

/** What a test is given. */
interface Places {
  server: ServerProcess;
  port: string;
  /** The folder that is served. */
  served: string;
  /** The folder of the client, and where it runs. */
  local: string;
}

/** Our server with exactly the permissions of its help, on `files`. */
async function withServer(
  files: Record<string, Uint8Array | string>,
  test: (places: Places) => Promise<void>,
  args: string[] = ["--overwrite"],
): Promise<void> {
  const [served, local] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
  try {
    for (const [name, data] of Object.entries(files)) {
      const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
      await Deno.writeFile(`${served}/${name}`, bytes);
    }
    await using server = await ServerProcess.start(
      "servers/tftp.ts",
      [served, "--host", HERE, "--port", "0", ...args],
      { permissions: command.permissions },
    );
    await test({ server, port: `${await server.port("udp")}`, served, local });
  } finally {
    for (const folder of [served, local]) await Deno.remove(folder, { recursive: true });
  }
}

/** Runs a client to its end; it must go well. Returns all it printed. */
async function client(
  { local }: Places,
  command: string,
  args: string[],
  stdin?: string,
): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args, {
    cwd: local,
    ...stdin === undefined ? {} : { stdin },
  });
  assertEquals(code, 0, `${command} ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout + stderr;
}

// Around the ends of blocks and windows.
const SIZES = [0, 1, 511, 512, 513, 16 * 512, 16 * 512 + 1, 100_000];
const FILES = Object.fromEntries(SIZES.map((size) => [`f${size}`, pattern(size)]));

/** Whether the files of both folders are those of FILES; `up` is the name of one that was sent back. */
async function checkBoth({ served, local }: Places, up: (name: string) => string): Promise<void> {
  for (const [name, data] of Object.entries(FILES)) {
    assertEquals(await Deno.readFile(`${local}/${name}`), data, name);
    assertEquals(await Deno.readFile(`${served}/${up(name)}`), data, up(name));
  }
}

processTestUnless(missingProgram("tftp"), "tftpd: the lab sheet's session with tftp", async () => {
  await withServer({ cake: "Flour, eggs, sugar.\n" }, async (places) => {
    const session = "binary\nverbose\ntrace\nget cake\nput cake\nquit\n";
    const said = await client(places, "tftp", [HERE, places.port], session);
    assertMatch(said, /sent RRQ <file=cake, mode=octet>/);
    assertMatch(said, /received DATA <block=1, 20 bytes>/);
    assertMatch(said, /sent WRQ <file=cake, mode=octet>/);
    assertMatch(said, /received ACK <block=1>/);
    assertEquals(await Deno.readTextFile(`${places.local}/cake`), "Flour, eggs, sugar.\n");
    assertEquals(await Deno.readTextFile(`${places.served}/cake`), "Flour, eggs, sugar.\n");
    await places.server.says(/ sent .*bytes=20 [^]* received .*bytes=20 /);
  });
});

processTestUnless(
  missingProgram("tftp"),
  "tftpd: tftp gets and puts files of every size",
  async () => {
    await withServer(FILES, async (places) => {
      const lines = Object.keys(FILES).flatMap((name) => [`get ${name}`, `put ${name} up-${name}`]);
      await client(places, "tftp", ["-m", "octet", HERE, places.port], lines.join("\n"));
      await checkBoth(places, (name) => `up-${name}`);
    });
  },
);

processTestUnless(missingProgram("tftp"), "tftpd: tftp moves text", async () => {
  const text = "one\ntwo\rthree\r\n".repeat(100);
  await withServer({ text }, async (places) => {
    const lines = "ascii\nget text\nput text back\nquit\n";
    await client(places, "tftp", [HERE, places.port], lines);
    assertEquals(await Deno.readTextFile(`${places.local}/text`), text);
    assertEquals(await Deno.readTextFile(`${places.served}/back`), text);
  });
});

processTestUnless(missingProgram("tftp"), "tftpd: tftp is told what goes wrong", async () => {
  await withServer({ cake: "Flour" }, async (places) => {
    const said = await client(
      places,
      "tftp",
      [HERE, places.port],
      "get nosuch\nput cake cake\nget ../../etc/passwd\nquit\n",
    );
    assertMatch(said, /Error code 1: File not found/);
    await Deno.writeTextFile(`${places.local}/cake`, "Sugar");
    const again = await client(places, "tftp", [HERE, places.port], "put cake\nquit\n");
    assertMatch(again, /Error code 2: This server is read-only/);
    assertEquals(await Deno.readTextFile(`${places.served}/cake`), "Flour");
  }, []);
});

processTestUnless(
  missingProgram("atftp"),
  "tftpd: atftp with blocks and windows of every size",
  async () => {
    const data = pattern(300_001);
    await withServer({ file: data, small: pattern(8 * 64) }, async (places) => {
      const { local, served, port } = places;
      for (const blksize of [8, 256, 512, 1428, 1533, 16_000, 40_000, 65_464]) {
        const name = blksize === 8 ? "small" : "file";
        const expected = await Deno.readFile(`${served}/${name}`);
        for (const windowsize of [1, 2, 4, 16, 64]) {
          const options = [
            "--option",
            `blksize ${blksize}`,
            "--option",
            `windowsize ${windowsize}`,
          ];
          const at = `blksize ${blksize}, windowsize ${windowsize}`;
          await client(places, "atftp", [...options, "-g", "-r", name, "-l", "down", HERE, port]);
          assertEquals(await Deno.readFile(`${local}/down`), expected, at);
          await client(places, "atftp", [...options, "-p", "-l", "down", "-r", "up", HERE, port]);
          assertEquals(await Deno.readFile(`${served}/up`), expected, at);
          await Deno.remove(`${local}/down`);
        }
      }
    });
  },
);

processTestUnless(missingProgram("atftp"), "tftpd: atftp with all its options", async () => {
  await withServer({ cake: "Flour" }, async (places) => {
    const options = ["blksize 1024", "tsize 0", "timeout 2", "windowsize 8"].flatMap((option) => [
      "--option",
      option,
    ]);
    const args = [...options, "--trace", "-g", "-r", "cake", "-l", "cake", HERE, places.port];
    const said = await client(places, "atftp", args);
    assertMatch(said, /received OACK <tsize: 5\W+windowsize: 8\W+timeout: 2\W+blksize: 1024/);
    assertEquals(await Deno.readTextFile(`${places.local}/cake`), "Flour");
  });
});

processTestUnless(
  missingProgram("curl"),
  "tftpd: curl gets and puts files of every size",
  async () => {
    await withServer(FILES, async (places) => {
      const url = `tftp://${HERE}:${places.port}`;
      for (const name of Object.keys(FILES)) {
        await client(places, "curl", ["-sS", "-O", `${url}/${name}`]);
        await client(places, "curl", ["-sS", "-T", name, `${url}/up-${name}`]);
      }
      await checkBoth(places, (name) => `up-${name}`);
      for (const blksize of ["8", "1428", "65464"]) {
        const args = ["-sS", "--tftp-blksize", blksize, "-O", `${url}/f100000`];
        await client(places, "curl", args);
        assertEquals(await Deno.readFile(`${places.local}/f100000`), FILES.f100000);
      }
      await client(places, "curl", ["-sS", "--tftp-no-options", "-O", `${url}/f513`]);
      const { code } = await runCommand("curl", ["-s", `${url}/nosuch`]);
      assertEquals(code, 68); // TFTP: file not found.
    });
  },
);

processTestUnless(
  missingProgram("busybox"),
  "tftpd: busybox gets and puts files of every size",
  async () => {
    await withServer(FILES, async (places) => {
      for (const name of Object.keys(FILES)) {
        for (const size of [[], ["-b", "1428"], ["-b", "65464"]]) {
          const down = ["tftp", ...size, "-g", "-r", name, "-l", name, HERE, places.port];
          await client(places, "busybox", down);
          const up = ["tftp", ...size, "-p", "-l", name, "-r", `up-${name}`, HERE, places.port];
          await client(places, "busybox", up);
          await checkOne(places, name);
        }
      }
    });
  },
);

async function checkOne({ served, local }: Places, name: string): Promise<void> {
  assertEquals(await Deno.readFile(`${local}/${name}`), FILES[name]);
  assertEquals(await Deno.readFile(`${served}/up-${name}`), FILES[name]);
}

for (const program of ["atftp", "curl", "busybox"] as const) {
  processTestUnless(missingProgram(program), `tftpd: ${program} with a single port`, async () => {
    await withServer(FILES, async (places) => {
      const { port, local, served } = places;
      const [down, up] = {
        atftp: [["-g", "-r", "f100000", "-l", "f100000", HERE, port], [
          ...["-p", "-l", "f100000", "-r", "up", HERE, port],
        ]],
        curl: [["-sS", "-O", `tftp://${HERE}:${port}/f100000`], [
          ...["-sS", "-T", "f100000", `tftp://${HERE}:${port}/up`],
        ]],
        busybox: [["tftp", "-g", "-r", "f100000", "-l", "f100000", HERE, port], [
          ...["tftp", "-p", "-l", "f100000", "-r", "up", HERE, port],
        ]],
      }[program];
      await client(places, program, down ?? []);
      await client(places, program, up ?? []);
      assertEquals(await Deno.readFile(`${local}/f100000`), FILES.f100000);
      assertEquals(await Deno.readFile(`${served}/up`), FILES.f100000);
    }, ["--overwrite", "--single-port"]);
  });
}
