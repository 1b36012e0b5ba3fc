/** The TFTP server as its user meets it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { command } from "../../servers/tftp.ts";
import { encodeAck, encodeData } from "../../tools/protocol/tftp_packet.ts";
import { processTest, processTestUnless } from "../support/permissions.ts";
import { commandLine, run, type RunOptions, ServerProcess } from "../support/process.ts";
import { RawClient } from "../support/tftp_server.ts";

const AT = ["--host", "127.0.0.1", "--port", "0"];

/** Runs `test` with the program, which has exactly the permissions of its help. */
async function withProgram(
  args: string[],
  test: (
    server: ServerProcess,
    client: () => RawClient,
    folder: string,
    port: number,
  ) => Promise<void>,
  permissions: string[] = command.permissions,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const clients: RawClient[] = [];
  try {
    await Deno.writeTextFile(`${folder}/cake`, "Flour, eggs, sugar.\n");
    const options: RunOptions = { permissions, cwd: folder };
    await using server = await ServerProcess.start("servers/tftp.ts", [...AT, ...args], options);
    const port = await server.port("udp");
    await test(
      server,
      () => {
        const client = new RawClient(port, "127.0.0.1");
        clients.push(client);
        return client;
      },
      folder,
      port,
    );
  } finally {
    clients.forEach((client) => client.close());
    await Deno.remove(folder, { recursive: true });
  }
}

processTest(
  "tftpd serves the folder it stands in, says what happens, and stops by a signal",
  async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      await withProgram([], async (server, client) => {
        const one = client();
        const cake = new TextDecoder().decode(await one.fetch("cake"));
        assertEquals(cake, "Flour, eggs, sugar.\n");
        await server.says(/Z tftpd: sent peer=127\.0\.0\.1 port=\d+ request=read file=\/cake .*\n/);
        assertEquals(await client().answer("WRQ", "pie"), "ERROR 2 This server is read-only");
        assertEquals(await server.stop(signal), 0);
        assertMatch(server.stderr, /^tftpd: listening on udp 127\.0\.0\.1:\d+\n/);
      });
    }
  },
);

processTest("tftpd logs in JSON when told to, or not at all", async () => {
  await withProgram(["--log", "json"], async (server, client) => {
    await client().fetch("cake");
    const [line] = await server.says(/^\{.*"event":"sent".*\}$/m);
    const { time: _, port: __, seconds: ___, rate: ____, ...fields } = JSON.parse(line);
    assertEquals(fields, {
      server: "tftpd",
      event: "sent",
      peer: "127.0.0.1",
      request: "read",
      file: "/cake",
      mode: "octet",
      bytes: 20,
      blksize: 512,
      windowsize: 1,
      resent: 0,
    });
  });
  await withProgram(["--quiet"], async (server, client) => {
    await client().fetch("cake");
    await server.stop();
    assertEquals(server.stderr.split("\n").length, 2);
  });
});

processTest("a signal lets a transfer end first; a second one does not", async () => {
  await withProgram(["--write"], async (server, client, folder) => {
    const one = client();
    await one.request("WRQ", "pie");
    assertEquals(await one.line(), "ACK 0");
    const stopped = server.stop();
    await one.send(encodeData(1, new TextEncoder().encode("Apples")));
    assertEquals(await one.line(), "ACK 1");
    assertEquals(await stopped, 0);
    assertEquals(await Deno.readTextFile(`${folder}/pie`), "Apples");
  });
  await withProgram(["--overwrite"], async (server, client, folder) => {
    const [reader, writer] = [client(), client()];
    await reader.request("RRQ", "cake", { blksize: "8" });
    assertEquals(await reader.line(), "OACK blksize=8");
    await writer.request("WRQ", "cake");
    assertEquals(await writer.line(), "ACK 0");
    server.kill("SIGTERM");
    await reader.send(encodeAck(0));
    await reader.line();
    await writer.send(encodeData(1, new Uint8Array(512)));
    assertEquals(await writer.line(), "ACK 1");
    assertEquals((await Array.fromAsync(Deno.readDir(folder))).length, 2);
    assertEquals(await server.stop("SIGTERM"), 0);
    for (const one of [reader, writer]) {
      assertEquals(await one.line(), "ERROR 0 The server is stopping");
    }
    assertEquals(await Array.fromAsync(Deno.readDir(folder), ({ name }) => name), ["cake"]);
    assertEquals(await Deno.readTextFile(`${folder}/cake`), "Flour, eggs, sugar.\n");
  });
});

processTestUnless(
  Deno.build.os === "linux" ? undefined : "the system tells nothing of signals",
  "when its terminal is closed, a server with all permissions leaves nothing unfinished",
  async () => {
    await withProgram(["--write"], async (server, client, folder) => {
      const [ends, stays] = [client(), client()];
      for (const [one, name] of [[ends, "pie"], [stays, "tart"]] as const) {
        await one.request("WRQ", name);
        assertEquals(await one.line(), "ACK 0");
      }
      // By the shell, and by the system.
      server.kill("SIGHUP");
      server.kill("SIGHUP");
      await ends.send(encodeData(1, new TextEncoder().encode("Apples")));
      assertEquals(await ends.line(), "ACK 1");
      assertEquals(await server.stop("SIGTERM"), 0);
      const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
      assertEquals(names.sort(), ["cake", "pie"]);
    }, ["-A"]);
  },
);

processTest("a client that Deno does not let it answer costs tftpd nothing", async () => {
  const net = command.permissions.map((flag) =>
    flag === "--allow-net" ? `${flag}=127.0.0.1` : flag
  );
  await withProgram([], async (server, client, _folder, port) => {
    const outside = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.2", port: 0 });
    try {
      const one = client();
      await one.request("RRQ", "cake", { blksize: "8" });
      assertEquals(await one.line(), "OACK blksize=8");
      for (const [packet, to] of [[Uint8Array.of(0, 1), port], [encodeAck(0), one.tid]] as const) {
        await outside.send(packet, { transport: "udp", hostname: "127.0.0.1", port: to });
      }
      await server.says(/ failed reason="Requires net access to \\"127\.0\.0\.2:\d+\\"/);
      await one.send(encodeAck(0));
      assertEquals(await one.line(), "DATA 1 Flour, e");
      assertEquals((await client().fetch("cake")).length, 20);
    } finally {
      outside.close();
    }
  }, net);
});

processTest(
  "tftpd without a descriptor left has too many transfers, and goes on when one ends",
  async () => {
    const folder = await Deno.makeTempDir();
    const clients: RawClient[] = [];
    try {
      await Deno.writeTextFile(`${folder}/cake`, "Flour");
      const program = commandLine(
        "servers/tftp.ts",
        [folder, ...AT, "--max-connections", "1000"],
        command.permissions,
      );
      const limited = ["-c", 'ulimit -n 80 && exec "$@"', "sh", Deno.execPath(), ...program];
      await using server = new ServerProcess("sh", limited);
      const port = await server.port("udp");
      const ask = async (): Promise<string> => {
        const one = new RawClient(port, "127.0.0.1");
        clients.push(one);
        await one.request("RRQ", "cake", { blksize: "8" });
        return await one.line();
      };
      let answer = await ask();
      assertEquals(answer, "OACK blksize=8");
      while (answer.startsWith("OACK")) answer = await ask();
      assertEquals(answer, "ERROR 0 Too many transfers; try later");
      await server.says(/ refused .*reason="Too many transfers; try later"/);
      await clients[0]?.goodbye();
      await server.says(/ failed .*reason="the client says: bye"/);
      assertEquals(await ask(), "OACK blksize=8");
      assertEquals(await server.stop("SIGKILL"), 137);
    } finally {
      clients.forEach((client) => client.close());
      await Deno.remove(folder, { recursive: true });
    }
  },
);

processTest("tftpd --map-test shows what a name is turned into", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "^SEP([0-9A-F]+)  phones\\$1\n");
    const test = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await run("servers/tftp.ts", args, {
        permissions: command.permissions,
      });
      assertEquals([code, stderr], [0, ""]);
      return stdout;
    };
    const map = ["--map", file, "--lower-case", "--map-test"];
    assertEquals(await test(...map, "\\SEP00A1.cnf"), "/phones/00a1.cnf\n");
    assertEquals(await test(...map, "Cake"), "/cake\n");
    assertEquals(await test("--map-test", "Cake"), "/Cake\n");
    assertEquals(await test("/srv/tftp", "--map-test", "/srv/tftp/Cake"), "/Cake\n");
  } finally {
    await Deno.remove(file);
  }
});

processTest("tftpd: every mistake is one clear line and its exit code", async () => {
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, "alone\n");
  const taken = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr as Deno.NetAddr;
  const rows: [args: string[], code: number, line: RegExp][] = [
    [["a", "b"], 2, /^tftpd: too many words; usage: tftpd \[DIR\] \[options\]/],
    [["--overwite"], 2, /^tftpd: unknown option --overwite; is it --overwrite\?/],
    [["/nosuch"], 4, /^tftpd: \/nosuch: no such file or folder/],
    [[file], 4, /^tftpd: \S+: not a folder/],
    [["--uploads", "."], 2, /^tftpd: --uploads needs --write or --overwrite/],
    [["--write", "--uploads", "/nosuch"], 4, /^tftpd: \/nosuch: no such file or folder/],
    [["--max-blksize", "7"], 2, /^tftpd: --max-blksize 7: give 8 to 65464 bytes/],
    [["--max-window", "0"], 2, /^tftpd: --max-window 0: give a whole number, 1 or more/],
    [["--port-range", "9-8"], 2, /^tftpd: --port-range 9-8: give the lower port first/],
    [["--port-range", "x"], 2, /^tftpd: --port-range x: a port is a number/],
    [["--single-port", "--port-range", "8-9"], 2, /^tftpd: --single-port leaves no use for --port/],
    [["--allow", "pc1"], 2, /^tftpd: --allow pc1: give an address, or a network such as/],
    [["--map", file], 4, /^tftpd: \S+: line 1: give a pattern and a replacement/],
    [["--map", "/nosuch"], 4, /^tftpd: \/nosuch: no such file or folder/],
    [["--map-test", "a\nb"], 2, /^tftpd: --map-test a\\nb: a name holds no control characters/],
    [["--host", "127.0.0.1", "--port", `${port}`], 3, /^tftpd: 127\.0\.0\.1:\d+: address in use/],
  ];
  try {
    for (const [args, code, line] of rows) {
      const ended = await run("servers/tftp.ts", args, { permissions: command.permissions });
      assertMatch(ended.stderr, line);
      assertEquals([ended.code, ended.stderr.trimEnd().split("\n").length], [code, 1]);
    }
  } finally {
    taken.close();
    await Deno.remove(file);
  }
  const help = await run("servers/tftp.ts", ["--help"], { permissions: command.permissions });
  assertEquals([help.code, help.stderr], [0, ""]);
  assert(help.stdout.includes(command.permissions.join(" ")));
});
