/** Commands in their order: as clients that do not run here send them, and RNTO after RNFR. */
import { assertEquals } from "@std/assert";
import { type FtpControl, ftpTest } from "../../support/ftp_server.ts";

/** A command with the code of its reply; after 150 there is data. */
type Line = [command: string, code: number];

/** The clients. PORT stands for the command with an address that the client listens at. */
const CLIENTS: Record<string, Line[]> = {
  "FileZilla": [
    ["AUTH TLS", 502],
    ["AUTH SSL", 502],
    ["USER anonymous", 331],
    ["PASS anonymous@example.com", 230],
    ["SYST", 215],
    ["FEAT", 211],
    ["OPTS UTF8 ON", 200],
    ["OPTS MLST type;size;modify;perm;UNIX.mode;UNIX.uid;UNIX.gid;", 200],
    ["PWD", 257],
    ["TYPE I", 200],
    ["PASV", 227],
    ["MLSD", 150],
    ["CWD sub", 250],
    ["PWD", 257],
    ["PASV", 227],
    ["MLSD", 150],
    ["MDTM deep", 213],
    ["PASV", 227],
    ["RETR deep", 150],
    ["NOOP", 200],
    ["TYPE A", 200],
    ["QUIT", 221],
  ],
  "ftp.exe of Windows": [
    ["OPTS UTF8 ON", 200],
    ["USER anonymous", 331],
    ["PASS ", 230],
    ["XPWD", 257],
    ["PORT", 200],
    ["NLST", 150],
    ["PORT", 200],
    ["LIST -l", 150],
    ["TYPE I", 200],
    ["PORT", 200],
    ["RETR hello", 150],
    ["TYPE A", 200],
    ["XMKD made", 257],
    ["XCWD made", 250],
    ["XCUP", 250],
    ["XRMD made", 250],
    ["QUIT", 221],
  ],
  "WinSCP": [
    ["USER anonymous", 331],
    ["PASS x", 230],
    ["SYST", 215],
    ["FEAT", 211],
    ["CLNT WinSCP-release-6.3", 200],
    ["OPTS UTF8 ON", 200],
    ["PWD", 257],
    ["CWD /", 250],
    ["TYPE A", 200],
    ["PASV", 227],
    ["MLSD", 150],
    ["MLST hello", 250],
    ["TYPE I", 200],
    ["PASV", 227],
    ["STOR new", 150],
    ["MFMT 20240101000000 new", 213],
    ["RNFR new", 350],
    ["RNTO newer", 250],
    ["DELE newer", 250],
    ["QUIT", 221],
  ],
  "a web browser of old": [
    ["USER anonymous", 331],
    ["PASS mozilla@example.com", 230],
    ["SYST", 215],
    ["PWD", 257],
    ["TYPE I", 200],
    ["PASV", 227],
    ["SIZE /hello", 213],
    ["MDTM /hello", 213],
    ["RETR /hello", 150],
    ["PASV", 227],
    ["CWD /sub", 250],
    ["LIST", 150],
    ["QUIT", 221],
  ],
};

/** Plays one client; what it stores is `new`. */
async function play(client: FtpControl, lines: Line[]): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  let connect = (): Promise<Deno.TcpConn> => Promise.reject(new Error("no way for data"));
  for (const [command, code] of lines) {
    const line = command === "PORT" ? `PORT 127,0,0,1,${port >> 8},${port & 255}` : command;
    const reply = await client.ask(line);
    assertEquals(Number(reply.slice(0, 3)), code, `${line}: ${reply}`);
    if (command === "PORT") connect = () => listener.accept();
    if (command === "PASV") {
      const [high = 0, low = 0] = reply.match(/\d+/g)?.slice(-2).map(Number) ?? [];
      connect = () => Deno.connect({ hostname: "127.0.0.1", port: high * 256 + low });
    }
    if (code !== 150) continue;
    using data = await connect();
    if (line.startsWith("STOR")) await data.closeWrite();
    else while (await data.read(new Uint8Array(10_000)) !== null);
    assertEquals((await client.reply()).slice(0, 3), "226", line);
  }
  assertEquals(await client.reply(), "");
}

for (const [name, lines] of Object.entries(CLIENTS)) {
  ftpTest(`${name} gets along`, async ({ connect, names }) => {
    await play(await connect(), lines);
    assertEquals(names(), [".hidden", "hello", "sub"]);
  });
}

ftpTest("RNTO comes right after the last RNFR, if that was good", async ({ login, names }) => {
  const client = await login();
  const lines = ["RNFR hello", "RNFR hello", "RNTO b"];
  assertEquals(await client.codes(...lines, "RNTO c"), [350, 350, 250, 503]);
  assertEquals(await client.codes("RNFR b", "RNFR nothing", "RNTO c"), [350, 550, 503]);
  assertEquals(await client.codes("RNFR b", "REST 1", "RNTO c"), [350, 350, 503]);
  assertEquals(await client.codes("RNFR sub", "RNFR b", "RNTO c"), [350, 350, 250]);
  assertEquals(names(), [".hidden", "c", "sub"]);
});
