/** Every mistake is one clear line and its exit code. */
import { assertEquals, assertMatch } from "@std/assert";
import { latin1Bytes } from "../../../tools/protocol/text.ts";
import { processTest } from "../../support/permissions.ts";
import { webServer } from "../../support/web.ts";
import { HELLO, http, inFolder } from "./program.ts";

type Row = [args: string[], code: number, line: RegExp];

async function check(rows: Row[], cwd?: string): Promise<void> {
  for (const [args, code, line] of rows) {
    const ended = await http(args, cwd === undefined ? {} : { cwd });
    assertMatch(ended.stderr, line);
    const lines = ended.stderr.trimEnd().split("\n").length;
    assertEquals([ended.code, lines, ended.stdout], [code, 1, ""], ended.stderr);
  }
}

processTest("http: a wrong command line is one clear line and exit code 2", () =>
  check([
    [[], 2, /^http: too few words; usage: http URL\|HOST/],
    [["a", "b"], 2, /^http: too many words/],
    [["--locaton", "www"], 2, /^http: unknown option --locaton; is it --location\?/],
    [["-k", "www"], 2, /^http: unknown option -k \(see --help\)/],
    [["www", "-o"], 2, /^http: -o needs a value/],
    [["-o", "", "www"], 2, /^http: --output : the value is empty/],
    [["--port", "99999", "www"], 2, /^http: --port 99999: a port is a number from 1 to 65535/],
    [["--timeout", "soon", "www"], 2, /^http: --timeout soon: give a duration such as/],
    [["--max-filesize", "big", "www"], 2, /^http: --max-filesize big: give a size such as/],
    [["--max-redirs", "0", "www"], 2, /^http: --max-redirs 0: give a whole number, 1 or more/],
    [["www:99999"], 2, /^http: "www:99999": a port is a number from 1 to 65535/],
    [["http://ada:secret@www:x/"], 2, /^http: "http:\/\/\*\*\*@www:x\/": this is not a URL/],
    [["ftp://www/"], 2, /^http: "ftp:\/\/www\/": ftp:\/\/ is not known here/],
    [["-r", "5-1", "www"], 2, /^http: --range 5-1: give a range such as/],
    [["-H", "a b: c", "www"], 2, /^http: --header a b: c: give 'NAME: VALUE'/],
    [["-H", "A: b\r\nC: d", "www"], 2, /^http: --header A: b\\r\\nC: d: a field holds no CR/],
    [["-H", "Content-Length: 5", "www"], 2, /^http: --header .*: the framing of the body follows/],
    [["--resolve", "www:127.0.0.1", "www"], 2, /^http: --resolve .*: give HOST:PORT:ADDRESS/],
    [["-X", "GET /", "www"], 2, /^http: -X: "GET \/" is not a method/],
    [["-I", "-d", "x", "www"], 2, /^http: -I, -d and -T: one of them/],
    [["-I", "-o", "x", "www"], 2, /^http: -I has no body to save/],
    [["-C", "-", "www"], 2, /^http: -C needs -o or -O/],
    [["-C", "-", "-o", "x", "-d", "x", "www"], 2, /^http: -C completes what GET gets/],
    [["-C", "500", "-o", "x", "www"], 2, /^http: --continue-at 500: give -: the file itself says/],
    [["-u", "ada", "www"], 2, /^http: -u: give NAME:PASSWORD/],
  ]));

processTest(
  "http: a file that cannot be used is one clear line and exit code 4",
  () =>
    inFolder(async (cwd) => {
      await using server = webServer(() => HELLO);
      const url = `127.0.0.1:${server.port}`;
      await Deno.writeTextFile(`${cwd}/text`, "no certificate");
      await check([
        [["-T", "no/such", "www"], 4, /^http: no\/such: no such file or folder/],
        [["-T", ".", "www"], 4, /^http: \.: is not a file/],
        [["-d", "@no/such", "www"], 4, /^http: no\/such: no such file or folder/],
        [["--cacert", "no/such", "https://www"], 4, /^http: no\/such: no such file or folder/],
        [
          ["--cacert", "text", "https://www"],
          4,
          /^http: text: there is no certificate in PEM form/,
        ],
        [["-o", "no/such", url], 4, /^http: no\/such: no such file or folder/],
        [["-o", ".", url], 4, /^http: \.: is a folder/],
      ], cwd);
    }),
);

processTest("http: a server that is not there is one clear line and exit code 3", async () => {
  using silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = closed.addr;
  closed.close();
  const there = `127.0.0.1:${silent.addr.port}`;
  const late = /^http: 127\.0\.0\.1:\d+: no answer in time/;
  await check([
    [[`127.0.0.1:${port}`], 3, /^http: 127\.0\.0\.1:\d+: connection refused \(is a server/],
    [["http://nosuch.invalid/"], 3, /^http: nosuch\.invalid:80: no such host/],
    [["-6", "127.0.0.1"], 3, /^http: 127\.0\.0\.1: is not an IPv6 address/],
    [["--timeout", "50ms", there], 3, late],
    [["--timeout", "50ms", "--insecure", `https://${there}`], 3, late],
  ]);
});

processTest(
  "http: a server that speaks something else is one clear line and exit code 1",
  async () => {
    await using nothing = webServer(() => "");
    await using noise = webServer(() =>
      Uint8Array.from({ length: 100_000 }, (_, i) => i * 7 | 128)
    );
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const greeting = greet(listener, "SSH-2.0-OpenSSH_9.2\r\n");
    const ssh = `127.0.0.1:${listener.addr.port}`;
    await check([
      [["-o", "/no/such", ssh], 1, /not HTTP\/1\.1: it begins with "SSH-2.0-/],
      [["--insecure", `https://${ssh}`], 1, /^http: 127\.0\.0\.1:\d+: TLS: .* is not TLS/],
      [[`127.0.0.1:${nothing.port}`], 1, /: the server closed the connection without an answer/],
      [[`127.0.0.1:${noise.port}`], 1, /^http: 127\.0\.0\.1:\d+: the answer is not HTTP/],
    ]);
    listener.close();
    await greeting;
  },
);

/** Says `text` to whoever comes, and waits until they leave. */
async function greet(listener: Deno.TcpListener, text: string): Promise<void> {
  for await (const conn of listener) {
    using _conn = conn;
    await conn.write(latin1Bytes(text));
    // A reset is a way to leave.
    while (await conn.read(new Uint8Array(1024)).catch(() => null) !== null);
  }
}
