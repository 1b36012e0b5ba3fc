/** The program tftp as its user meets it, with the permissions of its help. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { command, main } from "../../clients/tftp.ts";
import { describePacket } from "../../tools/protocol/tftp_describe.ts";
import { encodeData, encodeError } from "../../tools/protocol/tftp_packet.ts";
import { FakeTime } from "../support/fake_time.ts";
import {
  missingProgram,
  processTest,
  processTestUnless,
  testWith,
} from "../support/permissions.ts";
import { commandLine, type Ended, run, runCommand, ServerProcess } from "../support/process.ts";

const PROGRAM = "clients/tftp.ts";
const CAKE = "Flour, eggs, sugar.\n";
const LARGE = Uint8Array.from({ length: 300_000 }, (_, i) => i * 7 % 251);
const DONE: Ended = { code: 0, stdout: "", stderr: "" };

/** A server, with files, and the folder the user is in. */
interface Setting {
  server: string;
  served: string;
  cwd: string;
  tftp(args: string[], stdin?: string): Promise<Ended>;
}

function tftpTest(name: string, test: (setting: Setting) => Promise<void>): void {
  processTest(`tftp: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const [served, cwd] = [`${folder}/served`, `${folder}/cwd`];
      await Deno.mkdir(served);
      await Deno.mkdir(cwd);
      await Deno.writeTextFile(`${served}/cake`, CAKE);
      await Deno.writeFile(`${served}/large`, LARGE);
      await using process = await ServerProcess.start("servers/tftp.ts", [
        served,
        "--overwrite",
        ...["--host", "127.0.0.1", "--port", "0"],
      ]);
      await test({
        server: `127.0.0.1:${await process.port("udp")}`,
        served,
        cwd,
        tftp: (args, stdin) =>
          run(PROGRAM, args, {
            permissions: command.permissions,
            cwd,
            ...stdin === undefined ? {} : { stdin },
          }),
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

function names(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}

/** A UDP socket of a server that the test plays. */
function udpServer(): Deno.DatagramConn & Disposable & { address: string } {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  return Object.assign(socket, {
    address: `127.0.0.1:${port}`,
    [Symbol.dispose]: () => socket.close(),
  });
}

tftpTest("files are fetched and sent", async ({ tftp, server, served, cwd }) => {
  assertEquals(await tftp([server, "get", "cake"]), DONE);
  assertEquals(await Deno.readTextFile(`${cwd}/cake`), CAKE);
  assertEquals(await tftp([server, "get", "cake", "-"]), { ...DONE, stdout: CAKE });
  assertEquals(await tftp([`tftp://${server}/cake`, "-"]), { ...DONE, stdout: CAKE });
  for (const options of [[], ["--no-options"], ["-b", "65464"], ["-b", "8", "-w", "64"]]) {
    assertEquals(await tftp([server, "get", "large", ...options]), DONE);
    assertEquals(await Deno.readFile(`${cwd}/large`), LARGE);
    assertEquals(await tftp([server, "put", "large", "copy", ...options]), DONE);
    assertEquals(await Deno.readFile(`${served}/copy`), LARGE);
  }
  assertEquals(await tftp([server, "put", "-", "typed"], "a\nb\n"), DONE);
  assertEquals(await Deno.readTextFile(`${served}/typed`), "a\nb\n");
  assertEquals(await tftp([server, "mput", "cake", "large"]), DONE);
  assertEquals(await tftp([server, "mget", "copy", "typed"]), DONE);
  assertEquals(names(cwd), ["cake", "copy", "large", "typed"]);
  assertEquals(names(served), ["cake", "copy", "large", "typed"]);
});

tftpTest("text is as lines end on each side", async ({ tftp, server, served, cwd }) => {
  await Deno.writeTextFile(`${cwd}/text`, "one\ntwo\rthree\r\n");
  assertEquals(await tftp([server, "put", "text", "--ascii"]), DONE);
  assertEquals(await Deno.readTextFile(`${served}/text`), "one\ntwo\rthree\r\n");
  assertEquals(await tftp([`tftp://${server}/text;mode=netascii`, "copy"]), DONE);
  assertEquals(await Deno.readTextFile(`${cwd}/copy`), "one\ntwo\rthree\r\n");
});

tftpTest("-v shows the packets", async ({ tftp, server }) => {
  const { stderr } = await tftp(["-v", server, "get", "cake"]);
  assertMatch(
    stderr,
    /^> RRQ <file=cake, mode=octet, .*blksize=1428.*>\n< OACK <.*>\n> ACK <block=0>\n< DATA <block=1, 20 bytes>\n> ACK <block=1>\n$/,
  );
});

tftpTest("a dialogue comes from a script", async ({ tftp, server, served, cwd }) => {
  const script = "binary\nverbose\nget cake\nput cake pie\nstatus\nquit\nget large\n";
  const { code, stdout, stderr } = await tftp([server], script);
  assertMatch(
    stderr,
    /^verbose is on\ngetting .*\ncake: 20 B in .*\nputting .*\ncake: 20 B in .*\n$/,
  );
  assertMatch(stdout, new RegExp(`^Server: ${server}\n`));
  assertEquals([code, names(cwd)], [0, ["cake"]]);
  assertEquals(await Deno.readTextFile(`${served}/pie`), CAKE);
  const failed = await tftp([], `get a\nconnect ${server}\nget nosuch\nget cake again\n`);
  assertMatch(failed.stderr, /^get: name the server first: connect HOST\nget: .*: nosuch: .*\n$/);
  assertEquals([failed.code, names(cwd)], [2, ["again", "cake"]]);
});

tftpTest("what fails is one line and an exit code, and leaves no file", async (setting) => {
  const { tftp, server, cwd, served } = setting;
  await Deno.mkdir(`${cwd}/folder`);
  using silent = udpServer();
  const cases: [args: string[], code: number, line: RegExp][] = [
    [["a", "fetch", "b"], 2, /^tftp: "fetch": give one of get, put, mget, mput/],
    [["a", "get"], 2, /^tftp: usage: get REMOTE \[LOCAL\]/],
    [["a", "get", "b", "-b", "7"], 2, /^tftp: --blksize 7: give a number from 8 to 65464/],
    [["a", "get", "b", "-w", "0"], 2, /^tftp: --windowsize 0: give a number from 1 to 65535/],
    [["a", "get", "b", "-w", "9999"], 2, /^tftp: a socket's buffer does not hold 9999 blocks/],
    [["a", "get", "b", "--rexmt", "300"], 2, /^tftp: --rexmt 300: give a time from 100ms to 255s/],
    [["nosuch.invalid", "get", "b"], 3, /^tftp: nosuch\.invalid:69: no such host/],
    [["127.0.0.1", "-6", "get", "b"], 3, /^tftp: 127\.0\.0\.1: is not an IPv6 address/],
    [[server, "get", "nosuch"], 1, /^tftp: 127\.0\.0\.1:\d+: nosuch: .* \(error 1\)$/m],
    [[server, "get", "cake", "folder"], 4, /^tftp: folder: is a folder/],
    [[server, "get", "cake", "none/cake"], 4, /^tftp: none\/cake: no such file or folder/],
    [[server, "put", "nosuch"], 4, /^tftp: nosuch: no such file or folder/],
    [[server, "put", "folder"], 4, /^tftp: folder: is a folder/],
    [
      [silent.address, "get", "cake", "--timeout", "50ms"],
      3,
      /^tftp: 127\.0\.0\.1:\d+: cake: no answer in time \(is a TFTP server running there\?\)/,
    ],
  ];
  for (const [args, code, line] of cases) {
    const ended = await tftp(args);
    assertMatch(ended.stderr, line);
    assertEquals([ended.code, ended.stdout, ended.stderr.trimEnd().split("\n").length], [
      code,
      "",
      1,
    ]);
  }
  assertEquals(names(cwd), ["folder"]);
  // One that fails does not stop the others, and its code is that of all.
  const ended = await tftp([server, "mget", "nosuch", "cake"]);
  assertEquals([ended.code, names(cwd)], [1, ["cake", "folder"]]);
  assertEquals(names(served), ["cake", "large"]);
});

testWith(
  ["net", "sys", "read", "write", "env"],
  "tftp ends with its last acknowledgement, and waits for no repetition",
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      // Of this clock no time passes: a program that waited would not end.
      using _time = new FakeTime();
      using server = udpServer();
      const ended = main([server.address, "get", "cake", `${folder}/cake`]);
      const buffer = new Uint8Array(2000);
      const [, client] = await server.receive(buffer);
      await server.send(encodeData(1, new TextEncoder().encode(CAKE)), client);
      assertEquals(describePacket((await server.receive(buffer))[0]), "ACK <block=1>");
      assertEquals(await ended, 0);
      assertEquals(await Deno.readTextFile(`${folder}/cake`), CAKE);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

for (const when of ["before the answer", "in a transfer"]) {
  processTest(`tftp: Ctrl-C ${when} ends it, and leaves no file`, async () => {
    const cwd = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${cwd}/cake`, "old");
      using server = udpServer();
      const args = commandLine(PROGRAM, [server.address, "get", "cake"], command.permissions);
      const child = new Deno.Command(Deno.execPath(), {
        args,
        cwd,
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).spawn();
      const ended = child.output();
      const buffer = new Uint8Array(2000);
      const [, client] = await server.receive(buffer);
      if (when === "in a transfer") {
        await server.send(encodeData(1, new Uint8Array(512)), client);
        assertEquals(describePacket((await server.receive(buffer))[0]), "ACK <block=1>");
      }
      child.kill("SIGINT");
      if (when === "in a transfer") {
        const [packet] = await server.receive(buffer);
        assertEquals(describePacket(packet), "ERROR <code=0, msg=interrupted>");
      }
      const { code, stderr } = await ended;
      assertMatch(
        new TextDecoder().decode(stderr),
        /^tftp: 127\.0\.0\.1:\d+: cake: interrupted\n$/,
      );
      assertEquals([code, names(cwd)], [130, ["cake"]]);
      assertEquals(await Deno.readTextFile(`${cwd}/cake`), "old");
    } finally {
      await Deno.remove(cwd, { recursive: true });
    }
  });
}

processTest("tftp: a server that stops in a transfer is a reason to try later", async () => {
  const cwd = await Deno.makeTempDir();
  try {
    using server = udpServer();
    const ended = run(PROGRAM, [server.address, "get", "cake"], {
      permissions: command.permissions,
      cwd,
    });
    const buffer = new Uint8Array(2000);
    const [, client] = await server.receive(buffer);
    await server.send(encodeData(1, new Uint8Array(512)), client);
    assertEquals(describePacket((await server.receive(buffer))[0]), "ACK <block=1>");
    await server.send(encodeError(0, "The server is stopping"), client);
    const stderr = `tftp: ${server.address}: cake: The server is stopping (error 0)\n`;
    assertEquals([await ended, names(cwd)], [{ code: 5, stdout: "", stderr }, []]);
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
});

processTestUnless(
  missingProgram("sh") ?? missingProgram("head"),
  "tftp: a reader of its output who goes away ends it quietly",
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/lines`, "one line\n".repeat(100_000));
      await using server = await ServerProcess.start("servers/tftp.ts", [
        folder,
        ...["--host", "127.0.0.1", "--port", "0"],
      ]);
      const line = commandLine(PROGRAM, [
        `127.0.0.1:${await server.port("udp")}`,
        ...["get", "lines", "-"],
      ], command.permissions);
      const words = [Deno.execPath(), ...line].map((word) => `'${word}'`).join(" ");
      const { code, stdout, stderr } = await runCommand("sh", [
        "-c",
        `(${words}; echo "code $?" >&2) | head -n 1`,
      ]);
      assertEquals([code, stdout, stderr], [0, "one line\n", "code 0\n"]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

processTest("tftp: both families of addresses", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/cake`, CAKE);
    let port = 0;
    try {
      using listener = Deno.listen({ hostname: "::1", port: 0 });
      port = listener.addr.port;
    } catch {
      return; // A machine without IPv6.
    }
    await using _server = await ServerProcess.start("servers/tftp.ts", [
      folder,
      ...["--host", "127.0.0.1", "--host", "::1", "--port", `${port}`],
    ]);
    for (const args of [[`[::1]:${port}`], [`127.0.0.1:${port}`], [`localhost:${port}`, "-4"]]) {
      const ended = await run(PROGRAM, [...args, "get", "cake", "-"]);
      assertEquals(ended, { ...DONE, stdout: CAKE }, `${args}`);
    }
    assert(port > 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
