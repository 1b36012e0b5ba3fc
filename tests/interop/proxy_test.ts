/** The proxy between the tools that everybody has. */
import { delay } from "@std/async/delay";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { command as chatd } from "../../servers/chat.ts";
import { command } from "../../servers/proxy.ts";
import { SERVER } from "../support/identities.ts";
import { missingProgram, missingRoot, processTestUnless } from "../support/permissions.ts";
import { commandLine, runCommand, ServerProcess } from "../support/process.ts";
import { bytes, readText } from "../support/stream.ts";
import { webServer } from "../support/web.ts";

const HERE = "127.0.0.1";
const PROGRAM = "servers/proxy.ts";
const { permissions } = command;

/** Starts a proxy on a port of 127.0.0.1. */
async function startProxy(port: number, ...options: string[]): Promise<ServerProcess> {
  const args = ["0", HERE, `${port}`, "--host", HERE, ...options];
  return await ServerProcess.start(PROGRAM, args, { permissions });
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/cert`, SERVER.cert);
    await Deno.writeTextFile(`${folder}/key`, SERVER.key);
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A port that nobody listens on, for a peer that cannot choose one itself. */
function freePort(): number {
  using listener = Deno.listen({ hostname: HERE, port: 0 });
  return listener.addr.port;
}

/** Waits until something listens on `port`: these peers do not say so. */
async function listens(port: number): Promise<void> {
  for (;;) {
    try {
      using _conn = await Deno.connect({ hostname: HERE, port });
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      await delay(20);
    }
  }
}

/** A program whose input is written and whose output is read as it comes. */
class Piped implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<string>;
  text = "";

  constructor(program: string, args: string[]) {
    this.#child = new Deno.Command(program, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#output = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  async say(text: string): Promise<void> {
    await this.#input.write(bytes(text));
  }

  /** Reads until `pattern` has come. */
  async hears(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.text);
      if (found) return found;
      const { value, done } = await this.#output.read();
      assert(!done, `the end, and no ${pattern}: ${this.text}`);
      this.text += value;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGTERM");
    await this.#child.status;
    await this.#input.abort().catch(() => {});
    await this.#output.cancel();
  }
}

processTestUnless(
  missingProgram("nc"),
  "the exercise: two nc -C through the proxy and one directly talk, and the proxy shows it all",
  async () => {
    await using chat = await ServerProcess.start("servers/chat.ts", [
      "--host",
      HERE,
      "--port",
      "0",
    ], { permissions: chatd.permissions });
    const direct = `${await chat.port()}`;
    const port = `${freePort()}`;
    const args = [port, HERE, direct, "--host", HERE];
    await using proxy = new Piped(Deno.execPath(), commandLine(PROGRAM, args, permissions));
    await listens(Number(port));
    await using alice = new Piped("nc", ["-C", HERE, port]);
    await alice.hears(/guest\d+/);
    await using bob = new Piped("nc", ["-C", HERE, port]);
    await bob.hears(/guest\d+/);
    await using carol = new Piped("nc", ["-C", HERE, direct]);
    await carol.hears(/guest\d+/);
    await alice.say("hello from alice\n");
    for (const other of [bob, carol]) await other.hears(/<guest\d+> hello from alice\r\n/);
    await carol.say("hello from carol\n");
    for (const other of [alice, bob]) await other.hears(/<guest\d+> hello from carol\r\n/);
    await bob.say("salut, ça va ?\n");
    for (const other of [alice, carol]) await other.hears(/<guest\d+> salut, ça va \?\r\n/);
    // nc -C sends a line and its end apart.
    await proxy.hears(/ #\d+ > 127\.0\.0\.1:\d+ hello from alice(\\r\\n)?\n/);
    await proxy.hears(/ #\d+ < 127\.0\.0\.1:\d+ <guest\d+> hello from carol\\r\\n\n/);
    await proxy.hears(/ #\d+ > 127\.0\.0\.1:\d+ salut, ça va \?(\\r\\n)?\n/);
  },
);

processTestUnless(
  missingProgram("socat"),
  "half-close: the late reply comes through the proxy, and not through socat",
  async () => {
    using server = Deno.listen({ hostname: HERE, port: 0 });
    const port = freePort();
    await using _socat = new ServerProcess("socat", [
      `TCP-LISTEN:${port},bind=${HERE},fork`,
      `TCP:${HERE}:${server.addr.port}`,
    ]);
    await listens(port);
    (await server.accept()).close();
    await using proxy = await startProxy(server.addr.port);

    using bySocat = await Deno.connect({ hostname: HERE, port });
    using byProxy = await Deno.connect({ hostname: HERE, port: await proxy.port() });
    for (const client of [bySocat, byProxy]) await client.closeWrite();
    using first = await server.accept();
    using second = await server.accept();
    assertEquals([await readText(first), await readText(second)], ["", ""]);
    // socat gives up after half a second.
    assertEquals(await readText(bySocat), "");
    for (const conn of [first, second]) await conn.write(bytes("late"));
    for (const conn of [first, second]) await conn.closeWrite();
    assertEquals(await readText(byProxy), "late");
  },
);

processTestUnless(missingProgram("curl"), "curl reaches a plain server by TLS", async () => {
  await using web = webServer(() => "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nplain\n");
  await inFolder(async (folder) => {
    const options = ["--tls-listen", "--cert", `${folder}/cert`, "--key", `${folder}/key`];
    await using proxy = await startProxy(web.port, ...options);
    const url = `https://${HERE}:${await proxy.port()}/`;
    assertEquals(await runCommand("curl", ["-sSk", url]), {
      code: 0,
      stdout: "plain\n",
      stderr: "",
    });
  });
});

processTestUnless(
  missingProgram("curl") ?? missingProgram("openssl"),
  "curl reaches a server of openssl without TLS",
  async () => {
    await inFolder(async (folder) => {
      const port = freePort();
      const files = ["-cert", `${folder}/cert`, "-key", `${folder}/key`];
      await using _openssl = new ServerProcess("openssl", [
        ...["s_server", "-accept", `${HERE}:${port}`, "-www", "-quiet"],
        ...files,
      ]);
      await listens(port);
      await using proxy = await startProxy(port, "--tls-upstream", "--insecure");
      const url = `http://${HERE}:${await proxy.port()}/`;
      const { code, stdout } = await runCommand("curl", ["-sS", url]);
      assertEquals(code, 0);
      assertMatch(stdout, /s_server -accept/);
    });
  },
);

/** Runs `test` with haproxy, which in master-worker mode says when it is ready. */
async function withHaproxy(sections: string, test: () => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    const times = ["connect", "client", "server"].map((name) => `timeout ${name} 5s\n`);
    await Deno.writeTextFile(`${folder}/cfg`, `defaults\n${times.join("")}${sections}\n`);
    await using haproxy = new ServerProcess("haproxy", ["-W", "-f", `${folder}/cfg`]);
    await haproxy.says(/Loading success/);
    await test();
    await haproxy.stop();
  });
}

for (const version of ["v1", "v2"]) {
  processTestUnless(
    missingProgram("haproxy") ?? missingProgram("curl"),
    `haproxy on either side knows whose connection it is, PROXY ${version}`,
    async () => {
      const [front, back] = [freePort(), freePort()];
      await using proxy = await startProxy(back, "--accept-proxy", "--send-proxy", version);
      const send = version === "v1" ? "send-proxy" : "send-proxy-v2";
      await withHaproxy(
        `listen front
           mode tcp
           bind ${HERE}:${front}
           server proxy ${HERE}:${await proxy.port()} ${send}
         frontend back
           mode http
           bind ${HERE}:${back} accept-proxy
           http-request return status 200 content-type text/plain lf-string "%[src]:%[src_port] %[dst_port]"`,
        async () => {
          const args = ["-sS", "-w", " %{local_port}", `http://${HERE}:${front}/`];
          const { stdout } = await runCommand("curl", args);
          const [, seen, to, local] = /^127\.0\.0\.1:(\d+) (\d+) (\d+)$/.exec(stdout) ?? [];
          assertEquals([seen, to], [local, `${front}`], stdout);
          await proxy.says(new RegExp(`connected number=1 peer=${HERE}:${local}\n`));
        },
      );
    },
  );
}

processTestUnless(missingProgram("dnsmasq"), "a name is looked up at dnsmasq by UDP", async () => {
  const port = freePort();
  await using dnsmasq = new ServerProcess("dnsmasq", [
    ...["-d", "-C", "/dev/null", "-p", `${port}`, "-a", HERE, "-z"],
    ...["--no-resolv", "--no-hosts", "--address=/www.iiia.net/10.0.1.1"],
  ]);
  await dnsmasq.says(/started, version/);
  await using proxy = await startProxy(port, "--udp");
  const nameServer = { ipAddr: HERE, port: await proxy.port("udp") };
  for (let i = 0; i < 3; i++) {
    assertEquals(await Deno.resolveDns("www.iiia.net", "A", { nameServer }), ["10.0.1.1"]);
  }
});

processTestUnless(
  missingRoot() ?? missingProgram("in.tftpd") ?? missingProgram("curl"),
  "curl gets a file by TFTP from a server that answers from another port",
  async () => {
    await inFolder(async (folder) => {
      await Deno.chmod(folder, 0o755);
      const file = Uint8Array.from({ length: 100_000 }, (_, i) => i * 7 + (i >> 8));
      await Deno.writeFile(`${folder}/file`, file, { mode: 0o644 });
      const port = freePort();
      await using _tftpd = new ServerProcess("in.tftpd", [
        ...["-L", "-4", "-u", "nobody", "--address", `${HERE}:${port}`, "-s", folder],
      ]);
      await using proxy = await startProxy(port, "--udp", "--fault", "duplicate=@5,20");
      const url = `tftp://${HERE}:${await proxy.port("udp")}/file`;
      const { code, stderr } = await runCommand("curl", ["-sS", "-o", `${folder}/got`, url]);
      assertEquals([code, stderr], [0, ""]);
      assertEquals(await Deno.readFile(`${folder}/got`), file);
    });
  },
);

/** What tshark notes of every connection that ends in FIN. */
const CLOSING = /This frame (initiates|undergoes) the connection closing/;

processTestUnless(
  missingProgram("tshark") ?? missingProgram("curl"),
  "tshark finds nothing amiss in a recording, and follows what was said",
  async () => {
    await using web = webServer((request) =>
      `HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n${"x".repeat(300_000)}${
        request.slice(0, 0)
      }`
    );
    await inFolder(async (folder) => {
      const file = `${folder}/file.pcapng`;
      await using proxy = await startProxy(web.port, "--pcap", file);
      const url = `http://${HERE}:${await proxy.port()}/page`;
      const got = await Promise.all([1, 2, 3].map(() => runCommand("curl", ["-sS", url])));
      assert(got.every(({ stdout }) => stdout.length === 300_000));
      assertEquals(await proxy.stop("SIGINT"), 0);
      const taps = ["-z", "expert", "-z", "follow,tcp,ascii,0"];
      const check = ["ip", "tcp"].flatMap((name) => ["-o", `${name}.check_checksum:TRUE`]);
      const { code, stdout } = await runCommand("tshark", ["-nqr", file, ...check, ...taps]);
      assertEquals(code, 0);
      const severe = [...stdout.matchAll(/^(?:Errors|Warns|Notes) .*\n=+\n.*\n((?: .*\n)*)/gm)]
        .flatMap(([, lines = ""]) => lines.trimEnd().split("\n"))
        .filter((line) => !CLOSING.test(line));
      assertEquals(severe, []);
      assertMatch(stdout, /\nGET \/page HTTP\/1\.1\r?\n/);
      assertMatch(stdout, /\n\t\d+\nHTTP\/1\.1 200 OK/);
      const { stdout: requests } = await runCommand("tshark", ["-nr", file, "-Y", "http.request"]);
      assertEquals(requests.trimEnd().split("\n").length, 3, requests);
    });
  },
);

processTestUnless(
  missingProgram("tshark"),
  "tshark watches live, also what was under way before it came",
  async () => {
    using server = Deno.listen({ hostname: HERE, port: 0 });
    await using proxy = await startProxy(server.addr.port, "--pcap-listen", "0");
    const [, source = ""] = await proxy.says(/wireshark -k -i (TCP@\S+)\n/);
    using client = await Deno.connect({ hostname: HERE, port: await proxy.port() });
    using conn = await server.accept();
    await client.write(bytes("before"));
    assertEquals(await conn.read(new Uint8Array(100)), 6);
    const fields = ["ip.src", "tcp.dstport", "tcp.flags.str", "tcp.len"].flatMap((e) => ["-e", e]);
    await using tshark = new Piped("tshark", ["-nl", "-i", source, "-T", "fields", ...fields]);
    // The handshake that it is told of shows that it watches.
    await tshark.hears(/S\W+\t0\n/);
    await client.write(bytes("hello"));
    await tshark.hears(new RegExp(`${HERE}\t${server.addr.port}\t\\S+\t5\n`));
  },
);
