import { assert, assertEquals, assertRejects } from "@std/assert";
import { FtpError } from "../../../clients/ftp/client.ts";
import { Failure } from "../../../tools/program/failure.ts";
import { tlsServer } from "../../../tools/net/tls.ts";
import { writeAll } from "../../../tools/net/writer.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { Secret } from "../../../tools/protocol/secret.ts";
import { type Act, connect, FtpServer, session } from "../../support/ftp_script.ts";
import { SERVER } from "../../support/identities.ts";
import { bytes, readText } from "../../support/stream.ts";

const guest = { user: "guest", password: new Secret("secret") };

Deno.test("explicit TLS: before the name is said, and for the data", async () => {
  const resumed: boolean[] = [];
  let got = "";
  const { client, server } = await session({
    RETR: async (_, server) => {
      await server.say("150 coming");
      const data = await server.secureData();
      resumed.push(data.resumed);
      await writeAll(data, bytes("data"));
      data.close();
      return "226 done";
    },
    STOR: async (_, server) => {
      await server.say("150 go on");
      const data = await server.secureData();
      resumed.push(data.resumed);
      got = await readText(data);
      assert(!data.truncated);
      data.close();
      return "226 done";
    },
  }, { tls: "explicit" });
  assert(client.tlsVersion?.startsWith("TLSv1."));
  for (let i = 0; i < 3; i++) {
    let text = "";
    await client.download("f", (data) => void (text += new TextDecoder().decode(data)));
    let sent = false;
    await client.upload((buffer) => {
      if (sent) return null;
      sent = true;
      return buffer.subarray(0, 4).fill(97).length;
    }, "f");
    assertEquals([text, got], ["data", "aaaa"]);
  }
  assertEquals(resumed, [true, true, true, true, true, true]);
  await client.quit();
  await server.finished();
});

Deno.test("explicit TLS comes first, and PROT P before any data", async () => {
  const server = new FtpServer({ FEAT: "211-Here\r\n UTF8\r\n211 end", OPTS: "200 ok" });
  using client = await connect(server, { tls: "explicit", insecure: true });
  await client.login(guest);
  assertEquals(server.commands, [
    "AUTH TLS",
    "USER guest",
    "PASS secret",
    "PBSZ 0",
    "PROT P",
    "FEAT",
    "OPTS UTF8 ON",
  ]);
});

Deno.test("TLS that is asked for and refused: nothing goes in clear", async () => {
  for (const AUTH of ["500 what", "502 no", "530 no", "431 not now", "421 bye"]) {
    const server = new FtpServer({ AUTH });
    const error = await assertRejects(
      () => connect(server, { tls: "explicit" }),
      Failure,
      "the server refuses TLS",
    );
    assertEquals(error.exitCode, AUTH.startsWith("4") ? 5 : 1);
    await server.finished();
    assertEquals(server.commands, ["AUTH TLS"]);
  }
  // Let in with the welcome, a client could forget to ask.
  const open = new FtpServer({ AUTH: "500 what" }, { welcome: "230 come in" });
  await assertRejects(() => connect(open, { tls: "explicit" }), Failure, "refuses TLS");
  // Protection of the data refused.
  const server = new FtpServer({ PROT: "536 no" });
  using client = await connect(server, { tls: "explicit", insecure: true });
  await assertRejects(() => client.login(guest), FtpError, "536");
});

Deno.test("what a server says in clear after its yes to TLS is refused", async () => {
  const server = new FtpServer({ AUTH: "234 go on\r\n230 you are logged in" });
  await assertRejects(
    () => connect(server, { tls: "explicit", insecure: true }),
    ProtocolError,
    "between its answer and TLS",
  );
});

Deno.test("no TLS after a yes to it is an error", async () => {
  for (const AUTH of ["234 go on", "334 go on"]) {
    const server = new FtpServer({
      AUTH: async (_, server) => {
        await server.say(AUTH);
        // The ClientHello is here: now something else.
        await server.control.read(new Uint8Array(10_000));
        await server.say("230 you are logged in");
        server.control.close();
      },
    });
    await assertRejects(
      () => connect(server, { tls: "explicit", insecure: true }),
      Failure,
      "TLS:",
    );
    await server.finished();
    assertEquals(server.commands, ["AUTH TLS"]);
  }
});

Deno.test("a certificate that is not good ends it, before the name is said", async () => {
  const server = new FtpServer();
  await assertRejects(
    () => connect(server, { tls: "explicit", host: "other.test" }),
    Failure,
    "TLS: the certificate",
  );
  assertEquals(server.commands, ["AUTH TLS"]);
});

Deno.test("implicit TLS begins with it", async () => {
  const server = new FtpServer({}, {
    welcome: async (_, server) => {
      await server.secure();
      return "220 ready";
    },
  });
  using client = await connect(server, { tls: "implicit", insecure: true });
  await client.login(guest);
  assert(client.tlsVersion);
  assertEquals(server.commands.slice(0, 4), ["USER guest", "PASS secret", "PBSZ 0", "PROT P"]);
});

Deno.test("data that ends without the farewell of TLS is not all, whatever the server says", async () => {
  const cut = (text: string): Act => async (_, server) => {
    await server.say("150 coming");
    const raw = await server.data();
    const data = await tlsServer(raw, SERVER);
    if (text !== "") await writeAll(data, bytes(text));
    await raw.closeWrite();
    return "226 done";
  };
  const { client } = await session({ RETR: cut("part"), NLST: cut("") }, { tls: "explicit" });
  let text = "";
  const error = await assertRejects(
    () => client.download("f", (data) => void (text += new TextDecoder().decode(data))),
    Failure,
    "without the farewell of TLS",
  );
  assertEquals([error.exitCode, text], [1, "part"]);
  assertEquals(await client.names(), []);
  await client.noop();
  client.close();
});
