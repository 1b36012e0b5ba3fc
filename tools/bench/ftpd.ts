/** The FTP server against vsftpd and pyftpdlib: large files by curl, and many small sessions. */
import { ByteReader } from "../net/reader.ts";
import { closeQuietly } from "../net/errors.ts";
import { writeAll } from "../net/writer.ts";
import { parsePassive } from "../protocol/ftp_address.ts";
import type { Benchmark, Contender, Measure } from "./benchmark.ts";
import { makeFile, memoryFolder } from "./files.ts";
import { type CommandLine, freePort, listens, ours, startServer, timed } from "./processes.ts";

const GIB = 2 ** 30;
const DOWN = "1 GiB down";
const UP = "1 GiB up";
const LOGINS = "300 logins";
const SESSIONS = "sessions of 8 clients";
const CLIENTS = 8;
/** How long sessions are counted, in milliseconds. */
const SPAN = 5000;

const VSFTPD = (port: number, folder: string): string =>
  `listen=YES
listen_address=127.0.0.1
listen_port=${port}
background=NO
one_process_model=YES
anonymous_enable=YES
anon_upload_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
write_enable=YES
anon_root=${folder}
secure_chroot_dir=${folder}/empty
seccomp_sandbox=NO
max_per_ip=1000
`;

const PYFTPDLIB = `
import logging, sys
from pyftpdlib import authorizers, handlers, servers
logging.disable(logging.CRITICAL)
authorizer = authorizers.DummyAuthorizer()
authorizer.add_anonymous(sys.argv[2], perm="elradfmw")
handlers.FTPHandler.authorizer = authorizer
server = servers.FTPServer(("127.0.0.1", int(sys.argv[1])), handlers.FTPHandler)
server.max_cons_per_ip = 0
server.serve_forever()
`;

/** The benchmark `ftpd`. */
export const benchmark: Benchmark = {
  summary: "files by curl, logins, and sessions that fetch 1 KiB, over loopback",
  columns: [
    { name: DOWN, unit: "MB/s", better: "more" },
    { name: UP, unit: "MB/s", better: "more" },
    { name: LOGINS, unit: "ms", better: "less" },
    { name: SESSIONS, unit: "/s", better: "more" },
  ],

  async contenders(stack): Promise<Contender[]> {
    const folder = await memoryFolder(stack);
    // vsftpd refuses a root that its user may write to.
    await Deno.mkdir(`${folder}/empty`);
    await Deno.mkdir(`${folder}/up`);
    await Deno.chmod(folder, 0o755);
    await Deno.chmod(`${folder}/up`, 0o777);
    await makeFile(`${folder}/large`, GIB);
    await makeFile(`${folder}/small`, 1024);
    const contender = (
      name: string,
      needs: string | undefined,
      command: (port: number) => CommandLine,
    ): Contender => ({
      name,
      ...(needs === undefined ? {} : { needs }),
      async start(stack): Promise<Record<string, Measure>> {
        const port = freePort();
        await startServer(stack, command(port), () => listens(port));
        return measures(port, folder);
      },
    });
    return [
      contender(
        "ftpd",
        undefined,
        (port) =>
          ours("ftpd", folder, "--write", "--quiet", "--host", "127.0.0.1", "--port", `${port}`),
      ),
      contender("vsftpd", "vsftpd", (port) => {
        const config = `${folder}/vsftpd.conf`;
        Deno.writeTextFileSync(config, VSFTPD(port, folder));
        return ["vsftpd", config];
      }),
      contender(
        "pyftpdlib",
        "python3",
        (port) => ["/usr/bin/python3", "-c", PYFTPDLIB, `${port}`, folder],
      ),
    ];
  },
};

function measures(port: number, folder: string): Record<string, Measure> {
  const url = `ftp://127.0.0.1:${port}`;
  return {
    [DOWN]: async () => GIB / 1e6 / await timed(["curl", "-sS", "-o", "/dev/null", `${url}/large`]),
    async [UP](): Promise<number> {
      await Deno.remove(`${folder}/up/large`).catch(() => {});
      const seconds = await timed(["curl", "-sS", "-T", `${folder}/large`, `${url}/up/large`]);
      const { size } = await Deno.stat(`${folder}/up/large`);
      await Deno.remove(`${folder}/up/large`);
      if (size !== GIB) throw new Error(`stored ${size} bytes`);
      return GIB / 1e6 / seconds;
    },
    async [LOGINS](): Promise<number> {
      const start = performance.now();
      const clients: Client[] = [];
      try {
        for (let i = 0; i < 300; i++) clients.push(await Client.login(port));
        return performance.now() - start;
      } finally {
        for (const client of clients) await client.quit();
      }
    },
    async [SESSIONS](): Promise<number> {
      const start = performance.now();
      let sessions = 0;
      const work = async (): Promise<void> => {
        while (performance.now() - start < SPAN) {
          const client = await Client.login(port);
          await client.fetch("small", 1024);
          await client.quit();
          sessions++;
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, work));
      return sessions / (performance.now() - start) * 1000;
    },
  };
}

/** A client that knows what the answers will be. */
class Client {
  readonly #conn: Deno.TcpConn;
  readonly #reader: ByteReader;

  private constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    this.#reader = new ByteReader(conn);
    conn.setNoDelay();
  }

  static async login(port: number): Promise<Client> {
    const client = new Client(await Deno.connect({ hostname: "127.0.0.1", port }));
    await client.#reply("220");
    await client.#ask("USER anonymous", "331");
    await client.#ask("PASS bench@", "230");
    return client;
  }

  async fetch(name: string, size: number): Promise<void> {
    await this.#ask("TYPE I", "200");
    const { host: hostname, port } = parsePassive(await this.#ask("PASV", "227"));
    using data = await Deno.connect({ hostname, port });
    // pyftpdlib says 125.
    await this.#ask(`RETR ${name}`, "1");
    const buffer = new Uint8Array(4096);
    let got = 0;
    for (let n; (n = await data.read(buffer)) !== null;) got += n;
    if (got !== size) throw new Error(`got ${got} bytes`);
    await this.#reply("226");
  }

  async quit(): Promise<void> {
    await this.#ask("QUIT", "221");
    closeQuietly(this.#conn);
  }

  async #ask(line: string, code: string): Promise<string> {
    await writeAll(this.#conn, new TextEncoder().encode(`${line}\r\n`));
    return await this.#reply(code);
  }

  async #reply(code: string): Promise<string> {
    for (;;) {
      const line = await this.#reader.readLine({ longest: 1000, end: "crlf" });
      const text = new TextDecoder().decode(line ?? new Uint8Array(0));
      if (!text.startsWith(code)) throw new Error(`expected ${code}, got ${text}`);
      if (text.charAt(3) === " ") return text;
    }
  }
}
