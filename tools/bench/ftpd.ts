/** The FTP server against vsftpd and pyftpdlib: large files, many sessions, idle ones, a large folder. */
import type { Benchmark, Contender, Measure } from "./benchmark.ts";
import { makeFile, memoryFolder } from "./files.ts";
import { compileLoad, figures, holdLoad, serverMemory } from "./load.ts";
import { type CommandLine, freePort, listens, ours, startServer, timed } from "./processes.ts";

const GIB = 2 ** 30;
const DOWN = "1 GiB down";
const UP = "1 GiB up";
const DOWN_TLS = "down, TLS";
const UP_TLS = "up, TLS";
const LOGINS = "300 logins";
const SESSIONS = "sessions";
const IDLE = "500 idle";
const WAIT = "others wait";
const LONGEST_WAIT = "at most";

/** How long sessions are counted, in seconds. */
const SPAN = 5;
const ENTRIES = 100_000;

const VSFTPD = (port: number, folder: string): string =>
  `listen=YES
listen_address=127.0.0.1
listen_port=${port}
background=NO
one_process_model=YES
isolate=NO
isolate_network=NO
seccomp_sandbox=NO
max_per_ip=0
max_clients=0
anonymous_enable=YES
anon_upload_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
write_enable=YES
anon_root=${folder}/root
secure_chroot_dir=${folder}/empty
`;

const VSFTPD_TLS = (folder: string): string =>
  `ssl_enable=YES
allow_anon_ssl=YES
ssl_ciphers=HIGH
require_ssl_reuse=NO
rsa_cert_file=${folder}/cert.pem
rsa_private_key_file=${folder}/key.pem
`;

const PYFTPDLIB = `
import logging, sys
from pyftpdlib import authorizers, handlers, servers
logging.disable(logging.CRITICAL)
authorizer = authorizers.DummyAuthorizer()
authorizer.add_anonymous(sys.argv[2], perm="elradfmw")
handlers.FTPHandler.authorizer = authorizer
server = servers.FTPServer(("127.0.0.1", int(sys.argv[1])), handlers.FTPHandler)
server.max_cons = 0
server.max_cons_per_ip = 0
server.serve_forever()
`;

/** The command line of a server that listens on `port`. */
type ServerLine = (port: number) => CommandLine | Promise<CommandLine>;

/** The benchmark `ftpd`. */
export const benchmark: Benchmark = {
  summary: `over loopback; TLS by curl, the rest by a client in C; sessions of 8 clients that ` +
    `fetch 1 KiB, for ${SPAN} s; what others wait while one lists ${ENTRIES} entries`,
  columns: [
    { name: DOWN, unit: "MB/s", better: "more" },
    { name: UP, unit: "MB/s", better: "more" },
    { name: DOWN_TLS, unit: "MB/s", better: "more" },
    { name: UP_TLS, unit: "MB/s", better: "more" },
    { name: LOGINS, unit: "ms", better: "less" },
    { name: SESSIONS, unit: "1/s", better: "more" },
    { name: IDLE, unit: "MiB", better: "less" },
    { name: WAIT, unit: "ms", better: "less" },
    { name: LONGEST_WAIT, unit: "ms", better: "less" },
  ],

  async contenders(stack): Promise<Contender[]> {
    const folder = await memoryFolder(stack);
    await makeTree(folder);
    const root = `${folder}/root`;
    const load = await compileLoad(folder, "ftp_load.c");
    const ftpd: ServerLine = (port) =>
      ours("ftpd", root, "--write", "--quiet", "--host", "127.0.0.1", "--port", `${port}`);
    const certificate = ["--cert", `${folder}/cert.pem`, "--key", `${folder}/key.pem`];
    const vsftpd = (more: string): ServerLine => async (port) => {
      const file = `${folder}/vsftpd-${port}.conf`;
      await Deno.writeTextFile(file, VSFTPD(port, folder) + more);
      return ["vsftpd", file];
    };
    const python = "/usr/bin/python3"; // Debian's, which has Debian's pyftpdlib.
    const contender = (name: string, plain: ServerLine, secure?: ServerLine): Contender => ({
      name,
      async start(stack): Promise<Record<string, Measure>> {
        const { port } = await startAt(stack, plain);
        return {
          ...measures(load, port, folder),
          ...secure && secureMeasures((await startAt(stack, secure)).port, folder),
          ...Deno.build.os === "linux" && { [IDLE]: () => idleMemory(load, plain) },
        };
      },
    });
    return [
      contender("ftpd", ftpd, async (port) => [...await ftpd(port), ...certificate]),
      { ...contender("vsftpd", vsftpd(""), vsftpd(VSFTPD_TLS(folder))), needs: "vsftpd" },
      {
        ...contender("pyftpdlib", (port) => [python, "-c", PYFTPDLIB, `${port}`, root]),
        needs: "python3",
      },
    ];
  },
};

/** What is served, and a certificate. */
async function makeTree(folder: string): Promise<void> {
  // vsftpd refuses a root that its user may write to.
  for (const name of ["", "empty", "root", "root/up", "root/many"]) {
    await Deno.mkdir(`${folder}/${name}`, { recursive: true });
    await Deno.chmod(`${folder}/${name}`, name === "root/up" ? 0o777 : 0o755);
  }
  await makeFile(`${folder}/root/large`, GIB);
  await makeFile(`${folder}/root/small`, 1024);
  for (let i = 0; i < ENTRIES; i++) {
    Deno.writeTextFileSync(`${folder}/root/many/a-file-with-a-name-${i}`, "");
  }
  const files = ["-keyout", `${folder}/key.pem`, "-out", `${folder}/cert.pem`];
  const kind = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"];
  await timed(["openssl", ...kind, "-subj", "/CN=localhost", ...files]);
}

/** Starts a server on a free port. */
async function startAt(
  stack: AsyncDisposableStack,
  server: ServerLine,
): Promise<{ port: number; pid: number }> {
  const port = freePort();
  return { port, pid: await startServer(stack, await server(port), () => listens(port)) };
}

function measures(load: string, port: number, folder: string): Record<string, Measure> {
  const figure = async (mode: string, ...args: string[]): Promise<number> =>
    (await figures(load, mode, `${port}`, ...args))[0] ?? NaN;
  const waits = (): Promise<number[]> => figures(load, "wait", `${port}`, "many");
  return {
    [DOWN]: () => figure("get", "large"),
    [UP]: () => upload(folder, () => figure("put", "up/large", `${folder}/root/large`)),
    [LOGINS]: () => figure("login", "300"),
    [SESSIONS]: () => figure("session", "small", `${SPAN}`),
    [WAIT]: async () => (await waits())[0] ?? NaN,
    [LONGEST_WAIT]: async () => (await waits())[1] ?? NaN,
  };
}

function secureMeasures(port: number, folder: string): Record<string, Measure> {
  const url = `ftp://127.0.0.1:${port}`;
  const curl = async (...args: string[]): Promise<number> =>
    GIB / 1e6 / await timed(["curl", "-sS", "--ssl-reqd", "--insecure", ...args]);
  return {
    [DOWN_TLS]: () => curl("-o", "/dev/null", `${url}/large`),
    [UP_TLS]: () => upload(folder, () => curl("-T", `${folder}/root/large`, `${url}/up/large`)),
  };
}

/** Takes the figure of an upload of the large file, and looks whether it is there. */
async function upload(folder: string, measure: Measure): Promise<number> {
  const file = `${folder}/root/up/large`;
  await Deno.remove(file).catch(() => {});
  const figure = await measure();
  const { size } = await Deno.stat(file);
  await Deno.remove(file);
  if (size !== GIB) throw new Error(`stored ${size} bytes`);
  return figure;
}

/** The memory of a fresh server with 500 idle sessions. */
async function idleMemory(load: string, server: ServerLine): Promise<number> {
  await using stack = new AsyncDisposableStack();
  const { port, pid } = await startAt(stack, server);
  await holdLoad(stack, load, "hold", `${port}`, "500");
  return await serverMemory(pid);
}
