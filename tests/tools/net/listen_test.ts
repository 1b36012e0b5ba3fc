import { assert, assertEquals, assertThrows } from "@std/assert";
import { closeQuietly } from "../../../tools/net/errors.ts";
import { listenAt, TWIN_PORTS, type Where } from "../../../tools/net/listen.ts";
import { EXIT, Failure } from "../../../tools/program/failure.ts";
import { netTest } from "../../support/permissions.ts";

/** A socket that is none. */
interface Fake {
  addr: Deno.NetAddr;
  shared: boolean;
  isClosed: boolean;
  close(): void;
}

const FREE = 50_123;

/** Opens fakes, except where `refuse` has an error; and what was opened, in order. */
function opener(refuse: (hostname: string, port: number) => Error | undefined = () => undefined): {
  open: (hostname: string, port: number, shared: boolean) => Fake;
  opened: Fake[];
} {
  const opened: Fake[] = [];
  return {
    opened,
    open(hostname, port, shared): Fake {
      const error = refuse(hostname, port);
      if (error) throw error;
      const fake: Fake = {
        addr: { transport: "tcp", hostname, port: port === 0 ? FREE : port },
        shared,
        isClosed: false,
        close(): void {
          fake.isClosed = true;
        },
      };
      opened.push(fake);
      return fake;
    },
  };
}

const where = (values: Partial<Where> = {}): Where => ({
  transport: "tcp",
  hosts: ["192.0.2.1"],
  port: undefined,
  service: 13,
  ...values,
});

const noNotice = (message: string): void => {
  throw new Error(message);
};

const ends = (sockets: Fake[]): string[] =>
  sockets.map(({ addr: { hostname, port } }) => `${hostname} ${port}`);

/** The line a user reads when `listenAt` fails so; it must leave nothing open. */
function refusal(values: Partial<Where>, refuse: (hostname: string) => Error | undefined): string {
  const { open, opened } = opener(refuse);
  const error = assertThrows(() => listenAt(where(values), open, noNotice), Failure);
  assertEquals(error.exitCode, EXIT.unreachable);
  assert(opened.every(({ isClosed }) => isClosed));
  return error.message;
}

const denied = (): Error => new Deno.errors.PermissionDenied("Permission denied (os error 13)");

Deno.test("listenAt(): the well-known port, or the one that was given", () => {
  assertEquals(ends(listenAt(where(), opener().open, noNotice)), ["192.0.2.1 13"]);
  assertEquals(ends(listenAt(where({ port: 7013 }), opener().open, noNotice)), ["192.0.2.1 7013"]);
});

Deno.test("listenAt(): the twin port where the well-known one is not allowed, and a word about it", () => {
  const notices: string[] = [];
  for (const [service, twin] of Object.entries(TWIN_PORTS)) {
    const { open } = opener((_host, port) => port < 1024 ? denied() : undefined);
    const asked = where({ service: Number(service), transport: "udp" });
    const sockets = listenAt(asked, open, (message) => notices.push(message));
    assertEquals(ends(sockets), [`192.0.2.1 ${twin}`]);
  }
  assertEquals(notices.length, 9);
  assertEquals(notices[0], "udp port 13 is not allowed for this user: taking 1313");
});

Deno.test("listenAt(): a port that was asked for, or has no twin, is refused where it is not allowed", () => {
  const advice = "not allowed for this user (take a port above 1023, or run as root)";
  assertEquals(refusal({ port: 13 }, denied), `port 13: ${advice}`);
  assertEquals(refusal({ service: 7 }, denied), `port 7: ${advice}`);
  // A system may refuse the twin as well.
  const { open } = opener(denied);
  const error = assertThrows(() => listenAt(where(), open, () => {}), Failure);
  assertEquals([error.exitCode, error.message], [EXIT.unreachable, `port 1313: ${advice}`]);
});

Deno.test("listenAt(): what is wrong with an address, in words; what was opened is closed", () => {
  const { errors } = Deno;
  const cases: [Error, string][] = [
    [new errors.AddrInUse(), "address in use (is another server running? try another port)"],
    [
      Object.assign(new errors.AddrNotAvailable(), { code: "EADDRNOTAVAIL" }),
      "no such address on this machine",
    ],
    [new Error("failed to lookup address information: Name or service not known"), "no such host"],
    [new URIError("invalid host 'a b'"), "no such host"],
    [new errors.NotCapable(), "not allowed for this program (see --help, Permissions)"],
    [new TypeError("Invalid argument (os error 22)"), "invalid argument"],
  ];
  for (const [error, words] of cases) {
    const line = refusal(
      { hosts: ["192.0.2.1", "2001:db8::1"] },
      (hostname) => hostname.includes(":") ? error : undefined,
    );
    assertEquals(line, `[2001:db8::1]:13: ${words}`);
  }
});

Deno.test("listenAt(): with port 0 the system chooses once, and the other addresses follow", () => {
  const hosts = ["192.0.2.1", "192.0.2.2", "2001:db8::1"];
  const sockets = listenAt(where({ hosts, port: 0 }), opener().open, noNotice);
  assertEquals(ends(sockets), hosts.map((host) => `${host} ${FREE}`));
});

Deno.test("listenAt(): all addresses are one TCP socket, IPv4 alone where there is no IPv6", () => {
  const all = where({ hosts: [] });
  assertEquals(ends(listenAt(all, opener().open, noNotice)), [":: 13"]);
  for (const code of ["EAFNOSUPPORT", "EADDRNOTAVAIL", "EPROTONOSUPPORT"]) {
    const { open } = opener((hostname) =>
      hostname === "::" ? Object.assign(new Error("no IPv6"), { code }) : undefined
    );
    assertEquals(ends(listenAt(all, open, noNotice)), ["0.0.0.0 13"]);
  }
  assertEquals(
    refusal({ hosts: [] }, () => new Deno.errors.AddrInUse()),
    "[::]:13: address in use (is another server running? try another port)",
  );
});

netTest(
  "listenAt(): UDP has a socket for each address of the machine, and one for the rest",
  () => {
    const { open, opened } = opener();
    const sockets = listenAt(where({ transport: "udp", hosts: [], port: 0 }), open, noNotice);
    const [probe, ...rest] = opened;
    assertEquals(sockets, rest);
    assertEquals([probe?.addr.hostname, probe?.shared, probe?.isClosed], ["::", false, true]);
    assert(sockets.every(({ shared, addr }) => shared && addr.port === FREE));
    const hosts = sockets.map(({ addr }) => addr.hostname);
    assertEquals(hosts.at(-1), "::");
    assert(hosts.includes("127.0.0.1"));
    assert(!hosts.some((host) => host.startsWith("fe80")));
  },
);

netTest("listenAt(): UDP leaves out an address that is not ready, but not the wildcard", () => {
  const notReady = (): Error =>
    Object.assign(new Deno.errors.AddrNotAvailable(), { code: "EADDRNOTAVAIL" });
  const udp = where({ transport: "udp", hosts: [] });
  const { open } = opener((hostname) => hostname === "127.0.0.1" ? notReady() : undefined);
  const hosts = listenAt(udp, open, noNotice).map(({ addr }) => addr.hostname);
  assert(hosts.includes("::") && !hosts.includes("127.0.0.1"));
  assertEquals(refusal(udp, notReady), "0.0.0.0:13: no such address on this machine");
});

const openTcp = (hostname: string, port: number): Deno.TcpListener =>
  Deno.listen({ hostname, port });
const openUdp = (hostname: string, port: number, reuseAddress: boolean): Deno.DatagramConn =>
  Deno.listenDatagram({ transport: "udp", hostname, port, reuseAddress });

/** Real sockets for a server at `hosts`, on a port that the system chooses unless there is one. */
function listenFor(
  transport: Where["transport"],
  hosts: string[],
  port = 0,
): { sockets: (Deno.TcpListener | Deno.DatagramConn)[]; port: number } & Disposable {
  const open: (
    hostname: string,
    port: number,
    shared: boolean,
  ) => Deno.TcpListener | Deno.DatagramConn = transport === "tcp" ? openTcp : openUdp;
  const sockets = listenAt(where({ transport, hosts, port }), open, noNotice);
  const ports = new Set(sockets.map(({ addr }) => (addr as Deno.NetAddr).port));
  assertEquals(ports.size, 1);
  return {
    sockets,
    port: [...ports][0] ?? 0,
    [Symbol.dispose]: () => sockets.forEach(closeQuietly),
  };
}

netTest("listenAt() with real sockets: a second server is told that the address is in use", () => {
  const places = [[], ["127.0.0.1"], ["127.0.0.1", "127.0.0.2"]];
  for (const transport of ["tcp", "udp"] as const) {
    for (const first of places) {
      using server = listenFor(transport, first);
      for (const second of places) {
        const { exitCode, message } = assertThrows(
          () => listenFor(transport, second, server.port),
          Failure,
        );
        assertEquals(exitCode, EXIT.unreachable);
        assert(
          message.endsWith(
            `:${server.port}: address in use ` +
              "(is another server running? try another port)",
          ),
          message,
        );
      }
    }
  }
});

netTest("listenAt() with real sockets: UDP shares its port with nobody who would share", () => {
  using taken = udpSocket("127.0.0.1", true);
  assertThrows(() => listenFor("udp", [], taken.port), Failure, "address in use");
});

netTest(
  "listenAt() with real sockets: one that cannot be had leaves none of the others open",
  () => {
    using taken = udpSocket("127.0.0.2");
    assertThrows(() => listenFor("udp", ["127.0.0.1", "127.0.0.2"], taken.port), Failure);
    using _free = listenFor("udp", ["127.0.0.1"], taken.port);
  },
);

/** A UDP socket that `using` closes. */
function udpSocket(
  hostname: string,
  reuseAddress = false,
): { socket: Deno.DatagramConn; port: number } & Disposable {
  const socket = openUdp(hostname, 0, reuseAddress);
  const { port } = socket.addr as Deno.NetAddr;
  return { socket, port, [Symbol.dispose]: () => socket.close() };
}

netTest("listenAt() with real sockets: UDP answers from the address that was asked", async () => {
  const own = Deno.networkInterfaces().filter(({ family }) => family === "IPv4")
    .map(({ address }) => address);
  for (const hosts of [["127.0.0.1", "127.0.0.2"], []]) {
    using server = listenFor("udp", hosts);
    const answering = server.sockets.map(async (socket) => {
      const conn = socket as Deno.DatagramConn;
      for await (const [data, peer] of conn) await conn.send(data, peer);
    });
    // Without a socket for each address the answers would come from the first, which is the client's.
    using client = udpSocket("127.0.0.1");
    for (const hostname of hosts.length > 0 ? hosts : own) {
      const asked = { transport: "udp", hostname, port: server.port } as const;
      await client.socket.send(new Uint8Array(1), asked);
      const [, answered] = await client.socket.receive();
      assertEquals(answered, asked);
    }
    server[Symbol.dispose]();
    await Promise.all(answering);
  }
});
