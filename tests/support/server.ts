/** A server as small as can be, for the tests of what all servers share. Standard output tells how it goes. */
import { Acceptor } from "../../tools/net/accept.ts";
import { listenAt } from "../../tools/net/listen.ts";
import { GRACE, runServer, type Server } from "../../tools/net/server.ts";
import { writeAll } from "../../tools/net/writer.ts";
import { Log } from "../../tools/program/log.ts";
import { writeOut } from "../../tools/program/terminal.ts";

const [action] = Deno.args;
const log = new Log({ name: "testd", form: "text", quiet: action === "quiet" });

/** Answers each line with `ok`, until the client ends; `flood` logs more than any pipe holds before the first. */
function start(): Server {
  if (action === "fail") {
    for (let i = 1; i <= 3; i++) log.say(`notice ${i}`);
    throw new Error("the server cannot start");
  }
  const acceptor = new Acceptor({
    log,
    maxConnections: 10,
    maxPerAddress: 10,
    async serve(conn): Promise<void> {
      for (let i = 0; action === "flood" && i < 5000; i++) {
        log.event("noise", { line: "x".repeat(50) });
      }
      log.event("serving", {});
      const buffer = new Uint8Array(100);
      while (await conn.read(buffer) !== null) {
        await writeAll(conn, new TextEncoder().encode("ok\n"));
      }
    },
  });
  const listeners = listenAt(
    { transport: "tcp", hosts: ["127.0.0.1", "127.0.0.2"], port: 0, service: 7 },
    (hostname, port) => Deno.listen({ hostname, port }),
    () => {},
  );
  listeners.forEach((listener) => acceptor.listen(listener));
  return {
    addrs: listeners.map(({ addr }) => addr),
    finished: acceptor.finished().then(() => {
      log.say("almost over");
      log.say("over");
      if (action === "break") throw new Error("the server broke");
    }),
    async shutdown(): Promise<void> {
      await writeOut("stopping\n");
      await acceptor.shutdown(GRACE);
    },
  };
}

const code = await runServer(log, () => {
  const server = start();
  void writeOut(`${server.addrs[0]?.port}\n`);
  return server;
});
Deno.exit(code);
