/** The dialogue of tftp at a terminal: keys go in, and the screen is read. */
import { assertEquals, assertMatch } from "@std/assert";
import { command } from "../../clients/tftp.ts";
import { describePacket } from "../../tools/protocol/tftp_describe.ts";
import { encodeData } from "../../tools/protocol/tftp_packet.ts";
import { missingProgram, processTestUnless } from "../support/permissions.ts";
import { commandLine, ServerProcess } from "../support/process.ts";
import { CTRL_C, CTRL_D, Terminal, UP } from "../support/pty.ts";

/** A test with the program at a terminal, in a folder of its own. */
function terminalTest(
  name: string,
  test: (start: (...args: string[]) => Terminal, cwd: string, served: string) => Promise<void>,
): void {
  processTestUnless(missingProgram("script"), `tftp at a terminal: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const [cwd, served] = [`${folder}/cwd`, `${folder}/served`];
      await Deno.mkdir(cwd);
      await Deno.mkdir(served);
      const env = { XDG_STATE_HOME: `${folder}/state` };
      const start = (...args: string[]): Terminal =>
        new Terminal(commandLine("clients/tftp.ts", args, command.permissions), { cwd, env });
      await test(start, cwd, served);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

terminalTest("a whole dialogue", async (start, cwd, served) => {
  await Deno.writeTextFile(`${served}/cake`, "Flour.\n");
  await Deno.writeFile(`${served}/large`, new Uint8Array(3_000_000));
  await using server = await ServerProcess.start("servers/tftp.ts", [
    served,
    "--overwrite",
    ...["--host", "127.0.0.1", "--port", "0"],
  ]);
  const address = `127.0.0.1:${await server.port("udp")}`;
  {
    await using terminal = start();
    await terminal.sees(/tftp> $/);
    await terminal.type("get cake\r");
    await terminal.sees(/get: name the server first: connect HOST\ntftp> $/);
    await terminal.type(`connect ${address}\r`);
    await terminal.sees(new RegExp(`Server: ${address}\ntftp> $`));
    await terminal.type("get cake\r");
    await terminal.sees(/\[=+\] 100% +7 B of 7 B [^]*cake: 7 B in [^\n]*\ntftp> $/);

    // Local names are completed, and those of the server that were used.
    await terminal.type("put ca\t pie\r");
    await terminal.sees(/put cake +pie\n[^]*cake: 7 B in [^\n]*\ntftp> $/);
    await terminal.type("get pi\t-\r");
    await terminal.sees(/get pie -\nFlour\.\npie: 7 B in [^\n]*\ntftp> $/);

    // Ctrl-C drops a line; the next one is whole.
    await terminal.type(`nonsense${CTRL_C}`);
    await terminal.sees(/nonsense\^C\n.*tftp> $/);
    await terminal.type("trace\rget cake\r");
    // Without a bar, which would stand in the middle of it.
    await terminal.sees(/> RRQ <file=cake, [^[]*< DATA <block=1, 7 bytes>\n> ACK <block=1>\n/);
    await terminal.sees(/^cake: 7 B in [^\n]*\ntftp> $/);
    await terminal.type(`trace\r${UP}${UP}\r`);
    await terminal.sees(/get cake\n[^]*cake: 7 B in [^\n]*\ntftp> $/);
    await terminal.type(CTRL_D);
    assertEquals(await terminal.ends(), 0);
  }
  assertEquals(await Deno.readTextFile(`${served}/pie`), "Flour.\n");
  assertMatch(
    await Deno.readTextFile(`${cwd}/../state/labsock/tftp_history`),
    /^get cake\nconnect .*\nget cake\nput cake +pie\nget pie -\ntrace\nget cake\ntrace\nget cake\n$/,
  );

  await using shot = start(address, "get", "large");
  await shot.sees(/\[=+\] 100% +2\.9 MiB of 2\.9 MiB /);
  assertEquals(await shot.ends(), 0);
});

terminalTest(
  "Ctrl-C ends a transfer, and the wait for an answer, and not the program",
  async (start, cwd) => {
    const server = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    try {
      const { port } = server.addr as Deno.NetAddr;
      await using terminal = start(`127.0.0.1:${port}`);
      await terminal.sees(/tftp> $/);
      await terminal.type("get cake\r");
      await server.receive();
      await terminal.type(CTRL_C);
      await terminal.sees(/\^C\r*get: 127\.0\.0\.1:\d+: cake: interrupted\ntftp> $/);
      await terminal.type("get cake\r");
      const [, client] = await server.receive();
      await server.send(encodeData(1, new Uint8Array(512)), client);
      await server.receive();
      await terminal.type(CTRL_C);
      await terminal.sees(/get: 127\.0\.0\.1:\d+: cake: interrupted\ntftp> $/);
      assertEquals([...Deno.readDirSync(cwd)], []);
      await terminal.type("quit\r");
      assertEquals(await terminal.ends(), 0);
    } finally {
      server.close();
    }
  },
);

terminalTest(
  "when that is closed, a download leaves nothing, and the server is told",
  async (_start, cwd) => {
    const server = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
    try {
      const { port } = server.addr as Deno.NetAddr;
      const buffer = new Uint8Array(2000);
      // Only with all permissions it learns what a closed terminal is to do.
      const line = commandLine("clients/tftp.ts", [`127.0.0.1:${port}`], ["-A"]);
      const terminal = new Terminal(line, { cwd, env: { XDG_STATE_HOME: `${cwd}/../state` } });
      await terminal.sees(/tftp> $/);
      await terminal.type("trace\rget cake\r");
      const [, client] = await server.receive(buffer);
      await server.send(encodeData(1, new Uint8Array(512)), client);
      await terminal.sees(/> ACK <block=1>\n/);
      assertEquals([...Deno.readDirSync(cwd)].length, 1);
      const changes = Deno.watchFs(cwd);
      await terminal[Symbol.asyncDispose]();
      for (let words = ""; words !== "ERROR <code=0, msg=interrupted>";) {
        words = describePacket((await server.receive(buffer))[0]);
      }
      for await (const _ of changes) if ([...Deno.readDirSync(cwd)].length === 0) break;
    } finally {
      server.close();
    }
  },
);
