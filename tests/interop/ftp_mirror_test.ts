/** Mirrors against real servers, both ways, and after everything was cut off. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { FtpClient } from "../../clients/ftp/client.ts";
import type { MirrorOptions } from "../../clients/ftp/mirror.ts";
import { Trace } from "../../tools/program/trace.ts";
import { Secret } from "../../tools/protocol/secret.ts";
import { makeLocalTree, type Mirrored, mirrored } from "../support/ftp_mirror.ts";
import { missingPeer, type Peer, type PeerName, PEERS, startPeer } from "../support/ftp_peers.ts";
import { processTest, processTestUnless } from "../support/permissions.ts";
import { commandLine, run, ServerProcess } from "../support/process.ts";

const TIME = new Date("2024-02-29T12:34:56Z");

/** Names that are hard to say, files of all sizes, a few hundred small ones. */
function files(): Record<string, Uint8Array> {
  const names = [
    "plain",
    "two words",
    " blank",
    "-dash",
    ".hidden",
    "\u00fcn\u00ef",
    "[x]*?",
    "a;b=c, d",
  ];
  return {
    ...Object.fromEntries(names.map((name, i) => [`odd/${name}`, noise(i)])),
    // proftpd makes no folder with a star in its name.
    ...Object.fromEntries(
      names.map((name) => [`folders/${name.replace("*", "")}/f`, noise(10)]),
    ),
    ...Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`many/${i % 10}/${i}`, noise(i * 20)]),
    ),
    "large": noise(LARGE),
  };
}

const LARGE = 3_000_000;
const LARGE_PART = new RegExp(`/\\.large\\.${LARGE}-\\d+\\.part$`);

function noise(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 2654435761) >>> 13);
}

/** A server, and what is around it. */
interface Setting {
  peer: Peer;
  /** The folder that it serves, in which `up` may be written to. */
  home: string;
  /** An empty folder. */
  local: string;
  mirror(options: Partial<MirrorOptions>): Promise<Mirrored>;
  /** The command line of the program that mirrors `url`, a path of the server, with `options`. */
  ftp(url: string, ...options: string[]): string[];
}

/** Our own server, as a process. */
async function startOurs(home: string): Promise<Peer> {
  const server = await ServerProcess.start("servers/ftp.ts", [
    "--write",
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    home,
  ]);
  return {
    port: await server.port(),
    user: "ftp",
    password: "guest@",
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function withPeer(
  name: PeerName | "ftpd",
  tls: boolean,
  test: (setting: Setting) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.chmod(folder, 0o755);
    const [home, work, local] = [`${folder}/home`, `${folder}/work`, `${folder}/local`] as const;
    for (const path of [`${home}/up`, work, local]) await Deno.mkdir(path, { recursive: true });
    await using peer = name === "ftpd"
      ? await startOurs(home)
      : await startPeer(name, work, { host: "127.0.0.1", tls, home });
    const connect = async (): Promise<FtpClient> => {
      const client = await FtpClient.connect({
        // Deno keeps TLS sessions by name: each server must have its own.
        host: `${name}.mirror.test`,
        port: peer.port,
        tls: tls ? "explicit" : "none",
        insecure: true,
        encoding: "utf-8",
        timeout: 20_000,
        passive: true,
        trustPassiveHost: false,
        trace: new Trace(Deno.env.has("FTP_TRACE")),
        async dial(_, port, signal): Promise<Deno.TcpConn> {
          const conn = await Deno.connect({ hostname: "127.0.0.1", port, signal });
          conn.setNoDelay();
          return conn;
        },
        listen: (hostname) => Deno.listen({ hostname, port: 0 }),
      });
      await client.login({ user: peer.user, password: new Secret(peer.password) });
      return client;
    };
    await test({
      peer,
      home,
      local,
      mirror: (options) => mirrored(connect, local, { sessions: 3, ...options }),
      ftp: (url, ...options) => [
        "-4",
        "-r",
        ...options,
        "-u",
        `${peer.user}:${peer.password}`,
        `ftp://127.0.0.1:${peer.port}/${url}`,
      ],
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What is below a folder: the digests of its files by their paths, and folders with a slash at their ends. */
async function digest(folder: string, path = ""): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { name, isFile } of Deno.readDirSync(`${folder}/${path}`)) {
    const inner = path + name;
    if (isFile) {
      const data = await Deno.readFile(`${folder}/${inner}`);
      found[inner] = new Uint8Array(await crypto.subtle.digest("SHA-256", data)).toHex();
    } else {
      Object.assign(found, { [`${inner}/`]: "" }, await digest(folder, `${inner}/`));
    }
  }
  return found;
}

/** Everything that a mirror does. */
async function bothWays({ home, local, mirror }: Setting): Promise<void> {
  const tree = files();
  const count = Object.keys(tree).length;
  makeLocalTree(`${home}/pub`, tree, TIME);
  await Deno.mkdir(`${home}/pub/none`);
  const down = { remote: "pub" };
  const first = await mirror(down);
  assertEquals([first.problems, first.filesDone], [[], count]);
  assertEquals(await digest(local), await digest(`${home}/pub`));
  // LIST tells the day of what is half a year old.
  const { mtime } = await Deno.stat(`${local}/many/0/0`);
  assertEquals(mtime?.toISOString().slice(0, 10), TIME.toISOString().slice(0, 10));
  const second = await mirror(down);
  assertEquals([second.files, second.same, second.problems], [0, count, []]);

  const extra = { "gone/deep/f": "x", "many/x": "x" };
  makeLocalTree(local, { ...extra, "many/0/10": "changed" }, TIME);
  const cleaned = await mirror({ ...down, delete: true });
  assertEquals([cleaned.problems, cleaned.removed, cleaned.filesDone], [[], 2, 1]);
  assertEquals(await digest(local), await digest(`${home}/pub`));

  const up = { up: true, remote: "/up/site/x" };
  const sent = await mirror(up);
  assertEquals([sent.problems, sent.filesDone], [[], count]);
  assertEquals(await digest(`${home}/up/site/x`), await digest(local));
  const again = await mirror(up);
  assertEquals([again.files, again.same, again.problems], [0, count, []]);

  makeLocalTree(local, extra, TIME);
  await mirror(up);
  for (const name of ["gone", "many/x"]) await Deno.remove(`${local}/${name}`, { recursive: true });
  await Deno.writeTextFile(`${local}/many/0/10`, "changed");
  const removed = await mirror({ ...up, delete: true });
  assertEquals([removed.problems, removed.removed, removed.filesDone], [[], 2, 1]);
  assertEquals(await digest(`${home}/up/site/x`), await digest(local));
}

for (const name of PEERS) {
  for (const tls of [false, true]) {
    processTestUnless(
      missingPeer(name),
      `mirror() both ways with ${name}, ${tls ? "TLS" : "in clear"}`,
      () => withPeer(name, tls, bothWays),
    );
  }
}

processTest("mirror() both ways with ftpd", () => withPeer("ftpd", false, bothWays));

/** Waits until the part of the large file in `folder` has content. */
async function partGrows(folder: string): Promise<void> {
  for await (const { paths } of Deno.watchFs(folder)) {
    for (const path of paths.filter((path) => LARGE_PART.test(path))) {
      const { size } = await Deno.stat(path).catch(() => ({ size: 0 }));
      if (size > 0) return;
    }
  }
}

/** Starts a slow mirror of a large file, and kills it with its part begun in `folder`. */
async function killed(args: string[], cwd: string, folder: string): Promise<void> {
  const growing = partGrows(folder);
  const program = commandLine("clients/ftp.ts", ["--limit-rate", "500K", ...args]);
  await using mirror = new ServerProcess(Deno.execPath(), program, { cwd });
  // A mirror that ends by itself is told at once, with its reason.
  await Promise.race([growing, mirror.says(/ended without a part/)]);
}

/** The offset that the dialogue `stderr` goes on at. */
function offset(stderr: string, command: RegExp): number {
  assertMatch(stderr, command);
  return Number(command.exec(stderr)?.[1]);
}

for (const name of ["vsftpd", "pyftpdlib", "ftpd"] as const) {
  processTestUnless(
    name === "ftpd" ? undefined : missingPeer(name),
    `a mirror from ${name} that was killed goes on where it was`,
    () =>
      withPeer(name, false, async ({ home, local, ftp }) => {
        makeLocalTree(`${home}/pub`, files(), TIME);
        await killed(ftp("pub"), local, local);
        const part = [...Deno.readDirSync(local)].find(({ name }) => name.endsWith(".part"));
        const { size } = await Deno.stat(`${local}/${part?.name}`);
        assert(size > 0 && size < LARGE);
        const { code, stderr } = await run("clients/ftp.ts", ["-v", ...ftp("pub")], { cwd: local });
        assertEquals([code, offset(stderr, /^> REST (\d+)$/m)], [0, size], stderr);
        assertEquals(await digest(local), await digest(`${home}/pub`));
      }),
  );

  if (name === "ftpd") continue; // It keeps nothing of an upload that is cut off.
  processTestUnless(
    missingPeer(name),
    `a mirror to ${name} that was killed goes on where it was`,
    () =>
      withPeer(name, false, async ({ home, local, ftp }) => {
        makeLocalTree(local, files(), TIME);
        await killed(ftp("up", "-T", "."), local, `${home}/up`);
        const args = ["-v", ...ftp("up", "-T", ".")];
        const { code, stderr } = await run("clients/ftp.ts", args, { cwd: local });
        assertMatch(stderr, /^> APPE /m);
        assertEquals(code, 0, stderr);
        assertEquals(await digest(`${home}/up`), await digest(local));
      }),
  );
}

processTestUnless(
  missingPeer("pyftpdlib"),
  "a mirror from a server that goes away says so, and keeps what it has",
  () =>
    withPeer("pyftpdlib", false, async ({ peer, home, local, ftp }) => {
      makeLocalTree(`${home}/pub`, files(), TIME);
      const growing = partGrows(local);
      const args = ["--limit-rate", "500K", ...ftp("pub")];
      const running = run("clients/ftp.ts", args, { cwd: local });
      await growing;
      await peer[Symbol.asyncDispose]();
      const { code, stderr } = await running;
      assertEquals(code, 3, stderr);
      assertMatch(stderr, /^ftp: no session: connection refused \(is a server running there\?\)$/m);
      const part = [...Deno.readDirSync(local)].find(({ name }) => name.endsWith(".part"));
      assertMatch(part?.name ?? "", /^\.large\.3000000-/);
    }),
);
