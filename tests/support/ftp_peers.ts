/** Real FTP servers, each started with one writable folder and one user. */
import { delay } from "@std/async/delay";
import { SERVER } from "./identities.ts";
import { runCommand, ServerProcess } from "./process.ts";

/** The servers there are. */
export const PEERS = ["vsftpd", "proftpd", "pure-ftpd", "pyftpdlib"] as const;
/** The name of a server. */
export type PeerName = typeof PEERS[number];

/** How a server is started. */
export interface PeerOptions {
  host: "127.0.0.1" | "::1";
  /** TLS by AUTH TLS, required, with resumed sessions where the server can ask for that. */
  tls: boolean;
  /** The folder it serves; the user may write into `up` within it. */
  home: string;
}

/** A server that runs; `await using` stops it. */
export interface Peer extends AsyncDisposable {
  port: number;
  user: string;
  password: string;
}

const NOBODY = 65534;
const PASSWORD = "guest@";
// The same by crypt(3), for passwd files.
const CRYPTED =
  "$6$labsock$sKcqcFqwnSCRi2igJSOr9DrUxKsEl7cwoQp2ou/kz6KCEU7FCLZm.yMMFywAOLE4iGfm..HhNXr38R7.7rFgN0";

/**
 * The folders where a server may be: those of Debian, and, since some of these
 * packages exclude each other, one in which they were unpacked by `dpkg -x`.
 */
function folders(): string[] {
  const unpacked = Deno.env.get("LABSOCK_PEERS");
  return [...unpacked ? [`${unpacked}/usr`] : [], "/usr"];
}

function find(path: string): string | undefined {
  return folders().map((folder) => `${folder}/${path}`).find((file) => {
    try {
      return Deno.statSync(file);
    } catch {
      return false;
    }
  });
}

/** Why `name` cannot be started here, or undefined. */
export function missingPeer(name: PeerName): string | undefined {
  for (const permission of ["read", "env", "sys"] as const) {
    if (Deno.permissions.querySync({ name: permission }).state !== "granted") return undefined;
  }
  if (Deno.uid() !== 0) return "needs root";
  const program = name === "pyftpdlib"
    ? find("lib/python3/dist-packages/pyftpdlib") && find("lib/python3/dist-packages/OpenSSL")
    : find(`sbin/${name}`);
  return program ? undefined : `${name} is not installed`;
}

/** Starts a server in the folder `work`, for its files. */
export async function startPeer(name: PeerName, work: string, options: PeerOptions): Promise<Peer> {
  // Each server has a user of its own for what is written.
  await Deno.chmod(`${options.home}/up`, 0o777);
  const port = freePort(options.host);
  const cert = `${work}/cert.pem`;
  await Deno.writeTextFile(cert, SERVER.key + SERVER.cert, { mode: 0o600 });
  const [command, args, user] = await SETUP[name]({ ...options, work, port, cert });
  const process = new ServerProcess(command, args);
  await listens(process, options.host, port);
  return {
    port,
    user,
    password: PASSWORD,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

interface Setup extends PeerOptions {
  work: string;
  port: number;
  /** A file with certificate and key. */
  cert: string;
}

/** Program, arguments, user. */
type Launch = [string, string[], string];

const SETUP: Record<PeerName, (setup: Setup) => Promise<Launch>> = {
  async vsftpd({ host, tls, home, work, port, cert }): Promise<Launch> {
    await Deno.mkdir(`${work}/empty`);
    const config = {
      listen: host === "::1" ? "NO" : "YES",
      listen_ipv6: host === "::1" ? "YES" : "NO",
      [host === "::1" ? "listen_address6" : "listen_address"]: host,
      listen_port: port,
      background: "NO",
      anonymous_enable: "YES",
      anon_upload_enable: "YES",
      anon_mkdir_write_enable: "YES",
      anon_other_write_enable: "YES",
      anon_world_readable_only: "NO",
      anon_umask: "022",
      anon_root: home,
      write_enable: "YES",
      secure_chroot_dir: `${work}/empty`,
      seccomp_sandbox: "NO",
      ...tls && {
        ssl_enable: "YES",
        allow_anon_ssl: "YES",
        force_anon_logins_ssl: "YES",
        force_anon_data_ssl: "YES",
        require_ssl_reuse: "YES",
        ssl_ciphers: "HIGH",
        rsa_cert_file: cert,
      },
    };
    const file = `${work}/vsftpd.conf`;
    const lines = Object.entries(config).map(([key, value]) => `${key}=${value}\n`);
    await Deno.writeTextFile(file, lines.join(""));
    return [find("sbin/vsftpd") ?? "vsftpd", [file], "ftp"];
  },

  async proftpd({ host, tls, home, work, port, cert }): Promise<Launch> {
    const secrets = { mode: 0o600 };
    await Deno.writeTextFile(`${work}/passwd`, passwdLine(home), secrets);
    await Deno.writeTextFile(`${work}/group`, `nogroup:x:${NOBODY}:lab\n`, secrets);
    const file = `${work}/proftpd.conf`;
    await Deno.writeTextFile(
      file,
      `ServerType standalone
DefaultAddress ${host}
SocketBindTight on
Port ${port}
User root
Group root
ModulePath ${find("lib/proftpd")}
PidFile ${work}/pid
ScoreboardFile none
DelayTable none
WtmpLog off
SystemLog none
AuthUserFile ${work}/passwd
AuthGroupFile ${work}/group
AuthOrder mod_auth_file.c
RequireValidShell off
DefaultRoot ~
AllowOverwrite on
AllowStoreRestart on
HiddenStores off
`,
    );
    if (tls) {
      await Deno.writeTextFile(
        file,
        `LoadModule mod_tls.c
TLSEngine on
TLSRequired on
TLSProtocol TLSv1.2
TLSECCertificateFile ${cert}
TLSECCertificateKeyFile ${cert}
`,
        { append: true },
      );
    }
    return [find("sbin/proftpd") ?? "proftpd", ["--nodaemon", "--config", file], "lab"];
  },

  async "pure-ftpd"({ host, tls, home, work, port, cert }): Promise<Launch> {
    // An entry of pure-pw: name, password, ids, comment, home, and limits that are not set.
    await Deno.writeTextFile(
      `${work}/users`,
      passwdLine(`${home}/./`).replace(/:[^:]*$/, ":".repeat(12)),
    );
    const made = await runCommand(find("bin/pure-pw") ?? "pure-pw", [
      "mkdb",
      `${work}/users.pdb`,
      "-f",
      `${work}/users`,
    ]);
    if (made.code !== 0) throw new Error(made.stderr);
    return [
      find("sbin/pure-ftpd") ?? "pure-ftpd",
      ["-S", `${host},${port}`, "-g", `${work}/pid`, "-l", `puredb:${work}/users.pdb`, "-E", "-H"]
        .concat("-u", "1", ...tls ? ["-Y", "3", "-2", cert] : []),
      "lab",
    ];
  },

  // deno-lint-ignore require-await
  async pyftpdlib({ host, tls, home, port, cert }): Promise<Launch> {
    return ["/usr/bin/python3", ["-c", PYFTPDLIB, host, `${port}`, home, tls ? cert : ""], "lab"];
  },
};

const PYFTPDLIB = `
import sys
from pyftpdlib import authorizers, handlers, servers
host, port, home, cert = sys.argv[1:]
authorizer = authorizers.DummyAuthorizer()
authorizer.add_user("lab", "${PASSWORD}", home, perm="elradfmwMT")
handler = handlers.TLS_FTPHandler if cert else handlers.FTPHandler
if cert:
    handler.certfile = handler.keyfile = cert
    handler.tls_control_required = handler.tls_data_required = True
handler.authorizer = authorizer
servers.FTPServer((host, int(port)), handler).serve_forever()
`;

/** A line of a passwd file for the user `lab`. */
function passwdLine(home: string): string {
  return `lab:${CRYPTED}:${NOBODY}:${NOBODY}::${home}:/bin/sh\n`;
}

/** A port that was free a moment ago: these servers cannot choose one themselves. */
function freePort(hostname: string): number {
  using listener = Deno.listen({ hostname, port: 0 });
  return listener.addr.port;
}

/** Waits until a server takes connections: most of them do not say so. */
async function listens(process: ServerProcess, hostname: string, port: number): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    try {
      using _conn = await Deno.connect({ hostname, port });
      return;
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
      await delay(20);
    }
  }
  await process[Symbol.asyncDispose]();
  throw new Error(`the server does not listen: ${process.stderr}`);
}
