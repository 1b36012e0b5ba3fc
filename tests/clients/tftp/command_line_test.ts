import { assertEquals, assertThrows } from "@std/assert";
import { type Job, readWords } from "../../../clients/tftp/command_line.ts";
import { checkWindow, type TftpSettings, windowFor } from "../../../clients/tftp/options.ts";
import { largestWindow } from "../../../tools/protocol/tftp_options.ts";
import { UsageError } from "../../../tools/program/failure.ts";

function get(remote: string, local: string): Job {
  return { kind: "get", remote, local };
}

function put(local: string, remote: string): Job {
  return { kind: "put", remote, local };
}

Deno.test("readWords(): which server, which files, which way", () => {
  const cases: [words: string, jobs: Job[], port?: number][] = [
    ["server", []],
    ["server get cake", [get("cake", "cake")]],
    ["server:6969 get cake", [get("cake", "cake")], 6969],
    ["server get pub/cake", [get("pub/cake", "cake")]],
    ["server get \\Boot\\x64\\boot.efi", [get("\\Boot\\x64\\boot.efi", "boot.efi")]],
    ["server get cake pie", [get("cake", "pie")]],
    ["server get cake -", [get("cake", "-")]],
    ["server put cake", [put("cake", "cake")]],
    ["server put ../sub/cake", [put("../sub/cake", "cake")]],
    ["server put cake up/pie", [put("cake", "up/pie")]],
    ["server put - pie", [put("-", "pie")]],
    ["server mget a pub/b", [get("a", "a"), get("pub/b", "b")]],
    ["server mput a sub/b c", [put("a", "a"), put("sub/b", "b"), put("c", "c")]],
    ["tftp://server/pub/cake", [get("pub/cake", "cake")]],
    ["tftp://server:6969/cake pie", [get("cake", "pie")], 6969],
  ];
  for (const [words, jobs, port = 69] of cases) {
    const request = readWords(words.split(" "), { port: undefined });
    assertEquals([request.server, request.jobs], [{ host: "server", port }, jobs], words);
  }
  assertEquals(readWords([], { port: undefined }), { server: undefined, jobs: [] });
  assertEquals(readWords(["server"], { port: 70 }).server?.port, 70);
  assertEquals(readWords(["tftp://server/a"], { port: 70 }).server?.port, 70);
  assertEquals(readWords(["tftp://server/a;mode=netascii"], { port: 70 }).mode, "netascii");
});

Deno.test("readWords(): what is not understood is one line", () => {
  const cases: [words: string[], message: string][] = [
    [["a b"], '"a b": give HOST, HOST:PORT or [IPv6]:PORT'],
    [["server", "fetch"], '"fetch": give one of get, put, mget, mput (see --help)'],
    [["server", "constructor"], '"constructor": give one of get, put, mget, mput (see --help)'],
    [["server", "6969"], "6969: a port goes with its host, as in HOST:6969"],
    [["http://server/a"], '"http://server/a": give HOST[:PORT] or tftp://HOST/FILE'],
    [["server", "get"], "usage: get REMOTE [LOCAL] (for several files: mget REMOTE...)"],
    [["server", "get", "a", "b", "c"], "usage: get REMOTE [LOCAL] (for several files: mget"],
    [["server", "put"], "usage: put LOCAL [REMOTE] (for several files: mput LOCAL...)"],
    [["server", "put", "a", "b", "c"], "usage: put LOCAL [REMOTE] (for several files: mput"],
    [["server", "mget"], "usage: mget REMOTE..."],
    [["server", "mput"], "usage: mput LOCAL..."],
    [["server", "put", "-"], "say which name standard input gets: put - REMOTE"],
    [["server", "mput", "-"], "say which name standard input gets: put - REMOTE"],
    [["server", "get", "pub/"], "pub/: say which name it gets here: get REMOTE LOCAL"],
    [["server", "get", "pub/.."], "pub/..: say which name it gets here: get REMOTE LOCAL"],
    [["server", "mget", "a", "\x1b"], "\\x1b: say which name it gets here: get REMOTE LOCAL"],
    [["tftp://server/"], '"tftp://server/": give tftp://HOST/FILE'],
    [["tftp://server/a", "b", "c"], '"tftp://server/a": one URL, and perhaps the name it gets'],
    [["tftp://server/a%2F.."], "a/..: say which name it gets here: get REMOTE LOCAL"],
  ];
  for (const [words, message] of cases) {
    assertThrows(() => readWords(words, { port: undefined }), UsageError, message);
  }
});

Deno.test("a window fits into the buffer of a socket, or is refused", () => {
  const settings = (blksize: number, windowsize?: number): TftpSettings => ({
    mode: "octet",
    blksize,
    windowsize,
    tsize: true,
    rexmt: undefined,
    timeout: 1,
  });
  for (
    const [blksize, window] of [[512, 32], [1428, 32], [65464, largestWindow(65464)], [
      8,
      32,
    ]] as const
  ) {
    assertEquals(windowFor(settings(blksize)), window);
    checkWindow(settings(blksize));
    checkWindow(settings(blksize, window));
  }
  assertEquals(windowFor(settings(1428, 7)), 7);
  assertThrows(
    () => checkWindow(settings(65464, 4)),
    UsageError,
    "a socket's buffer does not hold 4 blocks of 65464 bytes: no more than ",
  );
});
