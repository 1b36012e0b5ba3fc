/** TFTP servers of others, each with a folder of its own. */
import { command } from "../../../clients/tftp.ts";
import { TftpClient, TftpError } from "../../../clients/tftp/client.ts";
import { DatagramEndpoint } from "../../../tools/net/datagram.ts";
import { Trace } from "../../../tools/program/trace.ts";
import { missingProgram, missingRoot, processTestUnless } from "../../support/permissions.ts";
import { type Ended, run, ServerProcess } from "../../support/process.ts";

/** What a server can do. */
export interface PeerKind {
  name: "tftpd-hpa" | "atftpd" | "dnsmasq";
  /** It takes files. */
  writes: boolean;
  /** It knows windowsize. */
  windows: boolean;
}

/** All of them. */
export const PEERS: readonly PeerKind[] = [
  { name: "tftpd-hpa", writes: true, windows: false },
  { name: "atftpd", writes: true, windows: true },
  { name: "dnsmasq", writes: false, windows: false },
];

/** A server that runs. `await using` ends it. */
interface Peer extends AsyncDisposable {
  /** `HOST:PORT`. */
  address: string;
}

// dnsmasq has one port for TFTP, and so gets an address of its own.
const DNSMASQ = "127.0.0.69";

/** Why a test with the server cannot run, or undefined. */
function missingPeer(name: PeerKind["name"]): string | undefined {
  // They change user or root, or take port 69.
  const noRoot = missingRoot();
  if (noRoot !== undefined || Deno.permissions.querySync({ name: "env" }).state !== "granted") {
    return noRoot;
  }
  return name === "atftpd" && atftpd().startsWith("/")
    ? undefined
    : missingProgram(name === "tftpd-hpa" ? "in.tftpd" : name);
}

/** Where atftpd is: installed, or unpacked, since its package excludes that of tftpd-hpa. */
function atftpd(): string {
  const unpacked = `${Deno.env.get("LABSOCK_PEERS")}/usr/sbin/atftpd`;
  try {
    return Deno.statSync(unpacked).isFile ? unpacked : "atftpd";
  } catch {
    return "atftpd";
  }
}

/** Starts a server for the files in `folder`, and waits until it answers. */
async function startPeer(name: PeerKind["name"], folder: string): Promise<Peer> {
  const [host, port] = name === "dnsmasq" ? [DNSMASQ, 69] : ["127.0.0.1", freePort()];
  const process = start(name, folder, host, port);
  try {
    await answers(host, port);
  } catch (error) {
    await process[Symbol.asyncDispose]();
    throw error;
  }
  return {
    address: `${host}:${port}`,
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

function start(name: PeerKind["name"], folder: string, host: string, port: number): ServerProcess {
  switch (name) {
    case "tftpd-hpa":
      return new ServerProcess("in.tftpd", [
        ...["-L", "-4", "-a", `${host}:${port}`, "-u", "root", "-c", "-s", folder],
      ]);
    case "atftpd":
      return new ServerProcess(atftpd(), [
        ...["--daemon", "--no-fork", "--bind-address", host, "--port", `${port}`],
        ...["--user", "root.root", "--logfile", "-", folder],
      ]);
    case "dnsmasq":
      return new ServerProcess("dnsmasq", [
        ...["--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--enable-tftp"],
        ...[`--tftp-root=${folder}`, `--listen-address=${host}`, "--bind-interfaces"],
        ...["--user=root", "--log-facility=-"],
      ]);
  }
}

/** A UDP port that was free a moment ago. */
function freePort(): number {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  socket.close();
  return port;
}

// Servers start within moments; a request is sent again until then.
const AGAIN = 100;

/** Asks for a file that is not there until the server says so. */
async function answers(host: string, port: number): Promise<void> {
  const client = await TftpClient.connect({
    host,
    port,
    settings: {
      mode: "octet",
      blksize: 512,
      windowsize: 1,
      tsize: false,
      rexmt: AGAIN,
      timeout: 20_000,
    },
    trace: new Trace(false),
    resolve: (host) => Promise.resolve(host),
    bind: (_, longest) =>
      new DatagramEndpoint(
        Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 }),
        longest,
      ),
  });
  try {
    await client.get("no such file", { write: () => {}, end: () => {} });
  } catch (error) {
    if (!(error instanceof TftpError)) throw error;
  } finally {
    await client.close();
  }
}

/** A program that did what it should, and had nothing to say. */
export const DONE: Ended = { code: 0, stdout: "", stderr: "" };

/** A server, the folder it serves, and the one the client runs in. */
export interface Setting {
  served: string;
  cwd: string;
  tftp(args: string[], stdin?: string): Promise<Ended>;
}

/** A test with a server. */
export function peerTest(
  { name }: PeerKind,
  what: string,
  test: (setting: Setting) => Promise<void>,
): void {
  processTestUnless(missingPeer(name), `tftp with ${name}: ${what}`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await Deno.chmod(folder, 0o755);
      const [served, cwd] = [`${folder}/served`, `${folder}/cwd`];
      for (const path of [served, cwd]) await Deno.mkdir(path);
      await Deno.chmod(served, 0o777);
      await using peer = await startPeer(name, served);
      await test({
        served,
        cwd,
        tftp: (args, stdin) =>
          run("clients/tftp.ts", [peer.address, ...args], {
            permissions: command.permissions,
            cwd,
            ...stdin === undefined ? {} : { stdin },
          }),
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
