/** The FTP session against real servers: in clear and with TLS, over IPv4 and IPv6. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { FtpClient, FtpError, type FtpOptions, TransferAborted } from "../../clients/ftp/client.ts";
import { Trace } from "../../tools/program/trace.ts";
import { concat } from "../../tools/protocol/bytes.ts";
import { Secret } from "../../tools/protocol/secret.ts";
import { missingPeer, type PeerName, PEERS, startPeer } from "../support/ftp_peers.ts";
import { processTestUnless } from "../support/permissions.ts";

/** The folder that is served: nested, with names that are hard to say. */
const TREE: Record<string, Uint8Array> = {
  "hello": new TextEncoder().encode("hello\n"),
  "empty": new Uint8Array(0),
  "pub/rfc/rfc99.txt": new TextEncoder().encode("NETWORK WORKING GROUP\n".repeat(5000)),
  "pub/two words": noise(1000),
  "pub/-dash": noise(3),
  "pub/\u00fcn\u00ef": noise(70_000),
  "pub/large": noise(3_000_000),
  "pub/folder with blanks /in": noise(1),
  "pub/[b]*? {x,y}/in": noise(2),
  "pub/-d/in": noise(3),
};

function noise(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 2654435761) >>> 13);
}

async function makeTree(home: string): Promise<void> {
  // Servers take off their powers and must still read this.
  await Deno.chmod(home, 0o755);
  await Deno.mkdir(`${home}/up`);
  for (const [path, data] of Object.entries(TREE)) {
    await Deno.mkdir(`${home}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.writeFile(`${home}/${path}`, data);
  }
}

function connectTo(
  address: string,
  options: Pick<FtpOptions, "host" | "port" | "tls">,
): Promise<FtpClient> {
  return FtpClient.connect({
    insecure: true,
    encoding: "utf-8",
    timeout: 20_000,
    passive: true,
    trustPassiveHost: false,
    trace: new Trace(Deno.env.has("FTP_TRACE")),
    async dial(host, port, signal): Promise<Deno.TcpConn> {
      const hostname = host.endsWith(".test") ? address : host;
      const conn = await Deno.connect({ hostname, port, signal });
      conn.setNoDelay();
      return conn;
    },
    listen: (hostname) => Deno.listen({ hostname, port: 0 }),
    ...options,
  });
}

/** All files below `folder` with their sizes. */
async function walk(client: FtpClient, folder: string): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const { name, type, size } of await client.list(folder)) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (type === "dir") Object.assign(found, await walk(client, path));
    else found[path] = size ?? NaN;
  }
  return found;
}

async function fetched(client: FtpClient, path: string, offset = 0): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  await client.download(path, (data) => void pieces.push(data.slice()), { offset });
  return concat(pieces);
}

/** Gives `data` from `offset` on. */
function source(data: Uint8Array, offset = 0): (buffer: Uint8Array) => number | null {
  let at = offset;
  return (buffer) => {
    const piece = data.subarray(at, at + buffer.length);
    buffer.set(piece);
    at += piece.length;
    return piece.length || null;
  };
}

/** Everything that a user does, in one session. */
async function session(client: FtpClient | undefined, home: string): Promise<void> {
  assert(client);
  const large = TREE["pub/large"] ?? noise(0);
  assertEquals(await client.pwd(), "/");
  const sizes = Object.entries(TREE).map(([path, { length }]) => [path, length]);
  assertEquals(await walk(client, ""), Object.fromEntries(sizes));
  for (const path of Object.keys(TREE)) {
    assertEquals(await fetched(client, path), TREE[path], path);
  }
  assertEquals(await fetched(client, "pub/large", 2_999_990), large.subarray(2_999_990));
  assertEquals((await client.names("pub")).map((name) => name.replace(/^pub\//, "")).sort(), [
    "-d",
    "-dash",
    "[b]*? {x,y}",
    "folder with blanks ",
    "large",
    "rfc",
    "two words",
    "\u00fcn\u00ef",
  ]);

  await client.cd("up");
  await client.upload(source(large.subarray(0, 1_000_000)), "part");
  await client.upload(source(large, 1_000_000), "part", { offset: 1_000_000 });
  assertEquals(await Deno.readFile(`${home}/up/part`), large);
  await client.upload(source(TREE["hello"] ?? noise(0)), "part", { append: true });
  assertEquals(await client.size("part"), large.length + 6);
  await client.rename("part", "new \u00e9");
  const path = await client.mkdir('a "folder"');
  assertEquals(path.replace(/^\/up\//, ""), 'a "folder"');
  await client.rename("new \u00e9", 'a "folder"/moved');
  assertEquals(await walk(client, ""), { 'a "folder"/moved': large.length + 6 });
  assertEquals(
    (await client.modtime('a "folder"/moved')).getTime() / 1000,
    Math.trunc(Number((await Deno.stat(`${home}/up/a "folder"/moved`)).mtime) / 1000),
  );
  await client.delete('a "folder"/moved');
  await client.rmdir('a "folder"');
  assertEquals(await client.list(), []);
  assertEquals(await client.names(), []);
  await client.cdup();

  // What goes wrong leaves the session in step.
  await assertRejects(() => client.download("nosuch", () => {}), FtpError);
  await assertRejects(
    () =>
      client.download("pub/large", () => {
        throw new Deno.errors.PermissionDenied("local");
      }),
    Deno.errors.PermissionDenied,
  );
  await assertRejects(
    () => client.download("pub/large", () => client.abort()),
    TransferAborted,
  );
  await assertRejects(
    () =>
      client.upload((buffer) => {
        client.abort();
        return buffer.length;
      }, "up/cut"),
    TransferAborted,
  );
  assertEquals(await fetched(client, "hello"), TREE["hello"]);
  for (const { name } of await client.list("up")) await client.delete(`up/${name}`);

  client.passive = !client.passive;
  assertEquals(await fetched(client, "pub/large"), large);
  await client.upload(source(large), "up/active");
  assertEquals(await Deno.readFile(`${home}/up/active`), large);
  await client.delete("up/active");
}

/** Calls `test` with a server that runs, and with clients, logged in. */
async function withPeer(
  name: PeerName,
  options: { host: "127.0.0.1" | "::1"; tls: boolean },
  count: number,
  test: (clients: FtpClient[], home: string) => Promise<void>,
): Promise<void> {
  const home = await Deno.makeTempDir();
  const work = await Deno.makeTempDir();
  const clients: FtpClient[] = [];
  try {
    await makeTree(home);
    await using peer = await startPeer(name, work, { ...options, home });
    try {
      while (clients.length < count) {
        const client = await connectTo(options.host, {
          // Deno keeps TLS sessions by name, for the whole process: each server must have its own.
          host: `${name}.test`,
          port: peer.port,
          tls: options.tls ? "explicit" : "none",
        });
        clients.push(client);
        await client.login({ user: peer.user, password: new Secret(peer.password) });
        assertEquals(client.tlsVersion !== undefined, options.tls);
      }
      await test(clients, home);
      for (const client of clients) await client.quit();
    } finally {
      for (const client of clients) client.close();
    }
  } finally {
    await Deno.remove(home, { recursive: true });
    await Deno.remove(work, { recursive: true });
  }
}

for (const name of PEERS) {
  for (const host of ["127.0.0.1", "::1"] as const) {
    for (const tls of [false, true]) {
      processTestUnless(
        missingPeer(name),
        `FtpClient does all it can with ${name}, ${tls ? "TLS" : "in clear"}, ${host}`,
        () => withPeer(name, { host, tls }, 1, ([client], home) => session(client, home)),
      );
    }
  }
  processTestUnless(
    missingPeer(name),
    `FtpClient: two clients of ${name} at once keep their TLS sessions apart`,
    () =>
      withPeer(name, { host: "127.0.0.1", tls: true }, 2, async (clients) => {
        await Promise.all(clients.map(async (client) => {
          for (let i = 0; i < 5; i++) assertEquals(await fetched(client, "hello"), TREE["hello"]);
        }));
      }),
  );
}
