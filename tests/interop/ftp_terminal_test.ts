/** The dialogue of ftp at a terminal: keys go in, and the screen is read. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { command } from "../../clients/ftp.ts";
import { missingPeer, type Peer, startPeer } from "../support/ftp_peers.ts";
import { missingProgram, processTestUnless } from "../support/permissions.ts";
import { commandLine } from "../support/process.ts";
import { CTRL_C, CTRL_D, Terminal, UP } from "../support/pty.ts";

/** A test with a server, and a terminal where the program talks to it. */
function terminalTest(
  name: string,
  test: (start: (...args: string[]) => Terminal, cwd: string, peer: Peer) => Promise<void>,
): void {
  const missing = missingPeer("pyftpdlib") ?? missingProgram("script");
  processTestUnless(missing, `ftp at a terminal: ${name}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      const [home, work, cwd] = ["home", "work", "cwd"].map((name) => `${folder}/${name}`) as [
        string,
        string,
        string,
      ];
      for (const path of [`${home}/up`, work, cwd]) {
        await Deno.mkdir(path, { recursive: true });
      }
      await Deno.writeTextFile(`${home}/two words`, "two\n");
      await Deno.writeFile(`${home}/large`, new Uint8Array(3_000_000));
      for (let i = 1; i <= 12; i++) await Deno.writeTextFile(`${home}/file${i}`, `${i}\n`);
      await using peer = await startPeer("pyftpdlib", work, {
        host: "127.0.0.1",
        tls: false,
        home,
      });
      const env = { XDG_STATE_HOME: `${folder}/state`, NETRC: `${folder}/none`, SHELL: "/bin/sh" };
      await test(
        (...args) =>
          new Terminal(
            commandLine("clients/ftp.ts", [...args, `127.0.0.1:${peer.port}`], command.permissions),
            { cwd, env },
          ),
        cwd,
        peer,
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

terminalTest("a whole dialogue", async (start, cwd, peer) => {
  {
    await using terminal = start();
    await terminal.sees(/Name \(anonymous\): $/);
    await terminal.type(`${peer.user}\r`);
    await terminal.sees(/Password: $/);
    await terminal.type(`${peer.password}x\x7f\r`);
    await terminal.sees(/230 .*\nftp> $/);
    await terminal.type("ls\r");
    await terminal.sees(/\nfile1 +file3 .* large +up\/\nfile2 .* two words\nftp> $/);

    // A name is completed, and quoted; what was typed ahead waits for it.
    await terminal.type("get tw\t\r");
    await terminal.sees(/two\\ words /);
    await terminal.sees(/two words: 4 B in .*\nftp> $/);
    assertEquals(await Deno.readTextFile(`${cwd}/two words`), "two\n");

    // Several lines at once, and the line before.
    await terminal.type("pwd\rsize file1\r");
    await terminal.sees(/pwd\n\/\n/);
    await terminal.sees(/size file1\n2\nftp> $/);
    await terminal.type(`${UP}2\r`);
    await terminal.sees(/size file12\n3\nftp> $/);

    // Ctrl-C drops a line; the next one is whole.
    await terminal.type(`nonsense${CTRL_C}`);
    await terminal.sees(/nonsense\^C\n.*ftp> $/);
    await terminal.type("pwd\r");
    await terminal.sees(/pwd\n\/\nftp> $/);

    await terminal.type("mget file1*\r");
    await terminal.sees(/mget file1 \[y\/n\/a\/q\]\? $/);
    await terminal.type("n\r");
    await terminal.sees(/mget file10 \[y\/n\/a\/q\]\? $/);
    await terminal.type("y\r");
    await terminal.sees(/mget file11 \[y\/n\/a\/q\]\? $/);
    await terminal.type(CTRL_C);
    await terminal.sees(/ftp> $/);
    assertEquals([...Deno.readDirSync(cwd)].map(({ name }) => name).sort(), [
      "file10",
      "two words",
    ]);

    // A program has the keyboard to itself.
    await terminal.type("!echo ready; read x; echo got $x\r");
    await terminal.sees(/\nready\n/);
    await terminal.type("this\r");
    await terminal.sees(/got this\nftp> $/);

    await terminal.type(`user ${peer.user} ${peer.password}\r`);
    await terminal.sees(/ftp> $/);
    await terminal.type(CTRL_D);
    assertEquals(await terminal.ends(), 0);
    // Typed in a command it is seen, as the password that was asked for never is.
    assertEquals(terminal.screen.split(peer.password).length - 1, 1);
  }
  const history = `${cwd}/../state/labsock/ftp_history`;
  const remembered = await Deno.readTextFile(history);
  assertMatch(
    remembered,
    /^ls\nget two\\ words\npwd\nsize file1\nsize file12\npwd\nmget file1\*\n!echo/,
  );
  assert(!remembered.includes(peer.password));
  assertEquals(Number((await Deno.stat(history)).mode) & 0o777, 0o600);

  await using again = start("-n");
  await again.sees(/ftp> $/);
  await again.type(`${UP}${UP}`);
  await again.sees(/mget file1\*$/);
  await again.type(`${CTRL_C}${CTRL_D}`);
  assertEquals(await again.ends(), 0);
});

terminalTest("Ctrl-C ends a transfer, and not the program", async (start, cwd, peer) => {
  await using terminal = start("--limit-rate", "200K", "-u", `${peer.user}:${peer.password}`);
  await terminal.sees(/230 .*\nftp> $/);
  await terminal.type("get large\r");
  await terminal.sees(/\[=+ +\] \d+% /);
  await terminal.type(CTRL_C);
  await terminal.sees(/get: large: the transfer was aborted; \d+ bytes are kept \(reget goes on\)/);
  await terminal.sees(/ftp> $/);
  await terminal.type("pwd\r");
  await terminal.sees(/pwd\n\/\nftp> $/);
  assertEquals([...Deno.readDirSync(cwd)].map(({ name }) => name), [".large.part"]);
  await terminal.type("bye\r");
  assertEquals(await terminal.ends(), 0);
});

terminalTest("Ctrl-C ends the wait for a server that says nothing", async (start, _cwd, peer) => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using terminal = start("-u", `${peer.user}:${peer.password}`);
  await terminal.sees(/230 .*\nftp> $/);
  await terminal.type("close\r");
  await terminal.sees(/\nftp> $/);
  await terminal.type(`open 127.0.0.1:${silent.addr.port}\r`);
  using _conn = await silent.accept();
  await terminal.type(CTRL_C);
  await terminal.sees(/\n\^C\ropen: [^\n]*interrupted\nftp> $/);
  await terminal.type("bye\r");
  assertEquals(await terminal.ends(), 0);
});

terminalTest("a server that goes is one line, and the prompt stays", async (start, _cwd, peer) => {
  await using terminal = start("-u", `${peer.user}:${peer.password}`);
  await terminal.sees(/230 .*\nftp> $/);
  await peer[Symbol.asyncDispose]();
  await terminal.type("pwd\r");
  await terminal.sees(/pwd\n127\.0\.0\.1:\d+: [^\r]* \(open connects again\)\nftp> $/);
  await terminal.type(`open 127.0.0.1:${peer.port}\r`);
  await terminal.sees(/open: 127\.0\.0\.1:\d+: connection refused [^\r]*\nftp> $/);
  await terminal.type("bye\r");
  assertEquals(await terminal.ends(), 0);
});

terminalTest("Ctrl-C ends a download by URL, and its bar", async (_start, cwd, peer) => {
  const url = `ftp://${peer.user}:${peer.password}@127.0.0.1:${peer.port}/large`;
  const args = ["--limit-rate", "200K", "-o", "large", url];
  await using terminal = new Terminal(commandLine("clients/ftp.ts", args), { cwd, env: {} });
  await terminal.sees(/\[=+ +\] \d+% /);
  await terminal.type(CTRL_C);
  // The end of the bar gives the cursor back, and ends its line.
  await terminal.sees(/ s left\n\rftp: interrupted; \d+ bytes are kept \(-C - goes on\)\n/);
  assertEquals(await terminal.ends(), 130);
});
