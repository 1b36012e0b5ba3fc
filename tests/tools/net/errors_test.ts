import { assert, assertEquals } from "@std/assert";
import { closeQuietly, isClosed, isGone, peerFailure } from "../../../tools/net/errors.ts";
import { EXIT, Failure } from "../../../tools/program/failure.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { netTest } from "../../support/permissions.ts";

const coded = (code: string, message = code): Error => Object.assign(new Error(message), { code });

Deno.test("isGone(), isClosed(): the connection is over, and who ended it", () => {
  const { errors } = Deno;
  const ours = [new errors.Interrupted(), new errors.BadResource()];
  const theirs = [
    new errors.ConnectionReset(),
    new errors.ConnectionAborted(),
    new errors.BrokenPipe(),
    new errors.NotConnected(),
    new errors.UnexpectedEof(),
  ];
  const others = [new errors.TimedOut(), coded("EMFILE"), new ProtocolError("x"), "x", undefined];
  assertEquals([...ours, ...theirs, ...others].map(isGone), [
    ...Array(7).fill(true),
    ...Array(5).fill(false),
  ]);
  assertEquals([...ours, ...theirs].map(isClosed), [true, true, ...Array(5).fill(false)]);
});

const SENTENCES: [unknown, string][] = [
  [new Deno.errors.ConnectionRefused(), "connection refused (is a server running there?)"],
  [new Deno.errors.ConnectionReset(), "the peer reset the connection"],
  [new Deno.errors.ConnectionAborted(), "the peer reset the connection"],
  [new Deno.errors.BrokenPipe(), "the peer closed the connection"],
  [new Deno.errors.UnexpectedEof(), "the peer closed the connection"],
  [new Deno.errors.Interrupted("operation canceled"), "the connection was closed"],
  [new Deno.errors.BadResource("Bad resource ID"), "the connection was closed"],
  [
    new Deno.errors.NotCapable("Requires net access"),
    "this program was not given access to the network (see --help, Permissions)",
  ],
  [
    new Error("failed to lookup address information: Name or service not known"),
    "no such host (check the name, or give an address)",
  ],
  [
    coded("ENOTFOUND", "getaddrinfo ENOTFOUND x"),
    "no such host (check the name, or give an address)",
  ],
  [new URIError("invalid host 'a..b'"), "no such host (check the name, or give an address)"],
  [
    new Error("failed to lookup address information: Temporary failure in name resolution"),
    "the name cannot be looked up now (no name server answers)",
  ],
  [
    coded("EAI_AGAIN", "getaddrinfo EAI_AGAIN x"),
    "the name cannot be looked up now (no name server answers)",
  ],
  [coded("ENETUNREACH"), "there is no route to that host"],
  [coded("EHOSTUNREACH"), "there is no route to that host"],
  [new Error("network unreachable"), "there is no route to that host"],
  [coded("ETIMEDOUT"), "no answer in time"],
  [new Deno.errors.TimedOut(), "no answer in time"],
  [new DOMException("The operation timed out", "TimeoutError"), "no answer in time"],
  [
    coded("EINVAL", "Invalid argument (os error 22)"),
    "a link-local address needs its zone, such as fe80::1%eth0",
  ],
  [new Error("what \x1b[2J a peer said"), "what \\x1b[2J a peer said"],
];

Deno.test("peerFailure() says what happened and what to try, in one line", () => {
  for (const [error, sentence] of SENTENCES) {
    const failure = peerFailure("server:13", error);
    assertEquals([failure.exitCode, failure.message], [EXIT.unreachable, `server:13: ${sentence}`]);
    assertEquals(failure.cause, error);
  }
});

Deno.test("peerFailure(): a peer that breaks the protocol is another matter, and a Failure stays", () => {
  const broken = peerFailure("server:13", new ProtocolError("the answer is empty"));
  assertEquals([broken.exitCode, broken.message], [EXIT.refused, "server:13: the answer is empty"]);
  const failure = new Failure(EXIT.later, "try again");
  assert(peerFailure("server:13", failure) === failure);
});

netTest("peerFailure() knows what Deno throws", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const said = async (options: Deno.ConnectOptions & { signal?: AbortSignal }): Promise<string> => {
    try {
      (await Deno.connect(options)).close();
      return "connected";
    } catch (error) {
      return peerFailure("it", error).message;
    }
  };
  assertEquals(
    await said({ hostname: "127.0.0.1", port }),
    "it: connection refused (is a server running there?)",
  );
  assertEquals(
    await said({
      hostname: "127.0.0.1",
      port,
      signal: AbortSignal.abort(new Deno.errors.TimedOut()),
    }),
    "it: no answer in time",
  );
  for (const hostname of ["a b", "a..b", "x".repeat(64)]) {
    assertEquals(
      await said({ hostname, port }),
      "it: no such host (check the name, or give an address)",
    );
  }
});

Deno.test("closeQuietly() minds nothing but a real failure", () => {
  let closed = 0;
  closeQuietly({ close: () => closed++ });
  closeQuietly({
    close: () => {
      throw new Deno.errors.BadResource();
    },
  });
  assertEquals(closed, 1);
  let error: unknown;
  try {
    closeQuietly({
      close: () => {
        throw new TypeError("bug");
      },
    });
  } catch (caught) {
    error = caught;
  }
  assert(error instanceof TypeError);
});
