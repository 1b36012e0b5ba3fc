import { assertEquals, assertRejects } from "@std/assert";
import { type FtpClient, type FtpConn, FtpError } from "../../../clients/ftp/client.ts";
import { Failure } from "../../../tools/program/failure.ts";
import { ProtocolError } from "../../../tools/protocol/error.ts";
import { FakeTime } from "../../support/fake_time.ts";
import { type Act, connect, FtpServer, sends, session } from "../../support/ftp_script.ts";

const V6 = "2001:db8::1";

async function fetched(client: FtpClient): Promise<string> {
  let text = "";
  await client.download("f", (data) => void (text += new TextDecoder().decode(data)));
  return text;
}

/** A PASV answer of this form, with the port where `P` stands. */
const pasv = (form: string): Act => (_, server) => {
  const port = server.listen();
  return `227 ${form.replace("P", `${port >> 8},${port & 255}`)}`;
};
const epsv = (form: string): Act => (_, server) => `229 ${form.replace("P", `${server.listen()}`)}`;

Deno.test("EPSV in any form leads to the server itself", async () => {
  for (const form of ["Go (|||P|)", "!!!P!", "(|1|203.0.113.9|P|)"]) {
    const { client, server } = await session({ EPSV: epsv(form), RETR: sends("data") });
    assertEquals(await fetched(client), "data");
    assertEquals(server.commands, ["TYPE I", "EPSV", "RETR f"]);
    client.close();
  }
});

Deno.test("PASV comes when EPSV does not work, and from then on", async () => {
  const script = {
    PASV: pasv("Entering (203,0,113,9,P)"),
    RETR: sends("data"),
  };
  const refusals: Act[] = [
    "500 what",
    "502 no",
    "522 (1)",
    // It seems to work, and does not: a port where nobody listens, no port at all.
    "229 (|||9|)",
    "229 Entering Extended Passive Mode",
    "200 ok",
  ];
  for (const EPSV of refusals) {
    const { client, server } = await session({ ...script, EPSV });
    assertEquals(await fetched(client), "data");
    assertEquals(await fetched(client), "data");
    assertEquals(server.commands, ["TYPE I", "EPSV", "PASV", "RETR f", "PASV", "RETR f"]);
    client.close();
  }
});

Deno.test("EPSV that leads into a firewall gives way to PASV after a while", async () => {
  using time = new FakeTime();
  const server = new FtpServer({ PASV: pasv("(0,0,0,0,P)"), RETR: sends("data") });
  const { dial, listen } = server.network;
  const client = await connect(server, {
    listen,
    dial(host, port, signal): Promise<FtpConn> {
      if (server.commands.at(-1) !== "EPSV") return dial(host, port, signal);
      return new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(signal.reason))
      );
    },
  });
  const done = fetched(client);
  await time.tick(31_000);
  assertEquals(await done, "data");
  client.close();
});

Deno.test("the host in a PASV answer is not followed, unless that is allowed", async () => {
  const script = { EPSV: "500 no", PASV: pasv("(192,0,2,77,P)"), RETR: sends("data") };
  const { client, server } = await session(script);
  await fetched(client);
  assertEquals(server.dialled.map((address) => address.split(":")[0]), ["192.0.2.1"]);
  client.close();

  const trusting = new FtpServer(script);
  const follower = await connect(trusting, { trustPassiveHost: true });
  await assertRejects(() => fetched(follower), Failure, "no data connection to 192.0.2.77:");
  follower.close();
});

Deno.test("EPSV refused for now is not EPSV that is unknown", async () => {
  for (const EPSV of ["425 no port left", "530 log in first", "421 bye"]) {
    const { client, server } = await session({ EPSV });
    await assertRejects(() => fetched(client), FtpError, EPSV);
    assertEquals(server.commands, ["TYPE I", "EPSV"]);
    client.close();
  }
});

Deno.test("over IPv6 there is no PASV", async () => {
  const { client, server } = await session({ EPSV: "500 no" }, { address: V6 });
  await assertRejects(() => fetched(client), FtpError, "500 no");
  assertEquals(server.commands, ["TYPE I", "EPSV"]);
  client.close();
  const working = await session({ RETR: sends("data") }, { address: V6 });
  assertEquals(await fetched(working.client), "data");
  working.client.close();
});

Deno.test("no data connection at all is told with what to try, and the session goes on", async () => {
  const { client } = await session({ EPSV: "500 no", PASV: "227 (1,2,3,4,0,9)" });
  const error = await assertRejects(() => fetched(client), Failure, "192.0.2.1:9 (a firewall?");
  assertEquals(error.exitCode, 3);
  await client.noop();
  client.close();
});

Deno.test("a PASV answer without an address breaks the protocol", async () => {
  for (
    const PASV of ["227 Entering Passive Mode", "227 (1216,256,2,127,127,127)", "227 (1,2,3,4,0,0)"]
  ) {
    const { client } = await session({ EPSV: "500 no", PASV });
    await assertRejects(() => fetched(client), ProtocolError, "no address");
  }
});

Deno.test("active mode: EPRT, or PORT where that is unknown, and from then on", async () => {
  const ours = await session({ RETR: sends("data") }, { passive: false });
  assertEquals(await fetched(ours.client), "data");
  assertEquals(ours.server.commands, ["TYPE I", "EPRT |1|192.0.2.2|50000|", "RETR f"]);
  ours.client.close();

  const old = await session({ EPRT: "500 what", PORT: "200 ok", RETR: sends("data") }, {
    passive: false,
  });
  assertEquals(await fetched(old.client), "data");
  assertEquals(await fetched(old.client), "data");
  const port = "PORT 192,0,2,2,195,80";
  assertEquals(old.server.commands.slice(2), [port, "RETR f", port, "RETR f"]);
  old.client.passive = true;
  assertEquals(old.server.commands.length, 6);
  old.client.close();

  const v6 = await session({ RETR: sends("data") }, { passive: false, address: V6 });
  assertEquals(await fetched(v6.client), "data");
  assertEquals(v6.server.commands[1], "EPRT |2|2001:db8::2|50000|");
  v6.client.close();
});

Deno.test("active mode: only the server may connect", async () => {
  const { client } = await session({
    RETR: async (_, server) => {
      const stranger = await server.data("203.0.113.9");
      await server.say("150 coming");
      assertEquals(await stranger.read(new Uint8Array(1)), null);
      const data = await server.data();
      await data.write(new TextEncoder().encode("right"));
      await data.closeWrite();
      return "226 done";
    },
  }, { passive: false });
  assertEquals(await fetched(client), "right");
  client.close();
});

Deno.test("active mode: a server that cannot connect says so before or after 150", async () => {
  for (
    const RETR of [
      "425 cannot",
      "421 bye",
      "150 coming\r\n425 cannot",
      "150 coming\r\n421 bye",
      "150 a\r\n426 cut",
    ]
  ) {
    const { client } = await session({ RETR }, { passive: false });
    const { code } = await assertRejects(() => fetched(client), FtpError);
    assertEquals(code, Number(RETR.split("\n").at(-1)?.slice(0, 3)));
    client.close();
  }
});

Deno.test("active mode: a server that never connects is given up", async () => {
  using time = new FakeTime();
  const { client } = await session({ RETR: "150 coming" }, { passive: false });
  const failed = assertRejects(() => fetched(client), Deno.errors.TimedOut);
  await time.tick(31_000);
  await failed;
});
