/** The proxy as its user meets it, with the permissions its help names. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { command } from "../../../servers/proxy.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { EXIT } from "../../../tools/program/failure.ts";
import { AUTHORITY, SERVER } from "../../support/identities.ts";
import { readPacket, readPcapng } from "../../support/pcapng.ts";
import { processTest } from "../../support/permissions.ts";
import { commandLine, run, ServerProcess } from "../../support/process.ts";
import { bytes, readText } from "../../support/stream.ts";

const PROGRAM = "servers/proxy.ts";
const { permissions } = command;
const HERE = "127.0.0.1";

function listen(): Deno.TcpListener {
  return Deno.listen({ hostname: HERE, port: 0 });
}

/** Starts a proxy on a port of 127.0.0.1. */
async function startProxy(port: number, ...options: string[]): Promise<ServerProcess> {
  const args = ["0", HERE, `${port}`, "--host", HERE, ...options];
  return await ServerProcess.start(PROGRAM, args, { permissions });
}

async function connect(proxy: ServerProcess): Promise<Deno.TcpConn> {
  return await Deno.connect({ hostname: HERE, port: await proxy.port() });
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

processTest("proxy: a command line that is wrong is one line and exit code 2", async () => {
  const table: [args: string[], line: string][] = [
    [[], "too few words; usage: proxy PORT RHOST RPORT [options] (see --help)"],
    [["8000", "server"], "too few words; usage: proxy PORT RHOST RPORT [options] (see --help)"],
    [
      ["8000", "a", "80", "b"],
      "too many words; usage: proxy PORT RHOST RPORT [options] (see --help)",
    ],
    [["http", "server", "80"], 'PORT "http": a port is a number from 0 to 65535'],
    [["65536", "server", "80"], 'PORT "65536": a port is a number from 0 to 65535'],
    [["8000", "server", "0"], 'RPORT "0": a port is a number from 1 to 65535'],
    [["8000", "", "80"], 'RHOST "": give HOST'],
    [["8000", "a b", "80"], 'RHOST "a b": give HOST'],
    [["8000", "http://server/", "80"], 'RHOST "http://server/": give a host, not a URL'],
    [["8000", "server:80", "80"], 'RHOST "server:80": the port is a word of its own'],
    [["1", "a", "2", "--fault", "lag=1s"], "--fault lag=1s: give [up:|down:]KIND[=VALUE][@RULE]"],
    [["1", "a", "2", "--fault", "drop@3"], "--fault drop: not for streams (try --udp)"],
    [["1", "a", "2", "--udp", "--fault", "rate=1K"], "--fault rate: not for datagrams"],
    [["1", "a", "2", "--udp", "--tls-listen"], "--udp goes without TLS and without the PROXY"],
    [["1", "a", "2", "--tls-listen"], "--tls-listen, --cert FILE and --key FILE go together"],
    [["1", "a", "2", "--tls-listen", "--cert", "x"], "--tls-listen, --cert FILE and --key"],
    [["1", "a", "2", "--cert", "x", "--key", "y"], "--tls-listen, --cert FILE and --key FILE"],
    [["1", "a", "2", "--insecure"], "--cacert and --insecure are for --tls-upstream"],
    [["1", "a", "2", "--send-proxy", "v3"], "--send-proxy v3: give v1 or v2"],
    [["1", "a", "2", "--timeout", "0"], "--timeout 0: give a duration such as"],
    [["1", "a", "2", "--pcap-listen", "x"], "--pcap-listen x: a port is a number from 0 to 65535"],
  ];
  await Promise.all(table.map(async ([args, line]) => {
    const { code, stdout, stderr } = await run(PROGRAM, args, { permissions });
    assertEquals([code, stdout], [EXIT.usage, ""], stderr);
    assert(stderr.startsWith(`proxy: ${line}`), `${args}: ${stderr}`);
    assertEquals(stderr.indexOf("\n"), stderr.length - 1);
  }));
});

processTest("proxy: files and ports that cannot be had", async () => {
  using taken = listen();
  const port = `${taken.addr.port}`;
  await inFolder(async (folder) => {
    const old = `${folder}/old.pcapng`;
    await Deno.writeTextFile(old, "an older recording");
    await Deno.writeTextFile(`${folder}/cert.pem`, SERVER.cert);
    const tls = ["--tls-listen", "--cert", `${folder}/cert.pem`, "--key"];
    const table: [args: string[], code: number, line: string][] = [
      [["--pcap", `${folder}/none/file`], EXIT.file, `${folder}/none/file: no such file or folder`],
      [["--pcap", folder], EXIT.file, `${folder}: is a folder`],
      [[...tls, `${folder}/none.pem`], EXIT.file, `${folder}/none.pem: no such file or folder`],
      [[...tls, `${folder}/cert.pem`], EXIT.file, `${folder}/cert.pem: there is no private key`],
      [["--tls-upstream", "--cacert", old], EXIT.file, `${old}: there is no certificate`],
      [["--host", HERE, "--pcap", old], EXIT.unreachable, `${HERE}:${port}: address in use`],
      [["--pcap-listen", port], EXIT.unreachable, `${HERE}:${port}: address in use`],
    ];
    await Promise.all(table.map(async ([args, expected, line]) => {
      const { code, stderr } = await run(PROGRAM, [port, HERE, "1", ...args], { permissions });
      assertEquals(code, expected, stderr);
      assert(stderr.startsWith(`proxy: ${line}`), stderr);
    }));
    // A proxy that could not start has overwritten nothing.
    assertEquals(await Deno.readTextFile(old), "an older recording");
  });
});

processTest(
  "proxy: it shows and records what passes, and a signal ends it with a whole recording",
  async () => {
    await inFolder(async (folder) => {
      using server = listen();
      const file = `${folder}/file.pcapng`;
      for (const signal of ["SIGINT", "SIGTERM"] as const) {
        await Deno.writeFile(file, new Uint8Array(1_000_000));
        await using proxy = await startProxy(server.addr.port, "--pcap", file, "--log", "json");
        const client = await connect(proxy);
        await client.write(bytes("question"));
        await client.closeWrite();
        const conn = await server.accept();
        assertEquals(await readText(conn), "question");
        const answer = "x".repeat(3_000_000);
        await writeAll(conn, bytes(answer));
        conn.close();
        assertEquals(await readText(client), answer);
        client.close();
        assertEquals(await proxy.stop(signal), EXIT.ok);
        const events = proxy.stderr.trimEnd().split("\n").filter((line) => line.startsWith("{"))
          .map((line) => JSON.parse(line));
        assertEquals(events.map(({ event }) => event), ["connected", "closed"]);
        const { number, up, down } = events[1];
        assertEquals([number, up, down], [1, 8, answer.length]);
        const { application, packets } = readPcapng(await Deno.readFile(file));
        assertMatch(application, /^labsock proxy /);
        const all = packets.map((packet) => readPacket(packet.bytes));
        const length = all.filter(({ ports }) => ports[0] === server.addr.port)
          .reduce((sum, { payload }) => sum + payload.length, 0);
        assertEquals(length, answer.length);
      }
    });
  },
);

processTest("proxy: datagrams, lost on purpose and recorded", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/file.pcapng`;
    const [server, client] = [1, 2].map(() =>
      Deno.listenDatagram({ transport: "udp", hostname: HERE, port: 0 })
    );
    assert(server && client);
    const options = ["--udp", "--fault", "up:drop=@2", "--pcap", file];
    await using proxy = await startProxy((server.addr as Deno.NetAddr).port, ...options);
    const port = await proxy.port("udp");
    for (const text of ["one", "two", "three"]) {
      await client.send(bytes(text), { transport: "udp", hostname: HERE, port });
    }
    const got = [];
    for (let i = 0; i < 2; i++) got.push(new TextDecoder().decode((await server.receive())[0]));
    assertEquals(got, ["one", "three"]);
    assertEquals(await proxy.stop("SIGINT"), EXIT.ok);
    const { packets } = readPcapng(await Deno.readFile(file));
    // What came is recorded, also what was lost here.
    assertEquals(
      packets.map(({ bytes }) => new TextDecoder().decode(readPacket(bytes).payload)),
      ["one", "two", "three"],
    );
    server.close();
    client.close();
  });
});

processTest("proxy: TLS on both sides, with an authority that is trusted", async () => {
  await inFolder(async (folder) => {
    const files = { cert: SERVER.cert, key: SERVER.key, authority: AUTHORITY };
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    using server = Deno.listenTls({ hostname: HERE, port: 0, ...SERVER });
    await using proxy = await startProxy(
      server.addr.port,
      ...["--tls-upstream", "--cacert", `${folder}/authority`],
      ...["--tls-listen", "--cert", `${folder}/cert`, "--key", `${folder}/key`],
    );
    const options = { hostname: HERE, port: await proxy.port(), caCerts: [AUTHORITY] };
    using client = await Deno.connectTls(options);
    await client.write(bytes("hello"));
    await client.closeWrite();
    using conn = await server.accept();
    assertEquals(await readText(conn), "hello");
    await conn.write(bytes("back"));
    await conn.closeWrite();
    assertEquals(await readText(client), "back");
    await proxy.says(/closed number=1/);
  });
});

processTest("proxy: a server whose name nobody knows is named in the log", async () => {
  const name = "x".repeat(64);
  await using proxy = await ServerProcess.start(PROGRAM, ["0", name, "80", "--host", HERE], {
    permissions,
  });
  using client = await connect(proxy);
  assertEquals(await readText(client), "");
  await proxy.says(new RegExp(`failed number=1 .*reason="${name}:80: no such host`));
});

processTest(
  "proxy: a reader of what it shows who goes away stops it, with a whole recording",
  async () => {
    await inFolder(async (folder) => {
      using server = listen();
      const file = `${folder}/file.pcapng`;
      const args = ["0", HERE, `${server.addr.port}`, "--host", HERE, "--pcap", file];
      const child = new Deno.Command(Deno.execPath(), {
        args: commandLine(PROGRAM, args, permissions),
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      await child.stdout.cancel();
      const log = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
      let said = "";
      const says = async (pattern: RegExp): Promise<RegExpExecArray> => {
        for (;;) {
          const found = pattern.exec(said);
          if (found) return found;
          const { value, done } = await log.read();
          assert(!done, said);
          said += value;
        }
      };
      const [, port] = await says(/listening on tcp \S*:(\d+)\n/);
      const client = await Deno.connect({ hostname: HERE, port: Number(port) });
      using conn = await server.accept();
      await client.write(bytes("question"));
      await says(/proxy: nobody reads what is shown any more/);
      // What is under way may end as it would.
      await client.write(bytes("!"));
      await client.closeWrite();
      assertEquals(await readText(conn), "question!");
      conn.close();
      assertEquals(await readText(client), "");
      client.close();
      assertEquals((await child.status).code, EXIT.ok);
      await log.cancel();
      const { packets } = readPcapng(await Deno.readFile(file));
      const passed = packets.map((packet) => readPacket(packet.bytes))
        .filter(({ ports }) => ports[1] === server.addr.port)
        .map(({ payload }) => new TextDecoder().decode(payload)).join("");
      assertEquals(passed, "question!");
    });
  },
);

processTest(
  "proxy: a screen that nobody reads holds nothing up, and is told what it missed",
  async () => {
    using server = listen();
    const args = ["0", HERE, `${server.addr.port}`, "--host", HERE];
    const child = new Deno.Command(Deno.execPath(), {
      args: commandLine(PROGRAM, args, permissions),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const log = child.stderr.getReader();
    let said = "";
    while (!/listening on tcp \S*:(\d+)\n/.test(said)) {
      said += new TextDecoder().decode((await log.read()).value);
    }
    const [, port] = /:(\d+)\n/.exec(said) ?? [];
    using client = await Deno.connect({ hostname: HERE, port: Number(port) });
    using conn = await server.accept();
    const line = "x".repeat(999) + "\n";
    const size = 20_000_000;
    const sending = writeAll(client, bytes(line.repeat(size / line.length)));
    const buffer = new Uint8Array(1 << 20);
    for (let left = size; left > 0;) left -= await conn.read(buffer) ?? 0;
    await sending;
    // Everything has passed, and now somebody reads.
    const shown = new TextDecoderStream();
    const reading = (async (): Promise<string> => {
      let text = "";
      for await (const part of child.stdout.pipeThrough(shown)) text += part;
      return text;
    })();
    client.close();
    conn.close();
    child.kill("SIGINT");
    assertEquals((await child.status).code, EXIT.ok);
    const text = await reading;
    await log.cancel();
    const seen = [...text.matchAll(/ (x*)(\\n)?$/gm)]
      .reduce((sum, [, line = "", end]) => sum + line.length + (end ? 1 : 0), 0);
    const missed = [...text.matchAll(/^\[(\d+) bytes not shown\]$/gm)]
      .reduce((sum, [, count]) => sum + Number(count), 0);
    assert(missed > 0);
    assertEquals(seen + missed, size);
  },
);
