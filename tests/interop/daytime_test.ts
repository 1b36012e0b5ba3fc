/** The daytime server and client with the tools that everybody has. */
import { assertEquals, assertMatch } from "@std/assert";
import { command as client } from "../../clients/daytime.ts";
import { command as server } from "../../servers/daytime.ts";
import { missingProgram, processTestUnless } from "../support/permissions.ts";
import { run, runCommand, ServerProcess } from "../support/process.ts";

const LINE = /^\w+day, \w+ \d+, \d{4} \d\d:\d\d:\d\d-UTC\r\n$/;

/** Our server with exactly the permissions of its help, on one port for TCP and UDP. */
async function withServer(
  test: (port: string) => Promise<void>,
  host = "127.0.0.1",
): Promise<void> {
  await using daytimed = await ServerProcess.start(
    "servers/daytime.ts",
    ["--host", host, "--port", `${freePort()}`, "--utc"],
    { permissions: server.permissions },
  );
  await daytimed.port("udp");
  await test(`${await daytimed.port()}`);
}

/** A port that nobody listens on, for a peer that cannot choose one itself. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Sends a line to `command` and returns what it prints; its input stays open until then. */
async function firstLine(command: string, args: string[]): Promise<string> {
  const child = new Deno.Command(command, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode("what time is it?\n"));
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.endsWith("\n")) break;
  }
  child.kill("SIGTERM");
  await child.status;
  await writer.abort().catch(() => {});
  return text;
}

processTestUnless(missingProgram("nc"), "nc gets the time by TCP and UDP", async () => {
  await withServer(async (port) => {
    const tcp = await runCommand("nc", ["127.0.0.1", port], { stdin: "what time is it?\n" });
    assertMatch(tcp.stdout, LINE);
    assertEquals([tcp.code, tcp.stderr], [0, ""]);
    assertMatch(await firstLine("nc", ["-u", "127.0.0.1", port]), LINE);
  });
});

processTestUnless(missingProgram("curl"), "curl gets the time by telnet://", async () => {
  await withServer(async (port) => {
    const { code, stdout } = await runCommand("curl", ["-s", `telnet://127.0.0.1:${port}`]);
    assertEquals(code, 0);
    assertMatch(stdout, LINE);
  });
});

processTestUnless(missingProgram("socat"), "socat gets the time by TCP and UDP", async () => {
  await withServer(async (port) => {
    const tcp = await runCommand("socat", ["-u", `TCP:127.0.0.1:${port}`, "-"]);
    assertMatch(tcp.stdout, LINE);
    assertEquals([tcp.code, tcp.stderr], [0, ""]);
    assertMatch(await firstLine("socat", ["-", `UDP:127.0.0.1:${port}`]), LINE);
  });
});

processTestUnless(missingProgram("nmap"), "nmap -sV knows the service for daytime", async () => {
  await withServer(async (port) => {
    const { stdout } = await runCommand("nmap", ["-n", "-Pn", "-sV", "-p", port, "127.0.0.1"]);
    assertMatch(stdout, new RegExp(`^${port}/tcp +open +daytime\\b`, "m"));
  });
});

/** What our client, with exactly the permissions of its help, prints. */
async function ask(...args: string[]): Promise<string> {
  const ended = await run("clients/daytime.ts", args, { permissions: client.permissions });
  assertEquals([ended.code, ended.stderr], [0, ""]);
  return ended.stdout;
}

const XINETD = (port: number): string =>
  [["tcp", "stream", "no"], ["udp", "dgram", "yes"]].map(([protocol, type, wait]) => `
    service daytime
    {
      type = INTERNAL UNLISTED
      id = daytime-${protocol}
      bind = 127.0.0.1
      port = ${port}
      protocol = ${protocol}
      socket_type = ${type}
      wait = ${wait}
      user = root
    }`).join("\n");

processTestUnless(
  missingProgram("xinetd"),
  "daytime asks the daytime service of xinetd by TCP and UDP",
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const port = freePort();
      await Deno.writeTextFile(`${folder}/conf`, XINETD(port));
      await using xinetd = new ServerProcess("xinetd", [
        ...["-dontfork", "-filelog", "/dev/stderr"],
        ...["-f", `${folder}/conf`, "-pidfile", `${folder}/pid`],
      ]);
      await xinetd.says(/Started working: 2 available services/);
      for (const args of [[`127.0.0.1:${port}`], [`127.0.0.1:${port}`, "--udp"]]) {
        assertMatch(await ask(...args), /^ ?\d+ [A-Z]{3} \d{4} \d\d:\d\d:\d\d \w+\n$/);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

processTestUnless(
  missingProgram("socat"),
  "daytime asks the command date behind socat by TCP and UDP",
  async () => {
    for (const [listen, args] of [["TCP-LISTEN", []], ["UDP-RECVFROM", ["--udp"]]] as const) {
      const port = freePort();
      await using socat = new ServerProcess("socat", [
        ...["-d", "-d", `${listen}:${port},bind=127.0.0.1`, "EXEC:date +%F"],
      ]);
      await socat.says(/ N (listening|receiving) on /);
      assertMatch(await ask(`127.0.0.1:${port}`, ...args), /^\d{4}-\d\d-\d\d\n$/);
    }
  },
);
